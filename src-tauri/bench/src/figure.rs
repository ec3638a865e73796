//! Figures: what was measured, its floor, the ratio, the budget, and the table
//! that they make.
//!
//! Owns: the statistics and how a number is written. Never: a measurement, nor
//! a judgement beyond "within the budget or not".

use serde::Serialize;

/// Many runs of one thing, sorted.
#[derive(Debug, Clone, Default)]
pub struct Runs(Vec<f64>);

impl Runs {
    /// All of these.
    pub fn of(runs: impl IntoIterator<Item = f64>) -> Self {
        let mut runs: Vec<f64> = runs.into_iter().collect();
        runs.sort_by(f64::total_cmp);
        Self(runs)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Below this lies that part of the runs, between two of them by their
    /// distance; nothing of no runs.
    pub fn at(&self, part: f64) -> f64 {
        let place = self.0.len().saturating_sub(1) as f64 * part;
        let at = |place: f64| self.0.get(place as usize).copied().unwrap_or_default();
        let (low, high) = (at(place.floor()), at(place.ceil()));
        low + (high - low) * place.fract()
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// An interval that holds the median of what these are runs of with a
    /// chance of at least 95 %, whatever its distribution: order statistics,
    /// by the normal approximation of the binomial.
    pub fn median_interval(&self) -> (f64, f64) {
        let count = self.0.len() as f64;
        let half = 1.96 * count.sqrt() / 2.0;
        let low = (count / 2.0 - half).floor().max(1.0) as usize;
        let high = ((count / 2.0 + half).ceil() as usize + 1).min(self.0.len());
        let nth = |n: usize| self.0.get(n.saturating_sub(1)).copied().unwrap_or_default();
        (nth(low), nth(high))
    }

    /// The middle and the quartiles.
    pub fn spread(&self) -> Spread {
        Spread {
            median: self.median(),
            low: self.at(0.25),
            high: self.at(0.75),
        }
    }
}

/// A middle, and the quartiles around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The first quartile.
    pub low: f64,
    /// The third quartile.
    pub high: f64,
}

impl Spread {
    /// A number that was found once, such as a slope.
    pub fn once(value: f64) -> Self {
        Self {
            median: value,
            low: value,
            high: value,
        }
    }
}

/// What is aimed at, and whether it was reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Budget {
    /// As the table says it.
    pub words: String,
    /// Whether the figure is within it.
    pub within: bool,
}

impl Budget {
    /// `value` must be at most `limit`; `words` says so.
    pub fn at_most(value: f64, limit: f64, words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            within: value <= limit,
        }
    }
}

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// In what.
    pub unit: &'static str,
    /// What it came to.
    pub ours: Spread,
    /// The least that it could cost, in the same run.
    pub floor: Option<Spread>,
    /// Ours over the floor, run by run.
    pub ratio: Option<Spread>,
    /// What is aimed at.
    pub budget: Option<Budget>,
    /// How many runs it is the middle of.
    pub runs: usize,
}

impl Figure {
    /// A figure without a floor.
    pub fn alone(name: impl Into<String>, unit: &'static str, ours: &Runs) -> Self {
        Self {
            name: name.into(),
            unit,
            ours: ours.spread(),
            floor: None,
            ratio: None,
            budget: None,
            runs: ours.count(),
        }
    }

    /// A number that follows from several runs, such as a slope.
    pub fn derived(name: impl Into<String>, unit: &'static str, ours: f64, runs: usize) -> Self {
        Self {
            name: name.into(),
            unit,
            ours: Spread::once(ours),
            floor: None,
            ratio: None,
            budget: None,
            runs,
        }
    }

    /// With the same number of the floor's.
    pub fn beside(mut self, floor: f64) -> Self {
        self.floor = Some(Spread::once(floor));
        self.ratio = (floor > 0.0).then(|| Spread::once(self.ours.median / floor));
        self
    }

    /// A figure beside its floor: runs in pairs, one right after the other.
    pub fn paired(name: impl Into<String>, unit: &'static str, pairs: &[(f64, f64)]) -> Self {
        let ours = Runs::of(pairs.iter().map(|pair| pair.0));
        let floor = Runs::of(pairs.iter().map(|pair| pair.1));
        let ratio = Runs::of(
            pairs
                .iter()
                .filter(|pair| pair.1 > 0.0)
                .map(|pair| pair.0 / pair.1),
        );
        Self {
            floor: Some(floor.spread()),
            ratio: Some(ratio.spread()),
            ..Self::alone(name, unit, &ours)
        }
    }

    /// With a budget for the ratio's median.
    pub fn within_ratio(mut self, limit: f64) -> Self {
        let value = self.ratio.map_or(f64::INFINITY, |ratio| ratio.median);
        let words = format!("<= {} x", number(limit));
        self.budget = Some(Budget::at_most(value, limit, words));
        self
    }

    fn line(&self) -> String {
        let spread = |spread: &Spread| {
            if spread.low == spread.high {
                return number(spread.median);
            }
            format!(
                "{} ({}..{})",
                number(spread.median),
                number(spread.low),
                number(spread.high)
            )
        };
        let optional = |of: &Option<Spread>| of.as_ref().map(spread).unwrap_or_default();
        let (budget, verdict) = match &self.budget {
            None => (String::new(), ""),
            Some(budget) if budget.within => (budget.words.clone(), "yes"),
            Some(budget) => (budget.words.clone(), "**no**"),
        };
        format!(
            "| {} | {} | {} | {} | {} | {budget} | {verdict} | {} |",
            self.name,
            self.unit,
            spread(&self.ours),
            optional(&self.floor),
            optional(&self.ratio),
            self.runs
        )
    }
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size < 0.0995 {
        format!("{value:.3}")
    } else if size < 9.95 {
        format!("{value:.2}")
    } else if size < 99.5 {
        format!("{value:.1}")
    } else {
        let digits = format!("{size:.0}");
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        if value < 0.0 { format!("-{out}") } else { out }
    }
}

/// A part of the table, under its heading.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// What the figures have in common.
    pub title: String,
    /// What must be known to read them.
    pub words: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// All sections as Markdown.
pub fn table(sections: &[Section]) -> String {
    let mut out = String::new();
    for section in sections {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!("### {}\n\n{}\n\n", section.title, section.words));
        out.push_str("| figure | in | ours | floor | ratio | budget | within | runs |\n");
        out.push_str("|---|---|---|---|---|---|---|---|\n");
        for figure in &section.figures {
            out.push_str(&figure.line());
            out.push('\n');
        }
    }
    out
}

/// The slope of the straight line that fits these points best, by least squares.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points
        .iter()
        .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    let (x, y) = (x / count, y / count);
    let (above, below) = points.iter().fold((0.0, 0.0), |sum, point| {
        let apart = point.0 - x;
        (sum.0 + apart * (point.1 - y), sum.1 + apart * apart)
    });
    if below > 0.0 { above / below } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_stands_in_its_interval_and_quartiles_around_it() {
        let runs = Runs::of((0..501).rev().map(f64::from));
        assert_eq!(runs.median(), 250.0);
        assert_eq!((runs.at(0.25), runs.at(0.99)), (125.0, 495.0));
        let (low, high) = runs.median_interval();
        // 501 / 2 -+ 21.9, as a table of the binomial says.
        assert_eq!((low, high), (227.0, 273.0));
        assert_eq!(Runs::default().median(), 0.0);
    }

    #[test]
    fn a_line_is_fitted_and_a_flat_one_has_no_slope() {
        assert_eq!(slope(&[(0.0, 1.0), (10.0, 21.0), (20.0, 41.0)]), 2.0);
        assert_eq!(slope(&[(1.0, 5.0), (9.0, 5.0)]), 0.0);
    }

    #[test]
    fn a_figure_beyond_its_budget_says_so() {
        let pairs = [(2.0, 1.0), (4.0, 2.0), (6.0, 2.0)];
        let figure = Figure::paired("ingest", "ms", &pairs).within_ratio(1.5);
        assert_eq!(
            figure.line(),
            "| ingest | ms | 4.00 (3.00..5.00) | 2.00 (1.50..2.00) | 2.00 (2.00..2.50) | <= 1.50 x | **no** | 3 |"
        );
        let figure = figure.within_ratio(2.0);
        assert!(figure.line().contains("| <= 2.00 x | yes |"));
    }

    #[test]
    fn numbers_have_three_digits_that_mean_something() {
        for (value, text) in [
            (0.0, "0.00"),
            (0.004, "0.004"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
            (1_234_567.0, "1,234,567"),
            (-4_321.0, "-4,321"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}

//! What came of it, in words, as JSON and as JUnit's XML.

use super::call::Way;
use crate::schema::Action;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "why")]
pub enum Verdict {
    /// An attack, and it was refused.
    Refused,
    /// An attack, and it worked.
    Leaked,
    /// An attack that no rule can refuse: why, and since and until which version.
    Known(Known),
    /// What should work, and does.
    Allowed,
    /// What should work, and does not.
    NotAllowed,
    /// The answer says neither.
    Unclear(String),
}

/// Something that rules can't close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Known {
    /// What it is, and what an owner can do about it.
    pub reason: String,
}

impl Known {
    pub(super) fn new(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
        }
    }
}

/// One thing that was tried, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The same on every run of the same schema.
    pub name: String,
    /// Of which collection.
    pub collection: String,
    /// To do what.
    pub action: Action,
    /// In which way.
    pub way: Way,
    /// As whom; names of probes.
    pub who: String,
    /// Whether it is an attack; else it is the sister of one, and should work.
    pub attack: bool,
    /// What would be known or done if it worked.
    pub would: String,
    /// The request, without credentials.
    pub request: String,
    /// What the server answered, shortened.
    pub answer: String,
    /// What it came to.
    pub verdict: Verdict,
}

/// How many trials there were of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests that should be refused.
    pub attacks: usize,
    /// Of those: refused.
    pub refused: usize,
    /// Of those: what no rule can refuse.
    pub known: usize,
    /// Of those: what worked.
    pub leaks: usize,
    /// Requests that should work.
    pub allowed: usize,
    /// Of those: what did.
    pub ok: usize,
    /// Answers that say neither.
    pub unclear: usize,
}

/// A collection, an action and a way, with how many attacks there were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Which collection.
    pub collection: String,
    /// Which action.
    pub action: Action,
    /// Which way.
    pub way: Way,
    /// How many attacks.
    pub attacks: usize,
    /// Why there are none.
    pub reason: Option<&'static str>,
}

/// The whole result.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What was tried, in order.
    pub findings: Vec<Finding>,
    /// Every collection by action by way.
    pub cells: Vec<Cell>,
    /// What this can't prove, and what the server's operator can do.
    pub limits: Vec<String>,
    /// What is left on the server, that nobody can take away.
    pub left: Vec<String>,
    /// Whether it was ended at the first leak.
    pub ended_early: bool,
}

impl Report {
    /// The sums.
    pub fn count(&self) -> Count {
        let mut count = Count::default();
        for finding in &self.findings {
            if finding.attack {
                count.attacks += 1;
            } else {
                count.allowed += 1;
            }
            match finding.verdict {
                Verdict::Refused => count.refused += 1,
                Verdict::Leaked => count.leaks += 1,
                Verdict::Known(_) => count.known += 1,
                Verdict::Allowed => count.ok += 1,
                Verdict::NotAllowed => {}
                Verdict::Unclear(_) => count.unclear += 1,
            }
        }
        count
    }

    /// Whether every attack was refused, but those that no rule can refuse, and everything
    /// worked that should.
    pub fn is_private(&self) -> bool {
        let count = self.count();
        count.leaks == 0
            && count.attacks == count.refused + count.known
            && count.allowed == count.ok
            && !self.ended_early
            && self
                .cells
                .iter()
                .all(|cell| cell.attacks > 0 || cell.reason.is_some())
    }

    /// One line, for programs and tests.
    pub fn line(&self) -> String {
        let Count {
            attacks,
            refused,
            known,
            leaks,
            allowed,
            ok,
            unclear,
        } = self.count();
        format!(
            "verify: attacks={attacks} refused={refused} known={known} allowed={allowed} ok={ok} unclear={unclear} leaks={leaks}"
        )
    }

    /// What is wrong.
    pub fn wrong(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| {
            matches!(
                finding.verdict,
                Verdict::Leaked | Verdict::NotAllowed | Verdict::Unclear(_)
            )
        })
    }

    /// What worked and should not have.
    pub fn leaked(&self) -> impl Iterator<Item = &Finding> {
        let mut wrong = self.wrong();
        std::iter::from_fn(move || wrong.find(|finding| finding.verdict == Verdict::Leaked))
    }

    /// What no rule can refuse: each reason once, with how often it was met.
    pub fn known(&self) -> Vec<(String, usize)> {
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in &self.findings {
            if let Verdict::Known(known) = &finding.verdict {
                *all.entry(&known.reason).or_default() += 1;
            }
        }
        all.into_iter()
            .map(|(reason, times)| (reason.to_owned(), times))
            .collect()
    }

    /// For people.
    pub fn in_words(&self) -> String {
        let count = self.count();
        let mut text = String::new();
        let verdict = if self.is_private() {
            "Nobody can read or forge what isn't theirs, as far as this was tried, and but for what is \
             named below."
        } else if count.leaks > 0 {
            "This server is NOT private: attacks worked."
        } else {
            "This is no proof: something did not go as it should."
        };
        let _ = writeln!(text, "{verdict}");
        let _ = writeln!(
            text,
            "{} attacks, {} of them refused; {} of {} allowed requests worked.",
            count.attacks, count.refused, count.ok, count.allowed
        );
        for finding in self.wrong() {
            let what = match &finding.verdict {
                Verdict::Leaked => "WORKED",
                Verdict::NotAllowed => "should work, and does not",
                _ => "unclear",
            };
            let _ = writeln!(text, "\n{what}: {} (as {})", finding.name, finding.who);
            if !finding.would.is_empty() {
                let _ = writeln!(text, "  would give  {}", finding.would);
            }
            let _ = writeln!(text, "  request     {}", finding.request);
            let _ = writeln!(text, "  answer      {}", finding.answer);
        }
        let known = self.known();
        if !known.is_empty() {
            let _ = writeln!(text, "\nWhat no rule can refuse:");
            for (reason, times) in known {
                let _ = writeln!(text, "- {reason} (met {times} times)");
            }
        }
        let mut list = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                let _ = writeln!(text, "\n{title}");
                for line in lines {
                    let _ = writeln!(text, "- {line}");
                }
            }
        };
        list("What this can't prove:", &self.limits);
        list("What stays on the server:", &self.left);
        text
    }

    /// For build servers.
    pub fn as_junit(&self) -> String {
        let count = self.count();
        let wrong = self.wrong().count();
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(
            text,
            "<testsuite name=\"verify\" tests=\"{}\" failures=\"{wrong}\" errors=\"0\" skipped=\"{}\">",
            self.findings.len(),
            count.known
        );
        for finding in &self.findings {
            let _ = write!(
                text,
                "  <testcase classname=\"{}\" name=\"{}\"",
                xml(&finding.collection),
                xml(&finding.name)
            );
            let inner = match &finding.verdict {
                Verdict::Refused | Verdict::Allowed => None,
                Verdict::Known(known) => {
                    Some(format!("<skipped message=\"{}\"/>", xml(&known.reason)))
                }
                Verdict::Leaked => Some(format!(
                    "<failure message=\"worked: {}\">{}\n{}</failure>",
                    xml(&finding.would),
                    xml(&finding.request),
                    xml(&finding.answer)
                )),
                Verdict::NotAllowed => Some(format!(
                    "<failure message=\"should work\">{}\n{}</failure>",
                    xml(&finding.request),
                    xml(&finding.answer)
                )),
                Verdict::Unclear(why) => Some(format!(
                    "<failure message=\"{}\">{}\n{}</failure>",
                    xml(why),
                    xml(&finding.request),
                    xml(&finding.answer)
                )),
            };
            let _ = match inner {
                None => writeln!(text, "/>"),
                Some(inner) => writeln!(text, ">{inner}</testcase>"),
            };
        }
        text.push_str("</testsuite>\n");
        text
    }
}

/// Text as XML holds it; what XML can't hold is left out.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(attack: bool, verdict: Verdict) -> Finding {
        Finding {
            name: "read a \"b\" <c>".to_owned(),
            collection: "a".to_owned(),
            action: Action::Read,
            way: Way::Rest,
            who: "Eve".to_owned(),
            attack,
            would: "everything".to_owned(),
            request: "GET /a&b".to_owned(),
            answer: "200".to_owned(),
            verdict,
        }
    }

    fn report(findings: Vec<Finding>) -> Report {
        Report {
            findings,
            ..Report::default()
        }
    }

    #[test]
    fn one_leak_one_refusal_too_many_or_one_doubt_is_no_proof() {
        let good = vec![
            finding(true, Verdict::Refused),
            finding(false, Verdict::Allowed),
            finding(true, Verdict::Known(Known::new("so it is"))),
        ];
        let all_good = report(good.clone());
        assert!(all_good.is_private());
        assert_eq!(
            all_good.line(),
            "verify: attacks=2 refused=1 known=1 allowed=1 ok=1 unclear=0 leaks=0"
        );
        for bad in [
            finding(true, Verdict::Leaked),
            finding(false, Verdict::NotAllowed),
            finding(true, Verdict::Unclear("502".to_owned())),
        ] {
            let mut findings = good.clone();
            findings.push(bad);
            let report = report(findings);
            assert!(!report.is_private());
            assert_eq!(report.wrong().count(), 1);
            assert!(
                report.in_words().contains("GET /a&b"),
                "{}",
                report.in_words()
            );
        }
        let mut gap = all_good;
        gap.cells.push(Cell {
            collection: "a".to_owned(),
            action: Action::Read,
            way: Way::Batch,
            attacks: 0,
            reason: None,
        });
        assert!(!gap.is_private(), "a cell without attacks needs a reason");
    }

    #[test]
    fn the_xml_holds_any_text() {
        let xml = report(vec![finding(true, Verdict::Leaked)]).as_junit();
        assert!(
            xml.contains("name=\"read a &quot;b&quot; &lt;c&gt;\""),
            "{xml}"
        );
        assert!(xml.contains("GET /a&amp;b"), "{xml}");
        assert!(xml.contains("tests=\"1\" failures=\"1\""), "{xml}");
    }
}

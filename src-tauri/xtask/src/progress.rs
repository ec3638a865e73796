//! Telling a person how far a long step is: one line, rewritten in a terminal,
//! printed now and then where the output goes to a file.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

/// One long step.
#[derive(Debug)]
pub struct Step {
    what: String,
    started: Instant,
    last: Option<(Instant, String)>,
    live: bool,
}

impl Step {
    /// Begins a step and says so.
    pub fn begin(what: impl Into<String>) -> Self {
        let step = Self {
            what: what.into(),
            started: Instant::now(),
            last: None,
            live: stdout().is_terminal(),
        };
        if step.live {
            print!("  {} …", step.what);
            flush();
        } else {
            println!("  {} …", step.what);
        }
        step
    }

    /// Says how far it is, e.g. "312/841 packages".
    pub fn at(&mut self, far: impl Into<String>) {
        let far = far.into();
        let due = if self.live {
            Duration::from_millis(100)
        } else {
            Duration::from_secs(10)
        };
        let since = self.last.as_ref().map_or(self.started, |(when, _)| *when);
        if self.last.as_ref().is_some_and(|(_, last)| *last == far) || since.elapsed() < due {
            return;
        }
        if self.live {
            print!("\r\x1b[K  {}: {far}", self.what);
            flush();
        } else {
            println!("  {}: {far}", self.what);
        }
        self.last = Some((Instant::now(), far));
    }

    /// Says that it is done, and how long it took.
    pub fn done(self) {
        let before = if self.live { "\r\x1b[K" } else { "" };
        println!(
            "{before}  {}: done in {}",
            self.what,
            duration(self.started.elapsed())
        );
    }
}

/// Bytes as a person reads them.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        1_000_000..10_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{} GB", count / 1_000_000_000),
    }
}

/// A time span as a person reads it.
pub fn duration(span: Duration) -> String {
    match span.as_secs() {
        0..60 => format!("{:.1} s", span.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn flush() {
    // A closed output is noticed at the next line that matters.
    let _ = stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_said_as_a_person_reads_them() {
        assert_eq!(bytes(833_850_533), "833 MB");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
    }
}

//! What went wrong, in a sentence for a person, with the line to run where there is one.

use std::fmt;

/// A refusal or a failure, as it is shown to the person who started the chore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// One plain sentence: what is wrong, and what to do about it.
    pub sentence: String,
    /// The exact line to type, where typing one helps.
    pub run: Option<String>,
}

/// The result of every chore.
pub type Outcome<T = ()> = Result<T, Problem>;

impl Problem {
    /// A problem that only needs telling.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            run: None,
        }
    }

    /// A problem that one line in the terminal solves.
    pub fn with_line(sentence: impl Into<String>, line: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            run: Some(line.into()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        match &self.run {
            Some(line) => write!(f, "\n\n    {line}\n"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// Turns an input/output error into a sentence that says what was being done.
pub trait Doing<T> {
    /// `doing` completes "Could not …", e.g. "write /tmp/x".
    fn doing(self, doing: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Problem::new(format!("Could not {}: {error}.", doing())))
    }
}

//! How much is asked for at a time.
//!
//! Owns: these numbers. Never: a decision; they change how many requests it
//! takes, not what comes of them, so that a simulation may have tiny ones.

/// How much an engine asks for at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// Rows that a page of the catch-up asks for.
    pub catch_up: u32,
    /// Rows that a page of history asks for.
    pub history: u32,
    /// Rows that a page of the directory asks for.
    pub people: u32,
    /// Conversations whose newest message is asked for in one request.
    pub newest: usize,
    /// Conversations whose newest page is fetched unasked.
    pub prefetch: u32,
    /// Totals that are asked for at once: more than there are, nearly always.
    pub groups: u32,
    /// Rows at a page's end that are named in the next request; more are
    /// skipped by number.
    pub named: usize,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            catch_up: 100,
            history: 50,
            people: 100,
            newest: 50,
            prefetch: 10,
            groups: 10_000,
            named: 400,
        }
    }
}

//! Whether a phone's app is connected: only while it is seen, or while the system gives
//! it a moment in the background, and only with a network.
//!
//! Owns: these three facts, and what follows from a change of one. Never: a clock, a
//! connection or a system.
//!
//! ```text
//!             seen or looking, with a network
//!  at rest  ----------------- Connect ---------------->  connected --+
//!           <--------------- Disconnect ---------------      ^       | again: GoOn,
//!             neither, or no network                         +-------+ sockets are suspect
//! ```

/// What the core is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// There is a way to the world.
    Connect,
    /// The way is another, or time has passed unseen.
    GoOn,
    /// There is none.
    Disconnect,
}

/// What is known.
#[derive(Debug)]
pub struct Life {
    seen: bool,
    looking: bool,
    network: bool,
    /// How often it went out of sight, so that one who waited knows whether it came back.
    left: u64,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            seen: true,
            looking: false,
            network: true,
            left: 0,
        }
    }
}

impl Life {
    /// A person sees it.
    pub fn seen(&mut self) -> Option<Deed> {
        self.left += 1;
        self.change(|life| life.seen = true)
    }

    /// Nobody sees it any more. The number is for [`Life::rests`]: what was just sent
    /// may still leave.
    pub const fn leaves(&mut self) -> u64 {
        self.left += 1;
        self.left
    }

    /// The moment after leaving is over.
    pub fn rests(&mut self, left: u64) -> Option<Deed> {
        if left != self.left {
            return None;
        }
        self.change(|life| life.seen = false)
    }

    /// The system gives a moment in the background, or takes it back.
    pub fn looking(&mut self, on: bool) -> Option<Deed> {
        // A second start of one that is under way tells nobody anything.
        if on == self.looking {
            return None;
        }
        self.change(|life| life.looking = on)
            .filter(|deed| *deed != Deed::GoOn)
    }

    /// The system says whether there is a network; said again, the way is another.
    pub fn network(&mut self, up: bool) -> Option<Deed> {
        self.change(|life| life.network = up)
    }

    const fn connected(&self) -> bool {
        self.network && (self.seen || self.looking)
    }

    fn change(&mut self, change: impl FnOnce(&mut Self)) -> Option<Deed> {
        let before = self.connected();
        change(self);
        match (before, self.connected()) {
            (false, true) => Some(Deed::Connect),
            (true, true) => Some(Deed::GoOn),
            (true, false) => Some(Deed::Disconnect),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_background_nothing_is_connected() {
        let mut life = Life::default();
        let left = life.leaves();
        assert_eq!(life.rests(left), Some(Deed::Disconnect));
        assert_eq!(life.network(true), None, "nobody is there to see it");
        assert_eq!(life.seen(), Some(Deed::Connect));
        assert_eq!(life.seen(), Some(Deed::GoOn));
    }

    #[test]
    fn who_comes_back_at_once_is_not_disconnected() {
        let mut life = Life::default();
        let left = life.leaves();
        assert_eq!(life.seen(), Some(Deed::GoOn));
        assert_eq!(life.rests(left), None);
        let again = life.leaves();
        assert_eq!(life.rests(left), None, "that was another time");
        assert_eq!(life.rests(again), Some(Deed::Disconnect));
    }

    #[test]
    fn a_look_connects_and_disconnects_unless_somebody_came() {
        let mut life = Life::default();
        let left = life.leaves();
        life.rests(left);
        assert_eq!(life.looking(true), Some(Deed::Connect));
        assert_eq!(life.looking(true), None);
        assert_eq!(life.looking(false), Some(Deed::Disconnect));
        life.looking(true);
        assert_eq!(life.seen(), Some(Deed::GoOn));
        assert_eq!(life.looking(false), None, "a person sees it");
        assert_eq!(life.network(false), Some(Deed::Disconnect));
        assert_eq!(life.network(true), Some(Deed::Connect));
        assert_eq!(life.network(true), Some(Deed::GoOn), "another way");
    }
}

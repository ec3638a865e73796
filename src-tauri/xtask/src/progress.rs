//! Telling a person how far long steps are.
//!
//! In a terminal each running step has a line of its own at the bottom, which is
//! rewritten; anything else is said above them with [`say`]. Where the output
//! goes to a file, a step says now and then how far it is, in whole lines.

use std::io::{IsTerminal, Write, stdout};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a line may be long, so that a narrow terminal does not break it in two.
const WIDTH: usize = 78;
/// How often a terminal's line is rewritten at most.
const REWRITE: Duration = Duration::from_millis(100);
/// How often a step says how far it is where nothing is rewritten.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// The steps that are running, and how many of their lines stand in the terminal.
static BOARD: Mutex<Board> = Mutex::new(Board {
    steps: Vec::new(),
    drawn: 0,
    next: 0,
});

#[derive(Debug)]
struct Board {
    steps: Vec<(u64, String)>,
    drawn: usize,
    next: u64,
}

impl Board {
    /// Takes the lines of the steps away, says `line` in their place, and puts them below it.
    fn write(&mut self, line: Option<&str>, out: &mut impl Write) -> std::io::Result<()> {
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A\r\x1b[J", self.drawn));
        }
        if let Some(line) = line {
            text.push_str(line);
            text.push('\n');
        }
        for (_, step) in &self.steps {
            text.extend(step.chars().take(WIDTH));
            text.push('\n');
        }
        self.drawn = self.steps.len();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn set(&mut self, id: u64, line: String) {
        match self.steps.iter_mut().find(|(step, _)| *step == id) {
            Some((_, text)) => *text = line,
            None => self.steps.push((id, line)),
        }
    }

    fn remove(&mut self, id: u64) {
        self.steps.retain(|(step, _)| *step != id);
    }
}

fn with_board(change: impl FnOnce(&mut Board), line: Option<&str>) {
    let mut board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut board);
    // The terminal may be gone: nobody is there to be told.
    let _ = board.write(line, &mut stdout());
}

/// Says a line, above the steps that are running.
pub fn say(line: impl AsRef<str>) {
    with_board(|_| {}, Some(line.as_ref()));
}

/// One long step. Dropped before it is done, it says nothing more.
#[derive(Debug)]
pub struct Step {
    what: String,
    started: Instant,
    last: Option<(Instant, String)>,
    /// Its number on the board, where lines are rewritten.
    live: Option<u64>,
}

impl Step {
    /// Begins a step and says so.
    pub fn begin(what: impl Into<String>) -> Self {
        let mut step = Self {
            what: what.into(),
            started: Instant::now(),
            last: None,
            live: None,
        };
        let line = format!("  {} …", step.what);
        if stdout().is_terminal() {
            with_board(
                |board| {
                    board.next += 1;
                    step.live = Some(board.next);
                    board.set(board.next, line);
                },
                None,
            );
        } else {
            say(line);
        }
        step
    }

    /// Says how far it is, e.g. "312/841 packages".
    pub fn at(&mut self, far: impl Into<String>) {
        let far = far.into();
        let due = self.live.map_or(NOW_AND_THEN, |_| REWRITE);
        let since = self.last.as_ref().map_or(self.started, |(when, _)| *when);
        if since.elapsed() < due {
            return;
        }
        let line = format!("  {}: {far}", self.what);
        match self.live {
            Some(id) => {
                let line = format!("{line}, {}", duration(self.started.elapsed()));
                with_board(|board| board.set(id, line), None);
            }
            None if self.last.as_ref().is_some_and(|(_, last)| *last == far) => return,
            None => say(line),
        }
        self.last = Some((Instant::now(), far));
    }

    /// Says that it is done, and how long it took.
    pub fn done(mut self) {
        let line = format!(
            "  {}: done in {}",
            self.what,
            duration(self.started.elapsed())
        );
        let id = self.live.take();
        with_board(
            |board| {
                if let Some(id) = id {
                    board.remove(id);
                }
            },
            Some(&line),
        );
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(id) = self.live.take() {
            with_board(|board| board.remove(id), None);
        }
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

/// How much of how much; what is larger than it was thought to be is only counted.
pub fn so_far(done: u64, whole: u64) -> String {
    if done < whole {
        format!("{}/{}", bytes(done), bytes(whole))
    } else {
        bytes(done)
    }
}

/// A time span as a person reads it.
pub fn duration(span: Duration) -> String {
    match span.as_secs() {
        0..60 => format!("{:.1} s", span.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
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

    #[test]
    fn two_steps_at_once_have_a_line_each_and_what_is_said_stands_above_them() {
        let mut board = Board {
            steps: Vec::new(),
            drawn: 0,
            next: 0,
        };
        let mut terminal = Vec::new();
        board.set(1, "Directus: 5/834 MB".to_owned());
        board.set(2, "the app: 1/512 crates".to_owned());
        board.write(None, &mut terminal).unwrap();
        board.set(1, "Directus: 600/834 MB".to_owned());
        board
            .write(Some("A port is taken."), &mut terminal)
            .unwrap();
        board.remove(2);
        board.write(Some("the app: done"), &mut terminal).unwrap();
        assert_eq!(
            String::from_utf8(terminal).unwrap(),
            "Directus: 5/834 MB\nthe app: 1/512 crates\n\
             \x1b[2A\r\x1b[JA port is taken.\nDirectus: 600/834 MB\nthe app: 1/512 crates\n\
             \x1b[2A\r\x1b[Jthe app: done\nDirectus: 600/834 MB\n"
        );
    }

    #[test]
    fn a_line_never_breaks_in_a_narrow_terminal() {
        let mut board = Board {
            steps: vec![(1, "ä".repeat(200))],
            drawn: 0,
            next: 0,
        };
        let mut terminal = Vec::new();
        board.write(None, &mut terminal).unwrap();
        let text = String::from_utf8(terminal).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    }
}

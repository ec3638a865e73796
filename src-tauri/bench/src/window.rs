//! The window: from its start to everything painted, and the memory of all its
//! processes then.
//!
//! What is painted is read from the display's own picture, so the app needs no
//! hook and nobody is disturbed: rows of pixels are taken every few
//! milliseconds until nothing changes any more, and it was painted when it
//! first looked as it does at the end, but for a hundredth of its pixels (a
//! caret, a second that passes). The floor is measured in the same way.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::Path,
    process::Command,
    time::{Duration, Instant as Clock},
};

use xtask::{name, paths, process};

use crate::{
    Outcome, Size,
    core::growth,
    desk::{self, Desk},
    figure::{Budget, Figure, Runs, Section},
    ingest::grouped,
};

/// The window's size, which the floor's program has as well.
const WIDE: usize = 1040;
const HIGH: usize = 720;
/// Every such row of pixels is looked at.
const ROWS: usize = 8;
/// How often.
const PAUSE: Duration = Duration::from_millis(8);
/// Unchanged for so long, it is done.
const STILL: Duration = Duration::from_secs(4);
/// Longer than any start.
const BOUND: Duration = Duration::from_secs(90);
/// As much of it may differ from how it looks at the end, or change once done.
const DIFFERENT: f64 = 0.01;
/// As much of a picture with something on it has not the commonest colour.
const SOMETHING: f64 = 0.01;
/// How much more memory than the floor it may have, in MB.
const MORE: f64 = 25.0;

/// Rows of pixels of the display.
struct Picture {
    file: File,
    begin: u64,
    line: u64,
}

impl Picture {
    /// Source: `XWDFile.h` of the X Window System; all numbers big-endian.
    fn open(path: &Path) -> Outcome<Self> {
        let file = File::open(path)?;
        let mut header = [0; 100];
        read_at(&file, &mut header, 0)?;
        let number = |at: usize| {
            let bytes = header
                .get(4 * at..4 * at + 4)
                .and_then(|b| b.try_into().ok());
            bytes.map_or(0, u32::from_be_bytes)
        };
        let (size, version, bits) = (number(0), number(1), number(11));
        if version != 7 || bits != 32 {
            return Err(
                format!("the display's picture is of version {version}, {bits} bits").into(),
            );
        }
        Ok(Self {
            file,
            begin: u64::from(size) + u64::from(number(19)) * 12,
            line: u64::from(number(12)),
        })
    }

    fn take(&self) -> io::Result<Vec<u8>> {
        let long = 4 * WIDE;
        let mut pixels = vec![0; long * HIGH.div_ceil(ROWS)];
        for (row, part) in (0_u64..).zip(pixels.chunks_mut(long)) {
            let from = self.begin + row * ROWS as u64 * self.line;
            read_at(&self.file, part, from)?;
        }
        Ok(pixels)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, from)
}

#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Which part of the pixels differs.
fn different(one: &[u8], other: &[u8]) -> f64 {
    let pixels = one.chunks(4).zip(other.chunks(4));
    let all = pixels.len().max(1) as f64;
    pixels.filter(|(one, other)| one != other).count() as f64 / all
}

/// Whether there is more than one plain colour.
fn shows_something(picture: &[u8]) -> bool {
    let mut colours: BTreeMap<&[u8], usize> = BTreeMap::new();
    for pixel in picture.chunks(4) {
        *colours.entry(pixel).or_default() += 1;
    }
    let all = (picture.len() / 4).max(1) as f64;
    let most = colours.into_values().max().unwrap_or_default() as f64;
    most / all < 1.0 - SOMETHING
}

/// When it first looked as it does at the end.
fn painted(seen: &[(Duration, Vec<u8>)]) -> Option<Duration> {
    let (_, last) = seen.last()?;
    let same = |picture: &[u8]| different(picture, last) <= DIFFERENT;
    seen.iter()
        .find(|(_, picture)| same(picture))
        .map(|(at, _)| *at)
}

/// Starts a window; how long until it was painted, in ms, and its memory, in MB.
fn once(desk: &Desk, command: Command) -> Outcome<(f64, f64)> {
    let picture = Picture::open(&desk.picture())?;
    let blank = picture.take()?;
    let begun = Clock::now();
    let mut running = process::start("a window", command)?;
    let mut seen: Vec<(Duration, Vec<u8>)> = Vec::new();
    let mut changed = begun;
    loop {
        std::thread::sleep(PAUSE);
        let now = Clock::now();
        let taken = picture.take()?;
        let before = seen.last().map_or(&blank, |(_, picture)| picture);
        if taken != *before {
            if different(&taken, before) > DIFFERENT / 4.0 {
                changed = now;
            }
            seen.push((now.duration_since(begun), taken));
        }
        if now.duration_since(changed) > STILL
            && seen
                .last()
                .is_some_and(|(_, picture)| shows_something(picture))
        {
            break;
        }
        if running.ended().is_some() || now.duration_since(begun) > BOUND {
            return Err("a window showed nothing".into());
        }
    }
    let painted = painted(&seen).ok_or("a window showed nothing")?;
    let memory = desk::memory(running.id())?;
    running.stop(Duration::from_secs(10));
    // The next begins on an empty display.
    process::poll(Duration::from_secs(10), || {
        picture.take().is_ok_and(|now| now == blank).then_some(())
    })
    .ok_or("a window did not go away")?;
    Ok((painted.as_secs_f64() * 1e3, memory))
}

/// Measures it at two sizes.
pub fn measure(size: &Size) -> Outcome<Section> {
    let desk = Desk::start()?;
    let mut folders = Vec::new();
    for &held in size.stored {
        folders.push((held, desk.account(held)?.0));
    }
    let bare = paths::target().join("release/examples/bare-window");
    let app = paths::released(name::program());
    let mut floors = Vec::new();
    let mut ours: Vec<Vec<(f64, f64)>> = vec![Vec::new(); folders.len()];
    // The first of each warms it and does not count.
    for run in 0..=size.windows {
        let floor = once(&desk, desk.command(&bare))?;
        floors.extend((run > 0).then_some(floor));
        for ((_, data), runs) in folders.iter().zip(&mut ours) {
            let mut command = desk.command(&app);
            command.arg("--data").arg(data);
            let took = once(&desk, command)?;
            runs.extend((run > 0).then_some(took));
        }
    }
    let mut figures = Vec::new();
    let mut at = Vec::new();
    for ((held, _), runs) in folders.iter().zip(&ours) {
        let pairs = |part: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
            runs.iter().map(part).zip(floors.iter().map(part)).collect()
        };
        let starts = pairs(|run| run.0);
        let memories = pairs(|run| run.1);
        let held_words = grouped(*held);
        figures.push(
            Figure::paired(
                format!("start to painted, {held_words} held"),
                "ms",
                &starts,
            )
            .within_ratio(1.3),
        );
        let median = |of: &[(f64, f64)]| Runs::of(of.iter().map(|pair| pair.0)).median();
        let floor = Runs::of(memories.iter().map(|pair| pair.1)).median();
        let mut memory = Figure::paired(format!("memory, {held_words} held"), "MB", &memories);
        memory.budget = Some(Budget::at_most(
            median(&memories) - floor,
            MORE,
            "<= floor + 25 MB",
        ));
        figures.push(memory);
        at.push((*held, median(&starts), median(&memories)));
    }
    figures.extend(growth(&at, size.windows));
    Ok(Section {
        title: "The window".to_owned(),
        words: "The release app on an account that is offline, on a display without a GPU, from its \
                start to the conversation list painted, which is what a start shows; memory is PSS of \
                all its processes. Floor: a window of the same size with WebKitGTK and 50 static \
                bubbles, started in the same way."
            .to_owned(),
        figures,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_was_painted_when_it_first_looked_as_at_the_end() {
        let picture = |ink: usize, caret: u8| {
            let mut picture = vec![255; 4 * 1_000];
            picture[..4 * ink].fill(0);
            picture[3_999] = caret;
            picture
        };
        let at = |ms| Duration::from_millis(ms);
        let seen = [
            (at(10), picture(0, 0)),
            (at(500), picture(300, 0)),
            (at(700), picture(400, 1)),
            (at(1_200), picture(400, 2)),
        ];
        assert_eq!(painted(&seen), Some(at(700)));
        assert_eq!(painted(&[]), None);
        assert!(shows_something(&seen[1].1));
        assert!(!shows_something(&seen[0].1));
    }
}

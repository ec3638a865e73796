//! `--write`: the table takes the place of the one in `docs/performance.md`.
//!
//! Owns: what stands between the two marks there. Never: a word outside of them.

use std::{fs, path::PathBuf};

use xtask::{directus, paths};

use crate::{
    Outcome,
    figure::{Section, table},
};

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// Writes the table; gives the file.
pub fn write(sections: &[Section]) -> Outcome<PathBuf> {
    let path = paths::repository().join("docs/performance.md");
    let before = fs::read_to_string(&path)?;
    let text = format!("{}\n\n{}", machine(), table(sections));
    fs::write(&path, replaced(&before, &text)?)?;
    Ok(path)
}

/// What ran it, as far as it matters for reading the figures.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').nth(2).unwrap_or("?").to_owned();
    format!(
        "{} {}, {cores} cores, {load} programs running in the last quarter of an hour, Directus {}.",
        std::env::consts::OS,
        std::env::consts::ARCH,
        directus::VERSION,
    )
}

/// The document with `text` between the marks.
fn replaced(document: &str, text: &str) -> Outcome<String> {
    let missing = || format!("there is no {BEGIN} before {END}");
    let (before, rest) = document.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        text.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let document = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let once = replaced(&document, "| new |\n").unwrap();
        assert_eq!(once, format!("above\n{BEGIN}\n\n| new |\n\n{END}\nbelow\n"));
        assert_eq!(replaced(&once, "| new |").unwrap(), once);
        assert!(replaced("no marks", "x").is_err());
        let document = include_str!("../../../docs/performance.md");
        assert!(replaced(document, "x").is_ok());
    }
}

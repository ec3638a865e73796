//! Credentials: from a terminal, unseen, or from an open descriptor.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read},
};

use zeroize::Zeroizing;

/// The longest that is taken, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Whether somebody can be asked.
#[must_use]
pub fn at_a_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Reads one line from a descriptor, or asks for it.
///
/// # Errors
/// The descriptor is not open, or nobody is there to be asked.
pub fn read(what: &str, descriptor: Option<u32>) -> io::Result<String> {
    match descriptor {
        None => rpassword::prompt_password(format!("{what}: ")),
        Some(0) => first_line(io::stdin().lock()),
        Some(_) if cfg!(windows) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "on Windows only 0, the standard input, can be read",
        )),
        // Not by number alone, which would take unsafe code: by its name.
        Some(number) => first_line(File::open(format!("/dev/fd/{number}"))?),
    }
}

fn first_line(source: impl Read) -> io::Result<String> {
    let mut line = Zeroizing::new(Vec::new());
    BufReader::new(source.take(LONGEST)).read_until(b'\n', &mut line)?;
    let text = std::str::from_utf8(&line)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_without_its_end_and_with_its_spaces() {
        let read = |text: &str| first_line(text.as_bytes()).unwrap();
        assert_eq!(read(" pass word \r\nnext"), " pass word ");
        assert_eq!(read("no end"), "no end");
        assert_eq!(read(""), "");
        assert!(first_line(&b"\xff\xfe"[..]).is_err());
    }
}

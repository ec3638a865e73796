//! Whether there is a display that windows can really be shown on.
//!
//! Looks by beginning a conversation with it, as every window does, and hangs
//! up: a name in `DISPLAY` alone says nothing. Opens no window.
//!
//! Source of the first bytes: X Window System Protocol, version 11, "Connection
//! Setup"; of the cookies: libXau's `Xauth` file.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

/// How long a display may take to answer.
const BOUND: Duration = Duration::from_secs(5);
const COOKIE: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// One that answers.
    Answers,
    /// No variable names one.
    None,
    /// One is named and can't be used: its name, and why as the end of a sentence.
    Dead(String, &'static str),
}

/// Looks at the display that this process' variables name.
pub fn look() -> Seen {
    let named = |name| {
        let value = env::var(name).ok();
        value.filter(|value| !value.is_empty())
    };
    let mut seen = Seen::None;
    if let Some(name) = named("WAYLAND_DISPLAY") {
        seen = wayland(&name);
    }
    match named("DISPLAY") {
        Some(name) if seen != Seen::Answers => x11(&name, &cookies()),
        _ => seen,
    }
}

/// Asks an X display for a connection, with each of these cookies and with none.
fn x11(name: &str, cookies: &[Cookie]) -> Seen {
    let dead = |why| Seen::Dead(name.to_owned(), why);
    let Some((host, number)) = parts(name) else {
        return dead("is no display's name");
    };
    let fitting = cookies.iter().filter(|cookie| cookie.fits(number));
    let tries = fitting
        .map(|cookie| cookie.data.as_slice())
        .chain([&[][..]]);
    let mut reached = false;
    for cookie in tries {
        let Ok(mut stream) = connect(host, number) else {
            continue;
        };
        reached = true;
        if greet(stream.as_mut(), cookie).unwrap_or_default() {
            return Seen::Answers;
        }
    }
    dead(if reached {
        "does not let this person in"
    } else {
        "does not answer"
    })
}

/// Host and number in `host:number.screen`.
fn parts(name: &str) -> Option<(&str, u16)> {
    let (host, rest) = name.rsplit_once(':')?;
    let number = rest.split('.').next()?.parse().ok()?;
    Some((host, number))
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn connect(host: &str, number: u16) -> io::Result<Box<dyn Stream>> {
    if !matches!(host, "" | "unix") {
        use std::net::{TcpStream, ToSocketAddrs};
        let port = number
            .checked_add(6000)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, BOUND) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(BOUND))?;
                    return Ok(Box::new(stream));
                }
                Err(error) => last = error,
            }
        }
        return Err(last);
    }
    local(&format!("/tmp/.X11-unix/X{number}"))
}

#[cfg(unix)]
fn local(path: &str) -> io::Result<Box<dyn Stream>> {
    use std::os::unix::net::UnixStream;
    let stream = UnixStream::connect(path);
    #[cfg(target_os = "linux")]
    let stream = stream.or_else(|_| {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(path)?)
    });
    let stream = stream?;
    stream.set_read_timeout(Some(BOUND))?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
fn local(_: &str) -> io::Result<Box<dyn Stream>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the server welcomes a client with this cookie.
fn greet(stream: &mut dyn Stream, cookie: &[u8]) -> io::Result<bool> {
    let name = if cookie.is_empty() { &[][..] } else { COOKIE };
    let mut hello = vec![b'l', 0];
    for number in [11, 0, name.len(), cookie.len(), 0] {
        let number = u16::try_from(number).map_err(|_| io::ErrorKind::InvalidInput)?;
        hello.extend(number.to_le_bytes());
    }
    for text in [name, cookie] {
        hello.extend(text);
        hello.resize(hello.len().next_multiple_of(4), 0);
    }
    stream.write_all(&hello)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer == [1])
}

/// A right to use a display, as `.Xauthority` keeps it.
struct Cookie {
    number: String,
    data: Vec<u8>,
}

impl Cookie {
    fn fits(&self, number: u16) -> bool {
        self.number.is_empty() || self.number == number.to_string()
    }
}

fn cookies() -> Vec<Cookie> {
    let usual = || env::home_dir().map(|home| home.join(".Xauthority"));
    let path = env::var_os("XAUTHORITY").map(PathBuf::from).or_else(usual);
    let bytes = path.and_then(|path| fs::read(path).ok());
    read_cookies(&bytes.unwrap_or_default())
}

/// Entries of a family (two bytes) and four texts, each after its length in two bytes.
fn read_cookies(mut bytes: &[u8]) -> Vec<Cookie> {
    fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        *bytes = rest;
        Some(text)
    }
    let mut found = Vec::new();
    while let Some(rest) = bytes.get(2..) {
        bytes = rest;
        let mut next = || text(&mut bytes);
        let (Some(_), Some(number), Some(name), Some(data)) = (next(), next(), next(), next())
        else {
            break;
        };
        if name == COOKIE {
            found.push(Cookie {
                number: String::from_utf8_lossy(number).into_owned(),
                data: data.to_vec(),
            });
        }
    }
    found
}

#[cfg(unix)]
fn wayland(name: &str) -> Seen {
    let folder = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let path = folder.unwrap_or_default().join(name);
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Seen::Answers,
        Err(_) => Seen::Dead(name.to_owned(), "does not answer"),
    }
}

#[cfg(not(unix))]
fn wayland(_: &str) -> Seen {
    Seen::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displays_name_is_taken_apart() {
        assert_eq!(parts(":0"), Some(("", 0)));
        assert_eq!(parts("localhost:10.0"), Some(("localhost", 10)));
        assert_eq!(parts("fe80::1:2"), Some(("fe80::1", 2)));
        assert_eq!(parts("display"), None);
        let why = "is no display's name";
        assert_eq!(x11("display", &[]), Seen::Dead("display".to_owned(), why));
    }

    #[test]
    fn cookies_are_read_up_to_where_the_file_is_damaged() {
        let entry = |number: &str, name: &[u8], data: &[u8]| {
            let mut bytes = vec![1, 0];
            for text in [b"host", number.as_bytes(), name, data] {
                bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                bytes.extend(text);
            }
            bytes
        };
        let mut bytes = entry("3", COOKIE, b"sweet");
        bytes.extend(entry("3", b"XDM-AUTHORIZATION-1", b"other"));
        bytes.extend(entry("", COOKIE, b"any"));
        bytes.extend([1, 0, 0, 200, b'x']);
        let cookies = read_cookies(&bytes);
        let told: Vec<_> = cookies
            .iter()
            .map(|cookie| (cookie.data.as_slice(), cookie.fits(3), cookie.fits(4)))
            .collect();
        assert_eq!(
            told,
            [(&b"sweet"[..], true, false), (&b"any"[..], true, true)]
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_display_that_is_there_answers_and_one_that_has_ended_does_not() {
        let display = crate::desktop::Display::start().expect("run cargo xtask test: no Xvfb");
        let name = display.name().to_owned();
        assert_eq!(x11(&name, &[]), Seen::Answers);
        drop(display);
        let dead = Seen::Dead(name.clone(), "does not answer");
        let seen = crate::process::poll(Duration::from_secs(10), || {
            (x11(&name, &[]) == dead).then_some(())
        });
        assert!(seen.is_some(), "{:?}", x11(&name, &[]));
    }

    #[test]
    #[cfg(unix)]
    fn a_display_that_wants_a_cookie_is_told_from_one_that_is_gone() {
        use std::os::unix::net::UnixStream;
        for (answer, welcome) in [(0, false), (1, true), (2, false)] {
            let (mut ours, mut its) = UnixStream::pair().unwrap();
            its.write_all(&[answer]).unwrap();
            assert_eq!(greet(&mut ours, b"sweet").unwrap(), welcome);
            let mut said = [0; 40];
            its.read_exact(&mut said).unwrap();
            assert!(said.starts_with(&[b'l', 0, 11, 0, 0, 0, 18, 0, 5, 0, 0, 0]));
            assert_eq!(&said[12..30], COOKIE);
            assert_eq!(&said[30..], b"\0\0sweet\0\0\0");
        }
    }
}

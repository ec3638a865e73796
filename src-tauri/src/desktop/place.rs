//! Where the window stood, for the next start.
//!
//! Owns: `window.json` in the data folder (0600), and that the window is never
//! where nobody can reach it. Pure but for that file: the screens are an
//! argument.
//!
//! Our own and not tauri-plugin-window-state: that one keeps its file beside
//! the usual data folder, whichever is used, and remembers whether the window
//! was hidden, which after closing into the tray would be for ever.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use whinchat_core::vault::write_private;

/// The least that must be seen of the window's upper edge, in pixels: enough
/// to take hold of it.
const HOLD: i64 = 96;
/// The smallest window, in pixels.
const LEAST: (u32, u32) = (320, 320);

/// Where the window stands, in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// From the left of the first screen; may be negative.
    pub x: i32,
    /// From its top.
    pub y: i32,
    /// Of the page, without the frame.
    pub width: u32,
    /// Of the page.
    pub height: u32,
    /// Whether it fills the screen; the rest is then as before it did.
    pub maximized: bool,
}

/// A screen, in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// From the left of the first one.
    pub x: i32,
    /// From its top.
    pub y: i32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// Where the window is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// Its upper left corner; `None` where the system is to choose.
    pub corner: Option<(i32, i32)>,
    /// Its size.
    pub size: (u32, u32),
    /// Whether it fills the screen.
    pub maximized: bool,
}

impl Place {
    /// What was kept in this data folder, if it can be read.
    pub fn read(data: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(data.join("window.json")).ok()?).ok()
    }

    /// Keeps it. That it can't be kept is no reason to tell anybody.
    pub fn write(self, data: &Path) {
        if Self::read(data) != Some(self)
            && let Ok(bytes) = serde_json::to_vec(&self)
        {
            let _ = write_private(&data.join("window.json"), &bytes);
        }
    }

    /// Where the window is put on these screens: as it stood, but never larger
    /// than its screen nor where it can't be taken hold of.
    #[must_use]
    pub fn on(self, screens: &[Screen]) -> Put {
        let held = screens.iter().find(|screen| {
            let (left, right) = span(screen.x, screen.width);
            let (top, bottom) = span(screen.y, screen.height);
            let (x, end) = span(self.x, self.width);
            let y = i64::from(self.y);
            let seen = end.min(right) - x.max(left);
            seen >= HOLD.min(i64::from(self.width)) && (top..=bottom - HOLD).contains(&y)
        });
        let room = held.or_else(|| screens.first());
        let (wide, high) =
            room.map_or((u32::MAX, u32::MAX), |screen| (screen.width, screen.height));
        let within = |size: u32, least: u32, most: u32| size.max(least).min(most.max(least));
        Put {
            corner: held.map(|_| (self.x, self.y)),
            size: (
                within(self.width, LEAST.0, wide),
                within(self.height, LEAST.1, high),
            ),
            maximized: self.maximized,
        }
    }
}

fn span(from: i32, length: u32) -> (i64, i64) {
    let from = i64::from(from);
    (from, from + i64::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Screen = Screen {
        x: 0,
        y: 0,
        width: 1920,
        height: 1080,
    };
    const LEFT: Screen = Screen {
        x: -1280,
        y: 100,
        width: 1280,
        height: 800,
    };

    fn place(x: i32, y: i32, width: u32, height: u32) -> Place {
        Place {
            x,
            y,
            width,
            height,
            maximized: false,
        }
    }

    #[test]
    fn the_window_stands_where_it_stood() {
        let put = place(40, 60, 1000, 700).on(&[ONE]);
        assert_eq!((put.corner, put.size), (Some((40, 60)), (1000, 700)));
        let left = place(-1200, 150, 800, 600);
        assert_eq!(left.on(&[ONE, LEFT]).corner, Some((-1200, 150)));
        // Half beyond the edge is where a person put it.
        assert_eq!(
            place(1500, 60, 1000, 700).on(&[ONE]).corner,
            Some((1500, 60))
        );
        let filled = Place {
            maximized: true,
            ..left
        };
        assert!(filled.on(&[ONE]).maximized);
    }

    #[test]
    fn it_is_never_where_nobody_can_reach_it() {
        let left = place(-1200, 150, 800, 600);
        assert_eq!(left.on(&[ONE]).corner, None, "that screen is gone");
        for (x, y) in [
            (1900, 60),
            (-980, 60),
            (40, -30),
            (40, 1050),
            (i32::MAX, i32::MAX),
            (i32::MIN, 0),
        ] {
            assert_eq!(place(x, y, 1000, 700).on(&[ONE]).corner, None, "{x} {y}");
        }
        assert_eq!(place(0, 0, 9000, 9000).on(&[ONE]).size, (1920, 1080));
        assert_eq!(place(0, 0, 1, 0).on(&[ONE]).size, LEAST);
        let nowhere = place(5, 5, 1000, 700).on(&[]);
        assert_eq!((nowhere.corner, nowhere.size), (None, (1000, 700)));
    }

    #[test]
    fn it_is_kept_in_the_data_folder() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Place::read(data.path()), None);
        let stood = place(-3, 4, 500, 600);
        stood.write(data.path());
        assert_eq!(Place::read(data.path()), Some(stood));
        fs::write(data.path().join("window.json"), b"{\"x\":1").unwrap();
        assert_eq!(Place::read(data.path()), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            stood.write(data.path());
            let file = fs::metadata(data.path().join("window.json")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
    }
}

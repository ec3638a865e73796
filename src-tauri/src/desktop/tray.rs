//! The item in the tray: how many are unread, each account's connection, and a
//! menu.
//!
//! Owns: the item and its picture. Never: what follows from a press, or a word.
//!
//! On Linux it is a StatusNotifierItem of our own making, over the session bus,
//! for the C library that is usual there aborts the program where it is missing,
//! and tells of neither a press nor a tooltip. A desktop without a host for such
//! items has no tray, and so nothing is ever closed into one.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tauri::{AppHandle, Runtime, image::Image};
use tokio::sync::mpsc;

/// What the item shows, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// How many messages are unread.
    pub unread: i64,
    /// The same in words.
    pub tooltip: String,
    /// A line for each account.
    pub accounts: Vec<String>,
    /// What brings the window forward.
    pub open: String,
    /// What ends the program.
    pub quit: String,
}

/// What a person did with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    /// Wants the window.
    Open,
    /// Wants the program to end.
    Quit,
    /// There is no tray any more: what was closed into it must come out.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Gone,
}

/// The item.
pub struct Tray {
    there: Arc<AtomicBool>,
    show: mpsc::UnboundedSender<Shown>,
}

impl Tray {
    /// Puts the item into the tray, now or when there is one.
    pub fn begin<R: Runtime>(
        app: &AppHandle<R>,
        first: Shown,
        pressed: impl Fn(Pressed) + Send + Sync + 'static,
    ) -> Self {
        let there = Arc::new(AtomicBool::new(false));
        let (show, shown) = mpsc::unbounded_channel();
        item::begin(app, first, shown, Arc::clone(&there), Arc::new(pressed));
        Self { there, show }
    }

    /// Shows this from now on.
    pub fn show(&self, shown: Shown) {
        let _ = self.show.send(shown);
    }

    /// Whether a person can see it.
    pub fn is_there(&self) -> bool {
        self.there.load(Ordering::Relaxed)
    }
}

/// The app's own picture.
const PICTURE: Image<'_> = tauri::include_image!("./src-tauri/icons/32x32.png");

/// The picture as RGBA with a dot in the upper corner, where something is unread.
fn picture(unread: bool) -> Vec<u8> {
    let mut rgba = PICTURE.rgba().to_vec();
    if !unread {
        return rgba;
    }
    let size = i64::from(PICTURE.width());
    // Counted in halves, so that the middle of a pixel has a number.
    let (middle_x, middle_y) = (2 * size - size / 2, size / 2);
    let (dot, ring) = (size * 2 / 5, size / 2);
    for (at, pixel) in rgba.chunks_exact_mut(4).enumerate() {
        let at = i64::try_from(at).unwrap_or(0);
        let (x, y) = (2 * (at % size) + 1, 2 * (at / size) + 1);
        let far = (x - middle_x).pow(2) + (y - middle_y).pow(2);
        if far <= dot * dot {
            pixel.copy_from_slice(&[0xd6, 0x4a, 0x1c, 0xff]);
        } else if far <= ring * ring {
            pixel.copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        }
    }
    rgba
}

/// The dot alone, for a taskbar that lays it over the app's picture.
#[cfg(windows)]
pub fn dot() -> Image<'static> {
    let (dotted, plain) = (picture(true), picture(false));
    let alone = dotted.chunks_exact(4).zip(plain.chunks_exact(4));
    let alone = alone.flat_map(|(with, without)| {
        if with == without {
            [0; 4]
        } else {
            [with[0], with[1], with[2], with[3]]
        }
    });
    Image::new_owned(alone.collect(), PICTURE.width(), PICTURE.height())
}

#[cfg(target_os = "linux")]
mod item {
    use super::{
        AppHandle, Arc, AtomicBool, Ordering, PICTURE, Pressed, Runtime, Shown, mpsc, picture,
    };
    use ksni::{
        MenuItem, ToolTip, TrayMethods as _,
        menu::{StandardItem, StandardItem as Line},
    };
    use whinchat_core::product;

    type Press = Arc<dyn Fn(Pressed) + Send + Sync>;

    pub struct Item {
        pub shown: Shown,
        pub there: Arc<AtomicBool>,
        pub pressed: Press,
    }

    pub fn begin<R: Runtime>(
        _app: &AppHandle<R>,
        first: Shown,
        mut shown: mpsc::UnboundedReceiver<Shown>,
        there: Arc<AtomicBool>,
        pressed: Press,
    ) {
        tauri::async_runtime::spawn(async move {
            there.store(true, Ordering::Relaxed);
            let item = Item {
                shown: first,
                there: Arc::clone(&there),
                pressed,
            };
            // The host may come after us: at login nobody waits for anybody.
            let handle = match item.assume_sni_available(true).spawn().await {
                Ok(handle) => handle,
                Err(error) => {
                    there.store(false, Ordering::Relaxed);
                    tracing::info!(%error, "no tray");
                    return;
                }
            };
            while let Some(next) = shown.recv().await {
                handle.update(|item| item.shown = next).await;
            }
        });
    }

    /// The name of a person may hold an underscore, which marks a key in a menu.
    fn label(words: &str) -> String {
        words.replace('_', "__")
    }

    impl ksni::Tray for Item {
        fn id(&self) -> String {
            product::IDENTIFIER.to_owned()
        }

        fn title(&self) -> String {
            product::NAME.to_owned()
        }

        fn category(&self) -> ksni::Category {
            ksni::Category::Communications
        }

        fn status(&self) -> ksni::Status {
            ksni::Status::Active
        }

        fn icon_pixmap(&self) -> Vec<ksni::Icon> {
            let mut data = picture(self.shown.unread > 0);
            for pixel in data.chunks_exact_mut(4) {
                // RGBA to ARGB.
                pixel.rotate_right(1);
            }
            let side = |side: u32| i32::try_from(side).unwrap_or(0);
            vec![ksni::Icon {
                width: side(PICTURE.width()),
                height: side(PICTURE.height()),
                data,
            }]
        }

        fn tool_tip(&self) -> ToolTip {
            ToolTip {
                title: product::NAME.to_owned(),
                description: self.shown.tooltip.clone(),
                ..ToolTip::default()
            }
        }

        fn activate(&mut self, _x: i32, _y: i32) {
            (self.pressed)(Pressed::Open);
        }

        fn menu(&self) -> Vec<MenuItem<Self>> {
            let press = |pressed: Pressed| {
                Box::new(move |item: &mut Self| (item.pressed)(pressed))
                    as Box<dyn Fn(&mut Self) + Send>
            };
            let mut menu = vec![
                StandardItem {
                    label: label(&self.shown.open),
                    activate: press(Pressed::Open),
                    ..StandardItem::default()
                }
                .into(),
                MenuItem::Separator,
            ];
            menu.extend(self.shown.accounts.iter().map(|account| {
                Line {
                    label: label(account),
                    enabled: false,
                    ..Line::default()
                }
                .into()
            }));
            if !self.shown.accounts.is_empty() {
                menu.push(MenuItem::Separator);
            }
            menu.push(
                StandardItem {
                    label: label(&self.shown.quit),
                    activate: press(Pressed::Quit),
                    ..StandardItem::default()
                }
                .into(),
            );
            menu
        }

        fn watcher_online(&self) {
            self.there.store(true, Ordering::Relaxed);
        }

        fn watcher_offline(&self, _reason: ksni::OfflineReason) -> bool {
            self.there.store(false, Ordering::Relaxed);
            (self.pressed)(Pressed::Gone);
            true
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod item {
    use super::{
        AppHandle, Arc, AtomicBool, Image, Ordering, PICTURE, Pressed, Runtime, Shown, mpsc,
        picture,
    };
    use tauri::{
        menu::{MenuBuilder, MenuItemBuilder},
        tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent},
    };
    use whinchat_core::product;

    const OPEN: &str = "open";
    const QUIT: &str = "quit";

    type Press = Arc<dyn Fn(Pressed) + Send + Sync>;

    fn menu<R: Runtime>(app: &AppHandle<R>, shown: &Shown) -> tauri::Result<tauri::menu::Menu<R>> {
        let mut menu = MenuBuilder::new(app).text(OPEN, &shown.open).separator();
        for account in &shown.accounts {
            let line = MenuItemBuilder::new(account).enabled(false).build(app)?;
            menu = menu.item(&line);
        }
        if !shown.accounts.is_empty() {
            menu = menu.separator();
        }
        menu.text(QUIT, &shown.quit).build()
    }

    pub fn begin<R: Runtime>(
        app: &AppHandle<R>,
        first: Shown,
        mut shown: mpsc::UnboundedReceiver<Shown>,
        there: Arc<AtomicBool>,
        pressed: Press,
    ) {
        let image =
            |unread: i64| Image::new_owned(picture(unread > 0), PICTURE.width(), PICTURE.height());
        let build = || {
            let by_menu = Arc::clone(&pressed);
            let by_press = Arc::clone(&pressed);
            TrayIconBuilder::with_id("main")
                .icon(image(first.unread))
                .tooltip(format!("{}: {}", product::NAME, first.tooltip))
                .menu(&menu(app, &first)?)
                .show_menu_on_left_click(cfg!(target_os = "macos"))
                .on_menu_event(move |_, event| match event.id().as_ref() {
                    OPEN => by_menu(Pressed::Open),
                    QUIT => by_menu(Pressed::Quit),
                    _ => {}
                })
                .on_tray_icon_event(move |_, event| {
                    let open = matches!(
                        event,
                        TrayIconEvent::Click {
                            button: MouseButton::Left,
                            button_state: MouseButtonState::Up,
                            ..
                        }
                    );
                    if open && !cfg!(target_os = "macos") {
                        by_press(Pressed::Open);
                    }
                })
                .build(app)
        };
        let tray = match build() {
            Ok(tray) => tray,
            Err(error) => {
                tracing::info!(%error, "no tray");
                return;
            }
        };
        there.store(true, Ordering::Relaxed);
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            while let Some(next) = shown.recv().await {
                let _ = tray.set_icon(Some(image(next.unread)));
                let tooltip = format!("{}: {}", product::NAME, next.tooltip);
                let _ = tray.set_tooltip(Some(tooltip));
                if let Ok(menu) = menu(&app, &next) {
                    let _ = tray.set_menu(Some(menu));
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dot_stands_in_the_upper_corner_and_nowhere_else() {
        let (plain, dotted) = (picture(false), picture(true));
        let size = usize::try_from(PICTURE.width()).unwrap();
        let mut changed = 0;
        for (at, (before, after)) in plain.chunks(4).zip(dotted.chunks(4)).enumerate() {
            if before != after {
                changed += 1;
                assert!(at % size >= size / 2 && at / size < size / 2);
            }
        }
        let whole = size * size;
        assert!((whole / 16..whole / 4).contains(&changed), "{changed}");
    }

    /// A host as a panel has it, which takes whoever announces itself.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_item_tells_how_many_are_unread_and_what_may_be_done() {
        use ksni::{MenuItem, Tray as _};
        use std::sync::Mutex;
        let pressed: Arc<Mutex<Vec<Pressed>>> = Arc::default();
        let heard = Arc::clone(&pressed);
        let mut item = item::Item {
            shown: Shown {
                unread: 3,
                tooltip: "3 unread messages".to_owned(),
                accounts: vec!["a_b: connected".to_owned()],
                open: "Open".to_owned(),
                quit: "Quit".to_owned(),
            },
            there: Arc::default(),
            pressed: Arc::new(move |it| heard.lock().unwrap().push(it)),
        };
        assert_eq!(item.tool_tip().description, "3 unread messages");
        let icon = item.icon_pixmap().remove(0);
        assert_eq!(icon.data.len(), 32 * 32 * 4);
        item.activate(0, 0);
        let menu = item.menu();
        let mut labels = Vec::new();
        for entry in &menu {
            if let MenuItem::Standard(entry) = entry {
                labels.push(entry.label.clone());
                if entry.enabled {
                    (entry.activate)(&mut item);
                }
            }
        }
        assert_eq!(labels, ["Open", "a__b: connected", "Quit"]);
        assert!(item.watcher_offline(ksni::OfflineReason::No), "it waits");
        assert!(!item.there.load(Ordering::Relaxed));
        item.watcher_online();
        assert!(item.there.load(Ordering::Relaxed));
        let told = pressed.lock().unwrap().clone();
        let expected = [Pressed::Open, Pressed::Open, Pressed::Quit, Pressed::Gone];
        assert_eq!(told, expected);
    }
}

//! Light or dark, as the desktop has it, before the first paint.
//!
//! Owns: asking for it. On Linux WebKitGTK often reports light under a dark
//! desktop, so the desktop portal is asked; elsewhere, and where no portal
//! answers, the page's own `prefers-color-scheme` decides.

/// The desktop's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
}

impl Scheme {
    /// As the page names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A script that marks the document before it is painted.
pub fn script(scheme: Option<Scheme>) -> String {
    match scheme {
        Some(scheme) => format!(
            "document.documentElement?.setAttribute('data-theme', '{}');",
            scheme.name()
        ),
        None => String::new(),
    }
}

/// What the portal's `color-scheme` means: 1 dark, 2 light, 0 no preference
/// (org.freedesktop.portal.Settings, namespace org.freedesktop.appearance).
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
const fn of_portal(value: u32) -> Option<Scheme> {
    match value {
        1 => Some(Scheme::Dark),
        2 => Some(Scheme::Light),
        _ => None,
    }
}

/// Asks the desktop, for at most 300 ms.
#[cfg(target_os = "linux")]
pub async fn ask() -> Option<Scheme> {
    let asked = async {
        let bus = zbus::Connection::session().await.ok()?;
        let answer = bus
            .call_method(
                Some("org.freedesktop.portal.Desktop"),
                "/org/freedesktop/portal/desktop",
                Some("org.freedesktop.portal.Settings"),
                "ReadOne",
                &("org.freedesktop.appearance", "color-scheme"),
            )
            .await
            .ok()?;
        let value: zbus::zvariant::OwnedValue = answer.body().deserialize().ok()?;
        of_portal(u32::try_from(value).ok()?)
    };
    tokio::time::timeout(std::time::Duration::from_millis(300), asked)
        .await
        .ok()
        .flatten()
}

/// Elsewhere the page's own media query tells the truth.
#[cfg(not(target_os = "linux"))]
pub async fn ask() -> Option<Scheme> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktops_choice_is_marked_before_the_first_paint() {
        assert_eq!(of_portal(1), Some(Scheme::Dark));
        assert_eq!(of_portal(2), Some(Scheme::Light));
        assert_eq!(of_portal(0), None);
        assert!(script(Some(Scheme::Dark)).contains("'data-theme', 'dark'"));
        assert!(script(None).is_empty());
    }
}

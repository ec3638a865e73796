//! The sentences that the shell itself says: in notices, and in the tray.
//!
//! Owns: finding them in `ui/locales`, where every sentence stands. Never: a
//! sentence of its own.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use whinchat_core::product;

/// The sentences of one language.
pub struct Words(FluentBundle<FluentResource>);

impl Words {
    /// English, as the page has it.
    pub fn english() -> Self {
        let mut bundle = FluentBundle::new_concurrent(Vec::new());
        // What stands in the file is proven by a test; a message that can't be
        // read would only be missing.
        let resource = FluentResource::try_new(include_str!("../../ui/locales/en.ftl").to_owned())
            .unwrap_or_else(|(read, _)| read);
        // A notice is drawn by the desktop, which may show the marks.
        bundle.set_use_isolating(false);
        let _ = bundle.add_resource(resource);
        Self(bundle)
    }

    /// The sentence of this id with these values, or the id where there is none.
    pub fn say(&self, id: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let Some(pattern) = self.0.get_message(id).and_then(|message| message.value()) else {
            return id.to_owned();
        };
        let mut arguments = FluentArgs::new();
        arguments.set("app", product::NAME);
        for (name, value) in values {
            arguments.set(*name, value.clone());
        }
        let mut errors = Vec::new();
        self.0
            .format_pattern(pattern, Some(&arguments), &mut errors)
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_reads_the_pages_sentences() {
        let words = Words::english();
        assert_eq!(
            words.say("window-title", &[("unread", 0.into())]),
            "Whinchat"
        );
        assert_eq!(
            words.say("window-title", &[("unread", 3.into())]),
            "(3) Whinchat"
        );
        assert_eq!(words.say("no-such-sentence", &[]), "no-such-sentence");
        let file = include_str!("../../ui/locales/en.ftl").to_owned();
        assert!(FluentResource::try_new(file).is_ok(), "all of it is read");
    }

    /// Every id that stands in the shell's sources as `say("…"`.
    #[test]
    fn whatever_the_shell_says_has_a_sentence() {
        let words = Words::english();
        let sources = [
            include_str!("notices/mod.rs"),
            include_str!("desktop/mod.rs"),
            include_str!("desktop/menu.rs"),
            include_str!("desktop/tray.rs"),
            include_str!("mobile/mod.rs"),
        ];
        let mut said = 0;
        let named = |id: &str| id.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        for source in sources {
            for rest in source.split("say(").skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else {
                    continue;
                };
                let id = rest.split('"').next().unwrap();
                assert!(named(id), "{id} is no sentence's name");
                assert!(words.0.has_message(id), "{id}");
                said += 1;
            }
        }
        assert!(said >= 30, "{said} of them");
    }
}

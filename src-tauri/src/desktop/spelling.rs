//! Spell-checking where messages are written, on Linux: WebKitGTK checks only
//! when it is told to, and in which languages. Elsewhere the system's own web
//! view does it by itself.

use webkit2gtk::{WebContextExt as _, WebView, WebViewExt as _};

/// Switches it on for this view, in the person's languages.
pub fn check(view: &WebView) {
    let Some(context) = view.context() else {
        return;
    };
    let said = ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok());
    let languages = languages(said.iter().flatten().map(String::as_str));
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    context.set_spell_checking_languages(&languages);
    context.set_spell_checking_enabled(true);
}

/// The languages that an environment names, each once, in its order:
/// `de:en_GB` and `sr_RS.UTF-8@latin` alike. English where it names none.
fn languages<'a>(said: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    for one in said.flat_map(|list| list.split(':')) {
        let name = one.split(['.', '@']).next().unwrap_or_default();
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let known = languages.iter().any(|known| known == name);
        if plain && !known && !matches!(name, "" | "C" | "POSIX") {
            languages.push(name.to_owned());
        }
    }
    if languages.is_empty() {
        languages.push("en_US".to_owned());
    }
    languages
}

#[cfg(test)]
mod tests {
    use super::languages;

    #[test]
    fn the_persons_languages_are_checked_each_once() {
        let of = |said: &[&str]| languages(said.iter().copied());
        assert_eq!(of(&["de:en_GB", "de_DE.UTF-8"]), ["de", "en_GB", "de_DE"]);
        assert_eq!(of(&["sr_RS.UTF-8@latin", "sr_RS"]), ["sr_RS"]);
        assert_eq!(of(&["C.UTF-8", "", "POSIX"]), ["en_US"]);
        assert_eq!(of(&["../../etc"]), ["en_US"]);
    }
}

//! What Windows is told of a notice: a toast in its XML.
//!
//! <https://learn.microsoft.com/windows/apps/develop/notifications/app-notifications/toast-schema>

use super::Sign;

/// What comes back after a press on the notice.
pub const OPEN: &str = "open";
/// What comes back with an answer, and what the answer's field is called.
pub const REPLY: &str = "reply";

/// The toast of a notice.
pub fn toast(sign: &Sign) -> String {
    let (title, body) = (in_xml(&sign.title), in_xml(&sign.body));
    let audio = if sign.quiet {
        "<audio silent=\"true\"/>"
    } else {
        ""
    };
    let actions = sign.reply.as_deref().map(in_xml).map(|reply| {
        format!(
            "<actions><input id=\"{REPLY}\" type=\"text\" placeHolderContent=\"{reply}\"/>\
             <action content=\"{reply}\" arguments=\"{REPLY}\" hint-inputId=\"{REPLY}\"/></actions>"
        )
    });
    format!(
        "<toast launch=\"{OPEN}\"><visual><binding template=\"ToastGeneric\">\
         <text>{title}</text><text>{body}</text></binding></visual>{}{audio}</toast>",
        actions.unwrap_or_default()
    )
}

/// Text as XML has it, in an element or between quotes. What no XML may hold is left
/// out: one such letter would make the system refuse the whole notice.
fn in_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::Key;

    fn sign(title: &str, body: &str, reply: Option<&str>) -> Sign {
        Sign {
            key: Key {
                account: "a".to_owned(),
                conversation: None,
            },
            title: title.to_owned(),
            body: body.to_owned(),
            open: "Open".to_owned(),
            reply: reply.map(str::to_owned),
            quiet: false,
        }
    }

    #[test]
    fn a_toast_shows_what_was_written_whatever_it_is() {
        let title = "</text> \"Bob\" & <b>";
        let body = "one\ntwo\t\u{0}\u{1b}\u{ffff}\u{1f426}";
        let written = toast(&sign(title, body, Some("Say \"so\"")));
        let read = roxmltree::Document::parse(&written).unwrap();
        let texts: Vec<&str> = read
            .descendants()
            .filter(|node| node.has_tag_name("text"))
            .filter_map(|node| node.text())
            .collect();
        assert_eq!(texts, [title, "one\ntwo\t\u{1f426}"]);
        let field = read
            .descendants()
            .find(|node| node.has_tag_name("input"))
            .unwrap();
        assert_eq!(field.attribute("placeHolderContent"), Some("Say \"so\""));
    }

    #[test]
    fn only_what_may_be_answered_has_a_field_and_only_what_is_new_a_sound() {
        let mut plain = sign("Bob", "A message", None);
        assert!(!toast(&plain).contains("<actions>") && !toast(&plain).contains("<audio"));
        plain.quiet = true;
        assert!(toast(&plain).contains("<audio silent=\"true\"/>"));
    }
}

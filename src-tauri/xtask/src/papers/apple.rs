//! Property lists, entitlements, the privacy manifest and XcodeGen's template.
//!
//! Owns what Apple's review looks for by machine: usage texts only for what the
//! app asks for, the answer about encryption, reasons that Apple knows, a
//! sandbox in the store's build, an extension that takes texts alone, and icons
//! without transparency.

use super::{Faults, Papers, parse, pictures};
use std::collections::BTreeMap;

const IOS: &str = "src-tauri/packaging/ios/Info.plist";
const MACOS: &str = "src-tauri/packaging/macos/Info.plist";
const PRIVACY: &str = "src-tauri/packaging/ios/PrivacyInfo.xcprivacy";
const SANDBOX: &str = "src-tauri/packaging/macos/app-store.entitlements";
const PROJECT: &str = "src-tauri/packaging/ios/project.yml";
const ICONS: &str = "src-tauri/packaging/ios/Assets.xcassets/AppIcon.appiconset";

/// What the app asks a person for. Whoever adds a use of camera, microphone or
/// the like adds its key here, with the text in both lists.
const USED: &[&str] = &["NSLocalNetworkUsageDescription"];

/// The same, of iOS alone: a Mac asks for Touch ID without it.
const USED_ON_IOS: &[&str] = &["NSFaceIDUsageDescription"];

/// What other apps start to share a text, and what it and the app may both read.
const EXTENSION: &str = "src-tauri/packaging/ios/share/Info.plist";
const RIGHTS: &str = "src-tauri/packaging/ios/app.entitlements";

/// All that may be shared: what is no text is not even offered.
const SHARED: &[&str] = &[
    "NSExtensionActivationSupportsText",
    "NSExtensionActivationSupportsWebURLWithMaxCount",
];

/// Kinds of system calls that need a reason, and the reasons that can be ours.
const REASONS: &[(&str, &[&str])] = &[
    ("NSPrivacyAccessedAPICategoryFileTimestamp", &["C617.1"]),
    ("NSPrivacyAccessedAPICategorySystemBootTime", &["35F9.1"]),
    (
        "NSPrivacyAccessedAPICategoryDiskSpace",
        &["E174.1", "85F4.1"],
    ),
    ("NSPrivacyAccessedAPICategoryUserDefaults", &["CA92.1"]),
];

/// A property list's value.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Truth(bool),
    List(Vec<Value>),
    Dictionary(BTreeMap<String, Value>),
}

impl Value {
    fn of(node: roxmltree::Node<'_, '_>) -> Self {
        let mut inside = node.children().filter(roxmltree::Node::is_element);
        match node.tag_name().name() {
            "true" => Self::Truth(true),
            "false" => Self::Truth(false),
            "array" => Self::List(inside.map(Self::of).collect()),
            "dict" => {
                let mut all = BTreeMap::new();
                while let (Some(key), Some(value)) = (inside.next(), inside.next()) {
                    let key = key.text().unwrap_or_default().trim().to_owned();
                    all.insert(key, Self::of(value));
                }
                Self::Dictionary(all)
            }
            _ => Self::Text(node.text().unwrap_or_default().trim().to_owned()),
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Dictionary(all) => all.get(key),
            _ => None,
        }
    }

    fn list(&self) -> &[Self] {
        match self {
            Self::List(all) => all,
            _ => &[],
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }
}

/// The dictionary of a property list.
fn read(papers: &Papers, file: &str, faults: &mut Faults) -> Value {
    let text = papers.read(file, faults);
    let none = Value::Dictionary(BTreeMap::new());
    let Ok(document) = parse(&text) else {
        return none;
    };
    document
        .root_element()
        .children()
        .find(roxmltree::Node::is_element)
        .map_or(none, Value::of)
}

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    for file in [IOS, MACOS] {
        let list = read(papers, file, &mut faults);
        if list.get("ITSAppUsesNonExemptEncryption") != Some(&Value::Truth(true)) {
            faults.push(format!(
                "{file}: ITSAppUsesNonExemptEncryption must be true, for TLS and the database are our own."
            ));
        }
        let Value::Dictionary(all) = &list else {
            continue;
        };
        let used: Vec<&str> = match file {
            IOS => [USED, USED_ON_IOS].concat(),
            _ => USED.to_vec(),
        };
        for (key, value) in all {
            if !key.ends_with("UsageDescription") {
                continue;
            }
            if !used.contains(&key.as_str()) {
                faults.push(format!("{file}: {key} asks for what the app does not use."));
            }
            if value.text().len() < 20 {
                faults.push(format!("{file}: {key} does not say what it is for."));
            }
        }
        for key in used {
            if list.get(key).is_none() {
                faults.push(format!("{file}: {key} is missing, and the app needs it."));
            }
        }
    }
    privacy(papers, &mut faults);
    let sandbox = read(papers, SANDBOX, &mut faults);
    for key in [
        "com.apple.security.app-sandbox",
        "com.apple.security.network.client",
    ] {
        if sandbox.get(key) != Some(&Value::Truth(true)) {
            faults.push(format!("{SANDBOX}: {key} must be true."));
        }
    }
    let project = papers.read(PROJECT, &mut faults);
    for file in [
        "PrivacyInfo.xcprivacy",
        "THIRD-PARTY-NOTICES",
        "app.entitlements",
        "Assets.xcassets",
        "share/Info.plist",
        "phone/ios/Share",
        "- target: {{app.name}}_Share",
        "{{app.identifier}}.share",
        "APPLICATION_EXTENSION_API_ONLY: true",
        "LocalAuthentication.framework",
    ] {
        if !project.contains(file) {
            faults.push(format!("{PROJECT}: {file} would not be in the app."));
        }
    }
    background(papers, &mut faults);
    sharing(papers, &mut faults);
    icons(papers, &mut faults);
    faults
}

/// The extension takes texts and addresses, has the app's version, and shares with the app
/// one group and nothing else.
fn sharing(papers: &Papers, faults: &mut Faults) {
    let list = read(papers, EXTENSION, faults);
    let text = |key: &str| list.get(key).map_or("", Value::text);
    for (key, only) in [
        ("CFBundleIdentifier", "$(PRODUCT_BUNDLE_IDENTIFIER)"),
        ("CFBundleDisplayName", "$(APP_NAME)"),
        ("CFBundleShortVersionString", "$(APP_VERSION)"),
        ("CFBundleVersion", "$(APP_BUILD)"),
    ] {
        if text(key) != only {
            faults.push(format!("{EXTENSION}: {key} must be {only}."));
        }
    }
    for key in ["SharedKept", "SharedNothing"] {
        if !text(key).contains("$(APP_NAME)") {
            faults.push(format!("{EXTENSION}: {key} does not say where it went."));
        }
    }
    let extension = list.get("NSExtension");
    let point = extension.and_then(|it| it.get("NSExtensionPointIdentifier"));
    if point.map(Value::text) != Some("com.apple.share-services") {
        faults.push(format!("{EXTENSION}: it must be one for sharing."));
    }
    let rule = extension
        .and_then(|it| it.get("NSExtensionAttributes"))
        .and_then(|it| it.get("NSExtensionActivationRule"));
    let taken: Vec<&str> = match rule {
        Some(Value::Dictionary(all)) => all.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    if taken != SHARED {
        faults.push(format!(
            "{EXTENSION}: other apps could share {taken:?}, and only {SHARED:?} are taken."
        ));
    }
    let group = Value::List(vec![Value::Text("group.$(APP_IDENTIFIER)".to_owned())]);
    let only = [("com.apple.security.application-groups".to_owned(), group)];
    if read(papers, RIGHTS, faults) != Value::Dictionary(only.into()) {
        faults.push(format!(
            "{RIGHTS}: it must have the group of the app and its extension, and nothing else."
        ));
    }
}

/// One task in the background, under the name that Swift gives it, and nothing else there.
fn background(papers: &Papers, faults: &mut Faults) {
    let list = read(papers, IOS, faults);
    let texts = |key: &str| {
        let list = list.get(key).map(Value::list).unwrap_or_default();
        list.iter().map(Value::text).collect::<Vec<_>>()
    };
    let task = format!("{}.refresh", crate::name::identifier());
    for (key, only) in [
        ("BGTaskSchedulerPermittedIdentifiers", task.as_str()),
        ("UIBackgroundModes", "fetch"),
    ] {
        if texts(key) != [only] {
            faults.push(format!("{IOS}: {key} must have {only}, and nothing else."));
        }
    }
}

fn privacy(papers: &Papers, faults: &mut Faults) {
    let list = read(papers, PRIVACY, faults);
    if list.get("NSPrivacyTracking") != Some(&Value::Truth(false)) {
        faults.push(format!("{PRIVACY}: NSPrivacyTracking must be false."));
    }
    for key in ["NSPrivacyTrackingDomains", "NSPrivacyCollectedDataTypes"] {
        if list.get(key) != Some(&Value::List(Vec::new())) {
            faults.push(format!("{PRIVACY}: {key} must be there, and empty."));
        }
    }
    let calls = list.get("NSPrivacyAccessedAPITypes").map(Value::list);
    for call in calls.unwrap_or_default() {
        let kind = call.get("NSPrivacyAccessedAPIType").map_or("", Value::text);
        let known = REASONS.iter().find(|(name, _)| *name == kind);
        let reasons = call.get("NSPrivacyAccessedAPITypeReasons").map(Value::list);
        let reasons = reasons.unwrap_or_default();
        if reasons.is_empty()
            || !reasons
                .iter()
                .all(|reason| known.is_some_and(|(_, ours)| ours.contains(&reason.text())))
        {
            faults.push(format!(
                "{PRIVACY}: \"{kind}\" has a reason that cannot be ours, or none."
            ));
        }
    }
}

fn icons(papers: &Papers, faults: &mut Faults) {
    let contents = papers.read(&format!("{ICONS}/Contents.json"), faults);
    let contents: serde_json::Value = serde_json::from_str(&contents).unwrap_or_default();
    let images = contents["images"].as_array().cloned().unwrap_or_default();
    if images.is_empty() {
        faults.push(format!("{ICONS}/Contents.json: it names no icon."));
    }
    for image in images {
        let word = |key: &str| image[key].as_str().unwrap_or_default().to_owned();
        let file = format!("{ICONS}/{}", word("filename"));
        let points = word("size");
        let points = points
            .split('x')
            .next()
            .and_then(|size| size.parse::<f64>().ok());
        let scale = word("scale").trim_end_matches('x').parse::<f64>().ok();
        let (Some(points), Some(scale)) = (points, scale) else {
            faults.push(format!("{file}: it has no size."));
            continue;
        };
        let wanted = (points * scale).round();
        match pictures::look(&papers.path(&file)) {
            Some(seen) if f64::from(seen.width) == wanted && seen.width == seen.height => {
                if seen.alpha {
                    faults.push(format!("{file}: an icon may not be transparent."));
                }
            }
            Some(seen) => faults.push(format!(
                "{file}: it is {} by {} and must be {wanted} each way.",
                seen.width, seen.height
            )),
            None => faults.push(format!("{file}: there is no such picture.")),
        }
    }
}

/// XcodeGen's template as it may look when it is filled in, so that it can be read.
pub(super) fn filled(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else {
            break;
        };
        out.push_str(before);
        let word = inside.trim_matches(['~', ' ']);
        if !word.starts_with(['#', '/']) {
            out.push_str("word");
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;
    use std::fs;

    /// All of Apple's papers as they are here.
    fn here() -> Planted {
        let planted = Planted::with(&[]);
        let ours = Papers::at(&crate::paths::repository());
        for file in ours.files(&["src-tauri/packaging"], &[""]) {
            planted.plant(&file, &fs::read(ours.path(&file)).unwrap());
        }
        assert_eq!(faults(&planted.0), Faults::new());
        planted
    }

    #[test]
    fn every_planted_fault_is_found() {
        for (file, from, to, word) in [
            (IOS, "<true/>", "<false/>", "ITSAppUsesNonExemptEncryption"),
            (
                IOS,
                "NSLocalNetworkUsageDescription</key>",
                "NSLocalNetwork</key>",
                "is missing",
            ),
            (
                MACOS,
                "To reach a server of yours in this network, if you enter its address.",
                "For the app",
                "does not say",
            ),
            (IOS, ".refresh</string>", ".news</string>", "Identifiers"),
            (
                IOS,
                "<string>fetch</string>",
                "<string>fetch</string><string>location</string>",
                "UIBackgroundModes",
            ),
            (PRIVACY, "35F9.1", "3D61.1", "SystemBootTime"),
            (
                PRIVACY,
                "<key>NSPrivacyTracking</key>\n\t<false/>",
                "<key>NSPrivacyTracking</key>\n\t<true/>",
                "NSPrivacyTracking",
            ),
            (
                SANDBOX,
                "<key>com.apple.security.app-sandbox</key>\n\t<true/>",
                "",
                "app-sandbox",
            ),
            (PROJECT, "PrivacyInfo.xcprivacy", "Privacy", "PrivacyInfo"),
            (
                PROJECT,
                "identifier}}.share",
                "identifier}}.other",
                ".share",
            ),
            (IOS, "NSFaceIDUsage", "NSFaceUsage", "2:is missing"),
            (
                EXTENSION,
                "NSExtensionActivationSupportsText</key>",
                "NSExtensionActivationSupportsImageWithMaxCount</key>",
                "only",
            ),
            (EXTENSION, "$(APP_VERSION)", "1.0", "ShortVersion"),
            (EXTENSION, "Ready in $(APP_NAME).", "Ready.", "SharedKept"),
            (EXTENSION, "share-services", "ui-services", "for sharing"),
            (
                RIGHTS,
                "group.$(APP_IDENTIFIER)",
                "group.other",
                "the group",
            ),
            (
                RIGHTS,
                "</dict>",
                "<key>aps-environment</key><string>production</string></dict>",
                "nothing else",
            ),
        ] {
            let planted = here();
            planted.changed(file, from, to);
            match word.strip_prefix("2:") {
                None => one(&faults(&planted.0), word),
                Some(word) => {
                    let found = faults(&planted.0);
                    assert!(
                        found.len() == 2 && found.iter().any(|it| it.contains(word)),
                        "{found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_text_for_what_is_not_used_is_found() {
        let planted = here();
        let more = "<key>NSCameraUsageDescription</key><string>To take a picture of something.</string>\n</dict>\n</plist>";
        planted.changed(IOS, "</dict>\n</plist>", more);
        one(&faults(&planted.0), "NSCameraUsageDescription");
    }

    #[test]
    fn an_icon_that_is_missing_transparent_or_of_another_size_is_found() {
        let planted = here();
        let file = format!("{ICONS}/AppIcon-60x60@3x.png");
        planted.plant(&file, b"no picture");
        one(&faults(&planted.0), "no such picture");
        planted.plant(&file, &pictures::tests::png(180, 180, 6));
        one(&faults(&planted.0), "transparent");
        planted.plant(&file, &pictures::tests::png(179, 180, 2));
        one(&faults(&planted.0), "179 by 180");
    }

    #[test]
    fn the_template_is_read_as_xcodegen_reads_it() {
        let text = "name: {{app.name}}\nlist: [{{join words}}]\nmore:{{#each all}}\n  - sdk: {{this}}{{/each}}\n";
        assert_eq!(
            filled(text),
            "name: word\nlist: [word]\nmore:\n  - sdk: word\n"
        );
        assert!(super::super::yaml(&filled(text)).is_ok());
    }
}

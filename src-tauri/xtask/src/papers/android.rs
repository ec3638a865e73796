//! The manifest, the resources beside it and Gradle's file.
//!
//! Owns what the app asks of Android and what it refuses: two permissions, no
//! backup, no cleartext but to the device itself. What is not named here is a
//! fault, so that nothing is added without a word.

use super::{Faults, Papers, parse};

const MANIFEST: &str = "gen/android/app/src/main/AndroidManifest.xml";
const NETWORK: &str = "gen/android/app/src/main/res/xml/network_security_config.xml";
const RULES: &str = "gen/android/app/src/main/res/xml/data_extraction_rules.xml";
const GRADLE: &str = "gen/android/app/build.gradle.kts";
const NAMESPACE: &str = "http://schemas.android.com/apk/res/android";

const PERMISSIONS: &[&str] = &[
    "android.permission.INTERNET",
    "android.permission.POST_NOTIFICATIONS",
];

/// Attributes of the application, and their values.
const PROMISES: &[(&str, &str)] = &[
    ("allowBackup", "false"),
    ("fullBackupContent", "false"),
    ("dataExtractionRules", "@xml/data_extraction_rules"),
    ("enableOnBackInvokedCallback", "true"),
    ("networkSecurityConfig", "@xml/network_security_config"),
    ("usesCleartextTraffic", "false"),
];

/// Everything that a backup or a transfer could take along.
const DOMAINS: &[&str] = &["root", "file", "database", "sharedpref", "external"];

/// What Play asks for from August 2026 on.
const TARGET: u32 = 36;

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    manifest(papers, &mut faults);
    network(papers, &mut faults);
    rules(papers, &mut faults);
    let gradle = papers.read(GRADLE, &mut faults);
    let target = gradle.lines().find_map(|line| {
        line.trim()
            .strip_prefix("targetSdk = ")?
            .parse::<u32>()
            .ok()
    });
    if target.is_none_or(|target| target < TARGET) {
        faults.push(format!("{GRADLE}: targetSdk must be {TARGET} or newer."));
    }
    if !gradle.contains("useLegacyPackaging = false") {
        faults.push(format!(
            "{GRADLE}: libraries must lie uncompressed, on pages of 16 KB."
        ));
    }
    faults
}

fn attribute<'a>(node: roxmltree::Node<'a, '_>, name: &str) -> &'a str {
    node.attribute((NAMESPACE, name)).unwrap_or_default()
}

fn manifest(papers: &Papers, faults: &mut Faults) {
    let text = papers.read(MANIFEST, faults);
    let Ok(document) = parse(&text) else { return };
    let all = |tag: &'static str| {
        document
            .descendants()
            .filter(move |node| node.has_tag_name(tag))
    };
    let asked: Vec<_> = all("uses-permission")
        .map(|node| attribute(node, "name"))
        .collect();
    if asked != PERMISSIONS {
        faults.push(format!(
            "{MANIFEST}: it asks for {asked:?}, not for {PERMISSIONS:?}."
        ));
    }
    for application in all("application") {
        for (name, value) in PROMISES {
            if attribute(application, name) != *value {
                faults.push(format!("{MANIFEST}: android:{name} must be {value}."));
            }
        }
        for part in application.children().filter(roxmltree::Node::is_element) {
            let open = attribute(part, "exported") == "true";
            if open && attribute(part, "name") != ".MainActivity" {
                faults.push(format!(
                    "{MANIFEST}: {} is open to other apps.",
                    attribute(part, "name")
                ));
            }
        }
    }
    let schemes: Vec<_> = all("data")
        .map(|node| attribute(node, "scheme"))
        .filter(|scheme| !scheme.is_empty())
        .collect();
    if schemes != [crate::name::program()] {
        faults.push(format!(
            "{MANIFEST}: links of {schemes:?} would open the app."
        ));
    }
    let shared: Vec<_> = all("intent-filter")
        .filter(|filter| {
            let mut actions = filter.descendants().filter(|it| it.has_tag_name("action"));
            actions.any(|action| attribute(action, "name").contains("action.SEND"))
        })
        .flat_map(|filter| filter.descendants())
        .filter(|node| node.has_tag_name("data"))
        .map(|node| attribute(node, "mimeType"))
        .collect();
    if shared != ["text/plain"] {
        faults.push(format!(
            "{MANIFEST}: other apps could share {shared:?}, and only text is taken."
        ));
    }
}

fn network(papers: &Papers, faults: &mut Faults) {
    let text = papers.read(NETWORK, faults);
    let Ok(document) = parse(&text) else { return };
    let clear =
        |node: roxmltree::Node<'_, '_>| node.attribute("cleartextTrafficPermitted") == Some("true");
    for node in document.descendants().filter(|node| clear(*node)) {
        let domains: Vec<_> = node
            .children()
            .filter(|child| child.has_tag_name("domain"))
            .map(|child| child.text().unwrap_or_default())
            .collect();
        if domains.is_empty()
            || !domains
                .iter()
                .all(|name| ["localhost", "127.0.0.1"].contains(name))
        {
            faults.push(format!(
                "{NETWORK}: cleartext is for the device itself alone, not for {domains:?}."
            ));
        }
    }
    let base = document
        .descendants()
        .find(|node| node.has_tag_name("base-config"));
    if base.is_none_or(|base| base.attribute("cleartextTrafficPermitted") != Some("false")) {
        faults.push(format!("{NETWORK}: base-config must refuse cleartext."));
    }
}

fn rules(papers: &Papers, faults: &mut Faults) {
    let text = papers.read(RULES, faults);
    let Ok(document) = parse(&text) else { return };
    for way in ["cloud-backup", "device-transfer"] {
        let excluded: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name("exclude"))
            .filter(|node| node.parent().is_some_and(|parent| parent.has_tag_name(way)))
            .filter_map(|node| node.attribute("domain"))
            .collect();
        for domain in DOMAINS {
            if !excluded.contains(domain) {
                faults.push(format!("{RULES}: {way} would take \"{domain}\" along."));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    #[test]
    fn every_planted_fault_is_found() {
        for (file, from, to, word) in [
            (
                MANIFEST,
                "android:allowBackup=\"false\"",
                "android:allowBackup=\"true\"",
                "allowBackup",
            ),
            (
                MANIFEST,
                "    <application",
                "    <uses-permission android:name=\"android.permission.CAMERA\" />\n<application",
                "CAMERA",
            ),
            (
                MANIFEST,
                "android:exported=\"false\"",
                "android:exported=\"true\"",
                "open to other apps",
            ),
            (
                MANIFEST,
                "enableOnBackInvokedCallback=\"true\"",
                "enableOnBackInvokedCallback=\"false\"",
                "enableOnBack",
            ),
            (
                MANIFEST,
                "android:scheme=\"",
                "android:scheme=\"x",
                "links of",
            ),
            (
                MANIFEST,
                "mimeType=\"text/plain\"",
                "mimeType=\"*/*\"",
                "only text",
            ),
            (
                NETWORK,
                "<domain includeSubdomains=\"false\">localhost</domain>",
                "<domain>example.com</domain>",
                "example.com",
            ),
            (
                NETWORK,
                "<base-config cleartextTrafficPermitted=\"false\" />",
                "",
                "base-config",
            ),
            (
                RULES,
                "<device-transfer>\n        <exclude domain=\"root\" />",
                "<device-transfer>",
                "root",
            ),
            (GRADLE, "targetSdk = 36", "targetSdk = 35", "targetSdk"),
            (
                GRADLE,
                "useLegacyPackaging = false",
                "useLegacyPackaging = true",
                "16 KB",
            ),
        ] {
            let planted = Planted::with(&[]);
            for file in [MANIFEST, NETWORK, RULES, GRADLE] {
                planted.changed(file, "", "");
            }
            assert_eq!(faults(&planted.0), Faults::new());
            planted.changed(file, from, to);
            one(&faults(&planted.0), word);
        }
    }
}

//! One name, one identifier and one version, wherever a paper writes them.
//!
//! Owns no name: `tauri.conf.json` has all three.

use super::{Faults, Papers, parse};
use serde_json::Value;

const METAINFO: &str = "src-tauri/packaging/linux/app.metainfo.xml";
const CHANGES: &str = "CHANGELOG.md";

struct Names {
    product: String,
    identifier: String,
    version: String,
}

fn names(papers: &Papers, faults: &mut Faults) -> Names {
    let text = papers.read("tauri.conf.json", faults);
    let all: Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |key: &str| all[key].as_str().unwrap_or_default().to_owned();
    Names {
        product: word("productName"),
        identifier: word("identifier"),
        version: word("version"),
    }
}

pub(super) fn faults(papers: &Papers) -> Faults {
    let mut faults = Vec::new();
    let Names {
        product,
        identifier,
        version,
    } = names(papers, &mut faults);
    let program = product.to_lowercase();
    let resources = "gen/android/app/src/main/res/values/strings.xml";
    let manifest = format!("src-tauri/packaging/flatpak/{identifier}.yml");
    for (file, line) in [
        ("Cargo.toml", format!("\nversion = \"{version}\"\n")),
        (
            "gen/android/app/build.gradle.kts",
            format!("namespace = \"{identifier}\""),
        ),
        (
            "gen/android/app/build.gradle.kts",
            format!("applicationId = \"{identifier}\""),
        ),
        (
            resources,
            format!("<string name=\"app_name\">{product}</string>"),
        ),
        (
            resources,
            format!("<string name=\"main_activity_title\">{product}</string>"),
        ),
        (METAINFO, format!("<id>{identifier}</id>")),
        (METAINFO, format!("<name>{product}</name>")),
        (
            METAINFO,
            format!("<launchable type=\"desktop-id\">{identifier}.desktop</launchable>"),
        ),
        (
            METAINFO,
            format!("<mediatype>x-scheme-handler/{program}</mediatype>"),
        ),
        (
            "src-tauri/packaging/linux/app.desktop",
            format!("MimeType=x-scheme-handler/{program};"),
        ),
        (
            "src-tauri/packaging/linux/app.desktop",
            "Exec={{exec}} %u".to_owned(),
        ),
        (&manifest, format!("id: {identifier}\n")),
        (
            "src-tauri/packaging/ios/Info.plist",
            format!("<string>{program}</string>"),
        ),
        (
            "src-tauri/packaging/macos/app-store.entitlements",
            format!(".{identifier}</string>"),
        ),
        ("PRIVACY.md", product.clone()),
        ("TERMS.md", product.clone()),
    ] {
        if !papers.read(file, &mut faults).contains(&line) {
            faults.push(format!("{file}: it does not say {}.", line.trim()));
        }
    }
    let said = newest(papers, &mut faults);
    if said != version {
        faults.push(format!(
            "{METAINFO}: its newest release is \"{said}\", and this is {version}."
        ));
    }
    let changes = papers.read(CHANGES, &mut faults);
    if !headings(&changes).any(|heading| heading.starts_with(&version)) {
        faults.push(format!("{CHANGES}: it says nothing of {version}."));
    }
    let number = number(&version);
    let file = format!("fastlane/metadata/android/en-US/changelogs/{number}.txt");
    papers.read(&file, &mut faults);
    faults
}

/// What only a release needs: that the tag is this version's, and has its day.
pub(super) fn release(papers: &Papers, tag: Option<&str>) -> Faults {
    let mut faults = Vec::new();
    let version = names(papers, &mut faults).version;
    if let Some(tag) = tag
        && tag != format!("v{version}")
    {
        faults.push(format!("The tag is {tag}, and this is version {version}."));
    }
    let changes = papers.read(CHANGES, &mut faults);
    let heading = headings(&changes).find(|heading| heading.starts_with(&version));
    let day = heading.and_then(|heading| heading.split_whitespace().last());
    if !day.is_some_and(|day| day.len() == 10 && day.split('-').count() == 3) {
        faults.push(format!(
            "{CHANGES}: {version} has no day, as in \"## {version} - 2026-12-31\"."
        ));
    }
    faults
}

/// As Tauri counts for Android: what a file of changes is called there.
fn number(version: &str) -> u32 {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or_default());
    let mut next = || parts.next().unwrap_or_default();
    next() * 1_000_000 + next() * 1_000 + next()
}

fn headings(changes: &str) -> impl Iterator<Item = &str> {
    changes.lines().filter_map(|line| line.strip_prefix("## "))
}

fn newest(papers: &Papers, faults: &mut Faults) -> String {
    let text = papers.read(METAINFO, faults);
    let document = parse(&text).ok();
    document
        .as_ref()
        .and_then(|document| {
            document
                .descendants()
                .find(|node| node.has_tag_name("release"))
        })
        .and_then(|release| release.attribute("version"))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Planted, one};
    use super::*;

    fn here() -> Planted {
        let planted = Planted::with(&[]);
        let ours = Papers::at(&crate::paths::repository());
        let mut files = ours.files(
            &["src-tauri/packaging", "gen/android/app", "fastlane"],
            &[
                ".xml",
                ".yml",
                ".kts",
                ".plist",
                ".desktop",
                ".entitlements",
                ".txt",
            ],
        );
        files.extend(
            [
                "tauri.conf.json",
                "Cargo.toml",
                CHANGES,
                "PRIVACY.md",
                "TERMS.md",
            ]
            .map(str::to_owned),
        );
        for file in files {
            planted.changed(&file, "", "");
        }
        assert_eq!(faults(&planted.0), Faults::new());
        planted
    }

    #[test]
    fn a_paper_with_another_name_or_version_is_found() {
        let Names {
            product,
            identifier,
            version,
        } = names(&Papers::at(&crate::paths::repository()), &mut Vec::new());
        for (file, from, to) in [
            (
                "Cargo.toml",
                format!("version = \"{version}\"\n"),
                "version = \"9.9.9\"\n",
            ),
            (
                "gen/android/app/build.gradle.kts",
                format!("applicationId = \"{identifier}\""),
                "applicationId = \"com.example\"",
            ),
            (
                "gen/android/app/src/main/res/values/strings.xml",
                format!("app_name\">{product}<"),
                "app_name\">Example<",
            ),
            (
                METAINFO,
                format!("<id>{identifier}</id>"),
                "<id>com.example</id>",
            ),
            (
                METAINFO,
                format!("release version=\"{version}\""),
                "release version=\"0.0.1\"",
            ),
            (CHANGES, format!("## {version}"), "## 0.0.1"),
            (
                "src-tauri/packaging/linux/app.desktop",
                " %u".to_owned(),
                "",
            ),
        ] {
            let planted = here();
            planted.changed(file, &from, to);
            one(&faults(&planted.0), file);
        }
    }

    #[test]
    fn a_release_needs_its_own_tag_and_a_day() {
        let planted = here();
        let version = names(&planted.0, &mut Vec::new()).version;
        planted.plant(CHANGES, format!("## {version} - 2026-12-31\n").as_bytes());
        assert_eq!(
            release(&planted.0, Some(&format!("v{version}"))),
            Faults::new()
        );
        one(&release(&planted.0, Some("v9.9.9")), "v9.9.9");
        planted.plant(CHANGES, format!("## {version} - not released\n").as_bytes());
        one(&release(&planted.0, None), "no day");
    }

    #[test]
    fn androids_number_grows_with_the_version() {
        assert_eq!(number("0.1.0"), 1_000);
        assert_eq!(number("1.2.3"), 1_002_003);
    }
}

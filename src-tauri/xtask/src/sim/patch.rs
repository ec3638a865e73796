//! Unified diffs, read and applied to the letter: no offset, no fuzz.
//!
//! A planted defect must say exactly what it changes; where the core has moved
//! on, its patch no longer applies and has to be written anew.
//!
//! Owns: the format. Never: a file of the repository; it works on texts.

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The file, from the repository's root.
    pub path: String,
    hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    old: Vec<String>,
    new: Vec<String>,
}

/// Reads a patch. Lines before the first `---` are its description.
///
/// # Errors
/// What is no unified diff.
pub fn read(text: &str) -> Result<Vec<FilePatch>, String> {
    let mut files: Vec<FilePatch> = Vec::new();
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("+++ ") {
            let path = path.split('\t').next().unwrap_or(path);
            files.push(FilePatch {
                path: path.strip_prefix("b/").unwrap_or(path).to_owned(),
                hunks: Vec::new(),
            });
            continue;
        }
        if line.starts_with("--- ") {
            continue;
        }
        let Some(file) = files.last_mut() else {
            continue;
        };
        if line.starts_with("@@ ") {
            file.hunks.push(Hunk {
                old: Vec::new(),
                new: Vec::new(),
            });
            continue;
        }
        let Some(hunk) = file.hunks.last_mut() else {
            continue;
        };
        let rest = line.get(1..).unwrap_or_default().to_owned();
        match line.chars().next() {
            Some('+') => hunk.new.push(rest),
            Some('-') => hunk.old.push(rest),
            Some(' ') | None => {
                hunk.old.push(rest.clone());
                hunk.new.push(rest);
            }
            Some('\\') => {}
            Some(_) => return Err(format!("no line of a diff: {line}")),
        }
    }
    if files.iter().all(|file| file.hunks.is_empty()) {
        return Err("it changes nothing".to_owned());
    }
    Ok(files)
}

impl FilePatch {
    /// The text with this patch applied.
    ///
    /// # Errors
    /// The first hunk whose lines do not stand in the text exactly once.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        let mut lines: Vec<&str> = text.lines().collect();
        for (nth, hunk) in self.hunks.iter().enumerate() {
            let found: Vec<usize> = (0..=lines.len().saturating_sub(hunk.old.len()))
                .filter(|at| {
                    lines
                        .get(*at..at + hunk.old.len())
                        .is_some_and(|part| part.iter().eq(hunk.old.iter()))
                })
                .collect();
            let [at] = found.as_slice() else {
                return Err(format!(
                    "its change {} to {} is at {} places",
                    nth + 1,
                    self.path,
                    found.len()
                ));
            };
            let new = hunk.new.iter().map(String::as_str);
            lines.splice(*at..at + hunk.old.len(), new);
        }
        let mut out = lines.join("\n");
        out.push('\n');
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "What it breaks.\n--- a/x.rs\n+++ b/x.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n";

    #[test]
    fn a_patch_is_applied_where_its_lines_stand_and_nowhere_else() {
        let files = read(PATCH).unwrap();
        assert_eq!(files[0].path, "x.rs");
        let moved = files[0].apply("zero\none\ntwo\nthree\n").unwrap();
        assert_eq!(moved, "zero\none\nzwei\nthree\n");
        assert!(files[0].apply("one\nthree\n").is_err());
        let twice = "one\ntwo\nthree\none\ntwo\nthree\n";
        assert!(files[0].apply(twice).is_err());
        assert!(read("words alone").is_err());
    }
}

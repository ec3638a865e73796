//! `cargo xtask clean`: removes what the chores put outside the repository, and says what that frees.
//!
//! Refuses while a demonstration runs, or anything else that uses the cache:
//! nobody's windows or servers are pulled away under them.

use crate::problem::Outcome;
use crate::progress::{self, say};
use crate::{cache, demo, paths};
use std::path::Path;

/// Removes the demonstration, Directus and the template databases.
pub fn run() -> Outcome {
    let freed = remove(&paths::demo()?, &paths::cache()?)?;
    say(format!("Freed {}.", progress::bytes(freed)));
    let built = paths::size(&paths::target());
    say(format!(
        "{} more are in {}: `cargo clean` removes those.",
        progress::bytes(built),
        paths::target().display()
    ));
    Ok(())
}

/// Removes both folders, or neither where one of them is in use; gives the bytes that are free now.
fn remove(demonstration: &Path, fetched: &Path) -> Outcome<u64> {
    let _demonstration_lock = demo::lock(demonstration)?;
    let _cache_lock = cache::alone(fetched)?;
    let freed = demo::erase(demonstration)?;
    tell(
        "the demonstration: its server, messages and windows",
        demonstration,
        freed,
    );
    let size = paths::size(fetched);
    paths::remove(fetched)?;
    tell(
        "Directus, its Node, template databases and what the bench has made",
        fetched,
        size,
    );
    Ok(freed + size)
}

fn tell(what: &str, folder: &Path, size: u64) {
    say(format!(
        "  {} in {}: {what}",
        progress::bytes(size),
        folder.display()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::poll;
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    const BOUND: Duration = Duration::from_secs(10);

    /// A place with a demonstration, a cache, and a folder beside them that is nobody's business.
    fn place(name: &str) -> [PathBuf; 4] {
        let place = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let folders = ["demo", "cache", "photos"].map(|name| place.join(name));
        for (folder, bytes) in folders.iter().zip([300, 7_000, 11]) {
            fs::create_dir_all(folder.join("below")).unwrap();
            fs::write(folder.join("below/file"), vec![0; bytes]).unwrap();
        }
        let [demo, cache, photos] = folders;
        [place, demo, cache, photos]
    }

    #[test]
    fn clean_removes_demonstration_and_cache_and_says_what_is_free() {
        let [place, demo, cache, photos] = place("clean");
        assert_eq!(remove(&demo, &cache), Ok(7_300));
        assert!(!demo.exists() && !cache.exists());
        assert_eq!(paths::size(&photos), 11, "what is beside them stays");
        // A child that another test is just starting holds a copy of every open file
        // for the moment until it becomes its own program.
        let again = poll(BOUND, || remove(&demo, &cache).ok());
        assert_eq!(again, Some(0), "again there is nothing");
        paths::remove(&place).unwrap();
    }

    #[test]
    fn clean_is_refused_while_tests_or_a_demonstration_run() {
        let [place, demo, cache, _] = place("clean-in-use");
        let tests = [1, 2].map(|_| cache::share_at(&cache).unwrap());
        let refused = remove(&demo, &cache).unwrap_err();
        assert_eq!(
            refused.sentence,
            format!(
                "Tests, a demonstration or an install are using {} now: it would vanish under them. This shows who:",
                cache.display()
            )
        );
        #[cfg(target_os = "linux")]
        assert_eq!(
            refused.run.as_deref(),
            Some("lslocks --output PID,COMMAND,PATH | grep 'cache.lock'")
        );
        assert_eq!(paths::size(&demo), 300, "neither is touched");
        assert_eq!(paths::size(&cache), 7_000);
        drop(tests);

        let running = poll(BOUND, || demo::lock(&demo).ok()).unwrap();
        let refused = remove(&demo, &cache).unwrap_err();
        assert!(
            refused.sentence.starts_with("A demonstration is running"),
            "{refused}"
        );
        assert_eq!(paths::size(&cache), 7_000);
        drop(running);
        let removed = poll(BOUND, || remove(&demo, &cache).ok());
        assert_eq!(removed, Some(7_300));
        paths::remove(&place).unwrap();
    }
}

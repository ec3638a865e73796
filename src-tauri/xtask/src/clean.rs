//! `cargo xtask clean`: removes what the chores put outside the repository, and says what that frees.

use crate::problem::Outcome;
use crate::{demo, paths, progress};

/// Removes the demonstration, Directus and the template databases.
pub fn run() -> Outcome {
    let demo = paths::demo()?;
    // Nobody's windows are pulled away under them.
    let lock = demo::lock(&demo)?;
    let cache = paths::cache()?;
    let mut freed = 0;
    for (what, folder) in [
        ("the demonstration: its server, messages and windows", demo),
        ("Directus, its Node and template databases", cache),
    ] {
        let size = paths::size(&folder);
        println!(
            "  {} in {}: {what}",
            progress::bytes(size),
            folder.display()
        );
        paths::remove(&folder)?;
        freed += size;
    }
    drop(lock);
    let built = paths::size(&paths::target());
    println!("Freed {}.", progress::bytes(freed));
    println!(
        "{} more are in {}: `cargo clean` removes those.",
        progress::bytes(built),
        paths::target().display()
    );
    Ok(())
}

//! What fuzzing has found worth keeping, tried again: the same entry functions
//! as the fuzz targets, over the corpus in `src-tauri/fuzz/corpus`.

#[path = "../../fuzz/src/entries.rs"]
mod entries;
#[path = "../../fuzz/src/shapes.rs"]
mod shapes;

use std::{fs, path::Path};

/// The files of a folder, in their order.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn everything_that_fuzzing_kept_is_still_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in entries::TARGETS {
        let files = files(&corpus.join(name));
        assert!(files.len() >= 5, "{name} has a corpus");
        for file in files {
            // What fails below is named here.
            println!("{}", file.display());
            target(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_recorded_frame_is_survived_whole_and_cut_anywhere() {
    for line in include_str!("../fixtures/frames.jsonl").lines() {
        let recorded: serde_json::Value = serde_json::from_str(line).unwrap();
        let frame = recorded["frame"].as_str().unwrap().as_bytes();
        entries::frame(frame);
        for end in (0..frame.len()).step_by(7) {
            entries::frame(&frame[..end]);
        }
    }
}

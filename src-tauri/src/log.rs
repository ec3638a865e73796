//! The app's log: what happened, for whoever looks for a fault.
//!
//! Owns: `logs/whinchat.log` in the data folder, for its owner alone (0600),
//! which turns over by itself: five files of at most 1 MB. Only this project's
//! own remarks are written; other crates may log what passes through them.
//! Never: a message, a token, a password or an e-mail address, a line for the
//! page, or a wait for anybody: what can't be written is left out.
//!
//! The writer is our own: the crates that rotate by size either panic when the
//! folder is gone (file-rotate) or bring a thread and a clock (logroller).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt as _};

/// The largest that one file becomes, in bytes.
const MOST: u64 = 1_000_000;
/// How many files there are, the one that is written among them.
const FILES: usize = 5;

/// A file that turns over before it is too large.
#[derive(Debug)]
pub struct Rotating {
    folder: PathBuf,
    most: u64,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    written: u64,
}

impl Rotating {
    /// Goes on with the log in this folder, which is made if need be.
    ///
    /// # Errors
    /// The system's, where the folder or the file can't be made.
    pub fn open(folder: &Path, most: u64) -> io::Result<Self> {
        if !folder.is_dir() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder)?;
        }
        let log = Self {
            folder: folder.to_owned(),
            most,
            open: Mutex::new(None),
        };
        let file = log.append()?;
        let written = file.metadata()?.len();
        *log.lock() = Some(Open { file, written });
        Ok(log)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The n-th file: 0 is the one that is written, 4 the oldest.
    fn path(&self, n: usize) -> PathBuf {
        self.folder.join(match n {
            0 => "whinchat.log".to_owned(),
            n => format!("whinchat.{n}.log"),
        })
    }

    fn append(&self) -> io::Result<File> {
        let path = self.path(0);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        // A file that was there keeps the mode that it had.
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    }

    /// Every file becomes one older; the oldest goes.
    fn turn_over(&self) -> io::Result<File> {
        for n in (1..FILES).rev() {
            match fs::rename(self.path(n - 1), self.path(n)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.append()
    }

    fn add(&self, bytes: &[u8]) -> io::Result<()> {
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let bytes = bytes.get(..most).unwrap_or(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let mut open = self.lock();
        let full = open
            .as_ref()
            .is_none_or(|open| open.written.saturating_add(length) > self.most);
        if full {
            // Closed first: some systems rename no file that is open.
            *open = None;
            let file = self.turn_over()?;
            *open = Some(Open { file, written: 0 });
        }
        if let Some(open) = open.as_mut() {
            open.file.write_all(bytes)?;
            open.written += length;
        }
        Ok(())
    }
}

impl Write for &Rotating {
    /// One remark a call, as the formatter does. Always says that it is
    /// written: nobody may stumble over the log.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written down: this project's own remarks, and nobody else's.
fn ours() -> Targets {
    Targets::new()
        .with_target("whinchat_core", Level::INFO)
        .with_target("whinchat_app", Level::INFO)
}

/// How it is written down: one line a remark, without colours.
fn subscriber(log: Arc<Rotating>) -> impl tracing::Subscriber + Send + Sync {
    let lines = fmt::layer().with_ansi(false).with_writer(log);
    tracing_subscriber::registry().with(lines).with(ours())
}

/// Begins to log into this data folder. A log that can't be had keeps nobody
/// from talking.
pub fn start(data: &Path) {
    match Rotating::open(&data.join("logs"), MOST) {
        Ok(log) => {
            // A second start in one process, as in tests, keeps the first.
            let _ = tracing::subscriber::set_global_default(subscriber(Arc::new(log)));
            tell_panics();
        }
        Err(error) => eprintln!("there is no log: {error}"),
    }
}

/// A panic's place goes into the log; not its words, which may hold anything.
fn tell_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Some(place) = panic.location() {
            tracing::error!(file = place.file(), line = place.line(), "panicked");
        }
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<(String, u64)> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().len())
            })
            .collect();
        files.sort();
        files
    }

    #[test]
    fn it_turns_over_at_its_size_and_keeps_five_files() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("logs");
        let log = Arc::new(Rotating::open(&folder, 1000).unwrap());
        tracing::subscriber::with_default(subscriber(log), || {
            for number in 0..200 {
                tracing::info!(number, "a remark");
            }
        });
        let all = files(&folder);
        let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "whinchat.1.log",
            "whinchat.2.log",
            "whinchat.3.log",
            "whinchat.4.log",
            "whinchat.log",
        ];
        assert_eq!(names, expected);
        assert!(all.iter().all(|(_, size)| *size <= 1000), "{all:?}");
        // The newest are kept, whole and in order.
        let text: String = (0..FILES)
            .rev()
            .map(|n| match n {
                0 => fs::read_to_string(folder.join("whinchat.log")).unwrap(),
                n => fs::read_to_string(folder.join(format!("whinchat.{n}.log"))).unwrap(),
            })
            .collect();
        let numbers: Vec<u32> = text
            .lines()
            .map(|line| line.rsplit_once("number=").unwrap().1.parse().unwrap())
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        assert_eq!(numbers.last(), Some(&199));
        assert!(numbers.len() > 20);
    }

    #[test]
    fn it_goes_on_where_it_was_and_a_remark_beyond_all_bounds_is_cut() {
        let data = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let log = Rotating::open(data.path(), 100).unwrap();
            (&log).write_all(&[b'a'; 40]).unwrap();
        }
        assert_eq!(
            files(data.path()),
            vec![("whinchat.log".to_owned(), 80)],
            "a second start goes on"
        );
        let log = Rotating::open(data.path(), 100).unwrap();
        (&log).write_all(&[b'b'; 1000]).unwrap();
        assert_eq!(
            files(data.path()),
            vec![
                ("whinchat.1.log".to_owned(), 80),
                ("whinchat.log".to_owned(), 100)
            ]
        );
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_nobody() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("logs");
        let log = Rotating::open(&folder, 100).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, b"a file in its place").unwrap();
        for _ in 0..3 {
            (&log).write_all(&[b'a'; 90]).unwrap();
        }
        assert!(Rotating::open(&folder, 100).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("new").join("logs");
        fs::create_dir_all(data.path().join("new")).unwrap();
        let log = Rotating::open(&folder, 100).unwrap();
        for _ in 0..20 {
            (&log).write_all(&[b'a'; 60]).unwrap();
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for (name, _) in files(&folder) {
            assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
        }
        drop(log);
        // One that somebody opened to others is closed again.
        let file = folder.join("whinchat.log");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        Rotating::open(&folder, 100).unwrap();
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn only_what_this_project_says_is_written() {
        let data = tempfile::tempdir().unwrap();
        let log = Arc::new(Rotating::open(data.path(), MOST).unwrap());
        tracing::subscriber::with_default(subscriber(log), || {
            tracing::info!(target: "whinchat_core::runtime", "ours");
            tracing::debug!(target: "whinchat_core::runtime", "too much");
            tracing::error!(target: "hyper::client", "bearer of somebody else's words");
        });
        let text = fs::read_to_string(data.path().join("whinchat.log")).unwrap();
        assert!(text.contains("ours") && text.lines().count() == 1, "{text}");
        assert!(!text.contains('\u{1b}'), "no colours");
    }
}

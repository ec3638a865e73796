//! PostgreSQL and Redis of a run's own: Debian's programs, folders of their
//! own, free ports of 127.0.0.1, passwords that nobody else knows.
//!
//! PostgreSQL refuses to be run by root: then the user `postgres`, which
//! Debian's package makes, runs it in a folder of its own.

use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::{http, name, paths, random, system};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(60);

/// A PostgreSQL. Dropped, it is stopped and its folder removed.
pub struct Postgres {
    running: Running,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Postgres {
    /// Makes a cluster in this folder and starts it.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let programs = newest_programs()?;
        let password = random::word(24);
        paths::make_private(folder)?;
        let secret = folder.join("password");
        paths::write_private(&secret, &password)?;
        let data = folder.join("data");
        paths::make_private(&data)?;
        let root = system::is_root();
        if root {
            let mut give = Command::new("chown");
            give.args(["-R", "postgres:postgres"]).arg(folder);
            process::output("chown", give)?;
        }
        let mut make = as_postgres(root, &programs.join("initdb"));
        make.arg("-D")
            .arg(&data)
            .args(["-U", name::program(), "--auth=scram-sha-256", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("--pwfile")
            .arg(&secret)
            .current_dir(folder);
        process::output("initdb", make)?;
        let port = http::free_port().doing(|| "find a free port".to_owned())?;
        let log = fs::File::create(folder.join("log")).doing(|| "write a log".to_owned())?;
        let mut serve = as_postgres(root, &programs.join("postgres"));
        serve
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-k", ""])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"])
            // In its folder, which is removed, rather than in the system's shared memory.
            .args(["-c", "dynamic_shared_memory_type=mmap"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut postgres = Self {
            running: process::start("PostgreSQL", serve)?,
            folder: folder.to_path_buf(),
            port,
            password,
        };
        let up = process::poll(BOUND, || {
            let ended = postgres.running.ended().is_some();
            (ended || ready(&programs, port)).then_some(!ended)
        });
        if up == Some(true) {
            return Ok(postgres);
        }
        Err(Problem::new(format!(
            "PostgreSQL did not start: {}",
            process::tail(&folder.join("log"), 5)
        )))
    }

    /// Directus' settings for it.
    pub fn settings(&self) -> [(&'static str, String); 6] {
        [
            ("DB_CLIENT", "pg".to_owned()),
            ("DB_HOST", "127.0.0.1".to_owned()),
            ("DB_PORT", self.port.to_string()),
            ("DB_DATABASE", "postgres".to_owned()),
            ("DB_USER", name::program().to_owned()),
            ("DB_PASSWORD", self.password.clone()),
        ]
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its children are in groups of their own, and end with it.
        self.running.stop(Duration::from_secs(15));
        let _ = paths::remove(&self.folder);
    }
}

/// For a run that is broken off: stops the cluster that runs in this folder, if
/// one does, so that it gives its piece of the system's shared memory back.
pub fn stop_cluster(folder: &Path) {
    let file = folder.join("data/postmaster.pid");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let Some(id) = text.lines().next().and_then(|id| id.parse::<u32>().ok()) else {
        return;
    };
    let mut stop = Command::new("sh");
    stop.args(["-c", "kill -s INT \"$0\"", &id.to_string()]);
    if process::output("kill", stop).is_ok() {
        process::poll(Duration::from_secs(5), || (!file.exists()).then_some(()));
    }
}

/// When a signal ends this process: each of these clusters is stopped in its own way, and its
/// folder does not stay.
pub fn stop_clusters_on_signals(folders: Vec<PathBuf>) {
    process::tidy_up_on_signals(move || {
        for folder in folders {
            stop_cluster(&folder);
            process::poll(Duration::from_secs(10), || {
                paths::remove(&folder).is_ok().then_some(())
            });
        }
    });
}

/// Where Debian keeps the programs of its newest PostgreSQL.
fn newest_programs() -> Outcome<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("postgres")
                .is_file()
                .then_some((version, programs))
        })
        .max();
    newest.map(|(_, programs)| programs).ok_or_else(|| {
        Problem::with_line(
            "PostgreSQL's programs are missing.",
            system::install_line(system::FOR_TWO_SERVERS),
        )
    })
}

/// A program as `postgres` where this process is root, else as it is.
fn as_postgres(root: bool, program: &Path) -> Command {
    if !root {
        return process::clean_command(program);
    }
    // A change of user forgets the signal at the parent's death: it is asked for again.
    let mut command = process::clean_command("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program);
    command
}

fn ready(programs: &Path, port: u16) -> bool {
    let mut ask = Command::new(programs.join("pg_isready"));
    ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    process::output("pg_isready", ask).is_ok()
}

/// A Redis that keeps nothing. Dropped, it is killed.
pub struct Redis {
    running: Option<Running>,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// Redis is not installed, or does not start.
    pub fn start(folder: &Path) -> Outcome<Self> {
        paths::make_private(folder)?;
        let mut redis = Self {
            running: None,
            folder: folder.to_path_buf(),
            port: http::free_port().doing(|| "find a free port".to_owned())?,
            password: random::word(24),
        };
        let config = format!(
            "bind 127.0.0.1\nport {}\nrequirepass {}\nsave \"\"\nappendonly no\ndir {}\n",
            redis.port,
            redis.password,
            folder.display()
        );
        paths::write_private(&folder.join("redis.conf"), &config)?;
        redis.run()?;
        Ok(redis)
    }

    /// As Directus wants it.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill();
        }
    }

    /// Starts it again, empty, on the same port.
    ///
    /// # Errors
    /// It does not start.
    pub fn run(&mut self) -> Outcome {
        let log = self.folder.join("log");
        let output = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .doing(|| format!("write {}", log.display()))?;
        let mut command = process::clean_command("redis-server");
        command
            .arg(self.folder.join("redis.conf"))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null());
        let mut running = process::start("Redis", command)?;
        let up = process::poll(BOUND, || {
            let ended = running.ended().is_some();
            (ended || self.answers()).then_some(!ended)
        });
        if up == Some(true) {
            self.running = Some(running);
            return Ok(());
        }
        Err(Problem::new(format!(
            "Redis did not start: {}",
            process::tail(&log, 5)
        )))
    }

    fn answers(&self) -> bool {
        let ask = || {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            stream.write_all(format!("AUTH {}\r\n", self.password).as_bytes())?;
            let mut answer = [0; 3];
            stream.read_exact(&mut answer)?;
            Ok::<_, std::io::Error>(&answer == b"+OK")
        };
        ask().unwrap_or(false)
    }
}

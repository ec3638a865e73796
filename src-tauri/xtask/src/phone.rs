//! `cargo xtask phone android|ios APP`: on an emulator or a simulator that runs
//! already, the app is installed and started, signs in to a real Directus on
//! this machine, and sends a message, which the server must then have once.
//!
//! ```text
//! Directus (demo::serve) <- http, loopback -- app -- WebDriver -> Appium -> tests/phone/send.js
//! ```
//! Owns the versions of Appium and its drivers, which are in the cache. Starts
//! no emulator and builds no app.

use crate::http::Request;
use crate::network::{Source, Way};
use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::{compile, demo, directus, http, name, npm, paths, random};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const APPIUM: &str = "3.8.0";
/// Starting Appium, and everything that the script does.
const START: Duration = Duration::from_secs(120);
const SCRIPT: Duration = Duration::from_secs(15 * 60);

/// A kind of phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Android,
    Ios,
}

impl Kind {
    /// Appium's driver for it, and its version.
    fn driver(self) -> (&'static str, &'static str) {
        match self {
            Self::Android => ("appium-uiautomator2-driver", "8.7.0"),
            Self::Ios => ("appium-xcuitest-driver", "12.13.1"),
        }
    }

    fn capabilities(self, app: &Path) -> Value {
        let app = app.display().to_string();
        match self {
            Self::Android => json!({
                "platformName": "Android", "appium:automationName": "UiAutomator2",
                "appium:app": app, "appium:autoGrantPermissions": true,
            }),
            Self::Ios => json!({
                "platformName": "iOS", "appium:automationName": "XCUITest", "appium:app": app,
                "appium:deviceName": "iPhone 17", "appium:webviewConnectTimeout": 60_000,
            }),
        }
    }
}

/// Runs it.
pub fn run(words: &[&str]) -> Outcome {
    let (kind, app) = read(words)?;
    let folder = paths::target().join("phone");
    paths::remove(&folder)?;
    std::fs::create_dir_all(&folder).doing(|| format!("make {}", folder.display()))?;
    compile::programs(&[&name::provision()])?;
    let (server, [(email, password), ..]) = demo::serve(&directus::install()?, &folder)?;
    if kind == Kind::Android {
        // To the app, the server is then on its own device: plain http goes nowhere else.
        let port = format!("tcp:{}", server.port());
        let mut reverse = Command::new("adb");
        reverse.args(["reverse", &port, &port]);
        process::output("adb reverse", reverse)?;
    }
    let (_appium, address) = appium(kind, &folder)?;
    let text = format!("From a phone, {}", random::word(8));
    let order = json!({
        "webdriver": address, "capabilities": kind.capabilities(&app), "server": server.url(),
        "email": email, "password": password, "to": "Bob", "text": text,
        "picture": folder.join("phone.png"),
    });
    script(&order)?;
    let token = server.administrator_token()?;
    let path = format!(
        "/items/chat_messages?fields=id&filter[content][_eq]={}",
        http::encode(&text)
    );
    let answer = Request::get(&path).token(&token).send(server.port());
    let answer = answer
        .map_err(|_| Problem::new("The server does not say what it has."))?
        .json();
    let count = answer["data"].as_array().map_or(0, Vec::len);
    if count != 1 {
        return Err(Problem::new(format!(
            "The message is on the server {count} times, and once is right."
        )));
    }
    println!(
        "phone: ok sent=1 stored=1, {}",
        folder.join("phone.png").display()
    );
    Ok(())
}

fn read(words: &[&str]) -> Outcome<(Kind, PathBuf)> {
    let (kind, app) = match words {
        ["android", app] => (Kind::Android, app),
        ["ios", app] => (Kind::Ios, app),
        _ => {
            return Err(Problem::new(
                "phone takes android or ios, and the app's file.",
            ));
        }
    };
    let app = std::fs::canonicalize(app).doing(|| format!("find the app {app}"))?;
    Ok((kind, app))
}

/// Appium with the one driver, listening on this machine alone, and its address.
fn appium(kind: Kind, folder: &Path) -> Outcome<(Running, String)> {
    let (driver, version) = kind.driver();
    let home = paths::cache()?.join(format!("appium-{APPIUM}-{driver}-{version}"));
    let script = home.join("node_modules/appium/index.js");
    if !script.exists() || !home.join("node_modules").join(driver).exists() {
        std::fs::create_dir_all(&home).doing(|| format!("make {}", home.display()))?;
        let manifest =
            json!({"private": true, "dependencies": {"appium": APPIUM, driver: version}});
        std::fs::write(home.join("package.json"), manifest.to_string())
            .doing(|| "write Appium's package.json".to_owned())?;
        let mut fetch = npm::command(Source::Npm.way().unwrap_or(Way::AsSet))?;
        fetch
            .args(["install", "--prefix"])
            .arg(&home)
            .current_dir(&home);
        process::output("npm install", fetch)?;
    }
    let node =
        process::find("node").ok_or_else(|| Problem::new("Node is missing: Appium runs on it."))?;
    let port = http::free_port().doing(|| "find a port".to_owned())?;
    let log = folder.join("appium.log");
    let output = std::fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let mut command = process::bound_command(node);
    command
        .arg(script)
        .args([
            "server",
            "--address",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .args(["--allow-insecure", "uiautomator2:chromedriver_autodownload"])
        .env("APPIUM_HOME", &home)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null());
    let running = process::start("Appium", command)?;
    let up = process::poll(START, || {
        Request::get("/status")
            .send(port)
            .ok()
            .filter(http::Answer::ok)
    });
    if up.is_none() {
        return Err(Problem::new(format!(
            "Appium did not start: {}",
            process::tail(&log, 4)
        )));
    }
    Ok((running, format!("http://127.0.0.1:{port}")))
}

/// Runs tests/phone/send.js; what it needs to know comes on its stdin, for there is a password in it.
fn script(order: &Value) -> Outcome {
    let node = process::find("node").ok_or_else(|| Problem::new("Node is missing."))?;
    let mut command = process::bound_command(node);
    command
        .arg("phone/send.js")
        .current_dir(paths::repository().join("tests"))
        .stdin(Stdio::piped());
    let mut running = process::start("send.js", command)?;
    running.limit(SCRIPT);
    if let Some(mut input) = running.child().stdin.take() {
        // One that has ended already has said why.
        let _ = input.write_all(order.to_string().as_bytes());
    }
    if running.wait(SCRIPT).is_some_and(|status| status.success()) {
        return Ok(());
    }
    Err(Problem::new(
        "The app did not do what it was asked for; send.js says above what it waited for.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_and_an_app_that_is_there_are_needed() {
        assert!(read(&["android"]).is_err());
        assert!(read(&["ios", "/nonexistent.app"]).is_err());
        let here = paths::repository().join("Cargo.toml").display().to_string();
        assert_eq!(read(&["ios", &here]).unwrap().0, Kind::Ios);
        assert!(read(&["windows", &here]).is_err());
    }
}

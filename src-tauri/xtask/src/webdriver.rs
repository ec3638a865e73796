//! A real window under WebDriver: starts the app through Debian's
//! WebKitWebDriver, finds, clicks, types, looks.
//!
//! Owns the driver's process and the session. Never waits for time: every wait
//! is for a condition, with a bound.
//!
//! Source of the protocol: W3C WebDriver; `webkitgtk:browserOptions` is
//! WebKitGTK's own capability.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{self, Request};
use crate::network::Way;
use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};

/// How W3C WebDriver names an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Longer than a busy machine takes to make a server ready.
const BOUND: Duration = Duration::from_secs(120);

/// A window of the app.
#[derive(Debug)]
pub struct Window {
    driver: Running,
    port: u16,
    session: String,
}

impl Window {
    /// Starts `app` with `--data DATA` and waits for its page. The display, the
    /// bus and the keychain are those of this process.
    pub fn open(app: &Path, data: &Path) -> Outcome<Self> {
        Self::open_with(app, data, &[])
    }

    /// Like [`Self::open`], with other variables in the app's environment, e.g. the
    /// display, the bus and the keychain.
    pub fn open_with(app: &Path, data: &Path, environment: &[(String, String)]) -> Outcome<Self> {
        let arguments = [OsString::from("--data"), data.into()]
            .map(|argument| argument.to_string_lossy().into_owned());
        Self::start(app, &arguments, environment)
    }

    /// As a person starts it: with its usual data folder, which follows from the environment.
    pub fn open_plain(app: &Path, environment: &[(String, String)]) -> Outcome<Self> {
        Self::start(app, &[], environment)
    }

    fn start(app: &Path, arguments: &[String], environment: &[(String, String)]) -> Outcome<Self> {
        let port = http::free_port().doing(|| "find a free port".to_owned())?;
        let mut command = process::bound_command("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Window and driver look for each other, on this machine, through a proxy where one
        // is set: neither gets any.
        Way::Direct.set(&mut command);
        let driver = process::start("WebKitWebDriver", command)?;
        let mut window = Self {
            driver,
            port,
            session: String::new(),
        };
        process::poll(BOUND, || Request::get("/status").send(port).ok())
            .ok_or_else(|| Problem::new("WebKitWebDriver does not answer."))?;
        let made = window.ask(
            "POST",
            "/session",
            &json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": {
                "binary": app.to_string_lossy(), "args": arguments,
            }}}}),
        )?;
        window.session = text(&made["sessionId"])?;
        Ok(window)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        let request = if method == "POST" {
            Request::with_body(method, path, body)
        } else {
            Request {
                method,
                ..Request::get(path)
            }
        };
        let answer = request
            .send(self.port)
            .map_err(|error| Problem::new(format!("The window's driver: {error}.")))?;
        let value = answer.json()["value"].take();
        match value["error"].as_str() {
            Some(error) => Err(Problem::new(format!("{error}: {}", value["message"]))),
            None => Ok(value),
        }
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    /// Runs a script in the page and gives what it returns.
    pub fn run(&self, script: &str, arguments: &Value) -> Outcome<Value> {
        let body = json!({"script": script, "args": arguments});
        self.command("POST", "/execute/sync", &body)
    }

    /// Waits until the script returns something that is not nothing, and gives it.
    pub fn until(&self, what: &str, script: &str, arguments: &Value) -> Outcome<Value> {
        let found = process::poll(BOUND, || {
            let value = self.run(script, arguments).ok()?;
            let nothing = value.is_null() || value == false || value == 0 || value == "";
            (!nothing).then_some(value)
        });
        found.ok_or_else(|| {
            let page = self.run("return document.body.innerText", &json!([]));
            let page = page.unwrap_or_default();
            Problem::new(format!("Waited in vain for {what}. The page says: {page}"))
        })
    }

    fn element(&self, selector: &str) -> Outcome<String> {
        self.until(
            selector,
            "const e = document.querySelector(arguments[0]);
             return !!e && e.checkVisibility() && !e.disabled",
            &json!([selector]),
        )?;
        let body = json!({"using": "css selector", "value": selector});
        text(&self.command("POST", "/element", &body)?[ELEMENT])
    }

    /// Clicks what the selector names, once it can be clicked.
    pub fn click(&self, selector: &str) -> Outcome {
        let path = format!("/element/{}/click", self.element(selector)?);
        self.command("POST", &path, &json!({})).map(drop)
    }

    /// Types into what the selector names; `\n` is the Enter key.
    pub fn type_into(&self, selector: &str, words: &str) -> Outcome {
        let path = format!("/element/{}/value", self.element(selector)?);
        let body = json!({"text": words.replace('\n', "\u{e007}")});
        self.command("POST", &path, &body).map(drop)
    }

    /// Writes a picture of the page.
    pub fn picture(&self, path: &Path) -> Outcome {
        let shot = text(&self.command("GET", "/screenshot", &Value::Null)?)?;
        fs::write(path, base64(&shot)).doing(|| format!("write {}", path.display()))
    }

    /// The app's process, a child of the driver's.
    pub fn app_process(&self) -> Option<u32> {
        // The driver itself may stand below `setpriv`, which becomes it.
        let driver = self.driver.id();
        let children = format!("/proc/{driver}/task/{driver}/children");
        let children = fs::read_to_string(children).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// Closes the window as its driver can, and ends the driver.
    pub fn close(mut self) {
        self.end_session();
    }

    fn end_session(&mut self) {
        if !self.session.is_empty() {
            let _ = self.command("DELETE", "", &Value::Null);
            self.session.clear();
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // Else the app outlives its driver.
        self.end_session();
    }
}

fn text(value: &Value) -> Outcome<String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| Problem::new("The window's driver answered something else."))
}

fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend_from_slice(&(bits >> count).to_be_bytes()[3..]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn a_picture_is_read_from_base64() {
        assert_eq!(base64("aGVsbG8="), b"hello");
        assert_eq!(base64("/+A="), [0xff, 0xe0]);
        assert_eq!(base64(""), b"");
    }
}

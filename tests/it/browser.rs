//! A browser without a window, driven by its DevTools protocol, to look at pages as a reader does.

use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket, client};

use crate::command::wait_for;

const PROGRAM: &str = "chromium";

/// One page in a browser of its own, which ends with it.
pub(crate) struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    /// Of the page, within the browser.
    session: String,
    sent: u64,
    /// What the browser told by itself and nothing has asked for.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// None where there is no browser here; where there has to be one, the test fails.
    pub(crate) fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let here = std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file());
        assert!(here || std::env::var_os("CI").is_none(), "CI needs {PROGRAM}: apt-get install {PROGRAM}");
        if !here {
            // Past the capture of the tests' output: what was not tested is to be seen.
            let _ = writeln!(io::stderr(), "skipped: {PROGRAM} is not installed (apt-get install {PROGRAM})");
            return None;
        }
        let profile = tempfile::tempdir().expect("a folder");
        let process = Command::new(PROGRAM)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        // Port and path of the protocol.
        let told = wait_for("the browser to listen", || {
            let text = std::fs::read_to_string(profile.path().join("DevToolsActivePort")).ok()?;
            let (port, path) = text.split_once('\n')?;
            (!path.is_empty()).then(|| (port.to_owned(), path.trim().to_owned()))
        });
        let stream = TcpStream::connect(format!("127.0.0.1:{}", told.0)).expect("the browser is there");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
        let (socket, _) =
            client(format!("ws://127.0.0.1:{}{}", told.0, told.1), stream).expect("a handshake");
        let mut browser =
            Self { process, socket, session: String::new(), sent: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach)["sessionId"].clone();
        session.as_str().expect("a session").clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.size(1280, 900);
        Some(browser)
    }

    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Narrows the window to a phone's and waits until nothing is wider than it.
    pub(crate) fn fits_a_phone(&mut self) {
        const TOO_WIDE: &str = "[...document.querySelectorAll('*')]
            .filter((one) => one.scrollWidth > one.clientWidth && one.clientWidth > 0)
            .filter((one) => getComputedStyle(one).overflowX === 'visible')
            .map((one) => `${one.tagName} ${one.className}: ${one.textContent.slice(0, 60)}`)
            .join('\\n')";
        let fits = "document.documentElement.scrollWidth <= 390 && innerWidth === 390";
        self.size(390, 844);
        if !self.holds_within_a_minute(fits) {
            let widths = self.text("`${document.documentElement.scrollWidth} of ${innerWidth}`");
            panic!("the page does not fit a phone: {widths}\n{}", self.text(TOO_WIDE));
        }
    }

    /// Opens a file and waits until its script has shown everything.
    pub(crate) fn open(&mut self, file: &Path, fragment: &str) {
        let file = file.canonicalize().expect("a file");
        self.visit(&format!("file://{}{fragment}", file.display()));
    }

    /// The same of any address.
    pub(crate) fn visit(&mut self, address: &str) {
        // A fragment alone would load nothing anew.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.call("Page.navigate", json!({ "url": address }));
        self.wait("the page to be ready", "document.documentElement?.dataset.ready === 'yes'");
    }

    /// What an expression gives.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.eval(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Waits, within a minute, until an expression is true.
    pub(crate) fn wait(&mut self, what: &str, expression: &str) {
        if !self.holds_within_a_minute(expression) {
            let complaints = self.complaints();
            panic!("waited a minute for {what}: {complaints:?}");
        }
    }

    fn holds_within_a_minute(&mut self, expression: &str) -> bool {
        let started = Instant::now();
        while self.eval(expression) != json!(true) {
            if started.elapsed() > Duration::from_mins(1) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Presses one key.
    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key });
            if kind == "keyDown" && key.chars().count() == 1 {
                event["text"] = key.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    pub(crate) fn mouse(&mut self, kind: &str, x: f64, y: f64) {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        self.call(
            "Input.dispatchMouseEvent",
            json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 }),
        );
    }

    /// Errors of scripts, and whatever the console warns of.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.eval("1");
        let told = self.events.iter().filter(|event| {
            let is_loud = |level: &Value| ["error", "warning", "assert"].iter().any(|loud| level == loud);
            match event["method"].as_str() {
                Some("Runtime.exceptionThrown") => true,
                Some("Runtime.consoleAPICalled") => is_loud(&event["params"]["type"]),
                Some("Log.entryAdded") => is_loud(&event["params"]["entry"]["level"]),
                _ => false,
            }
        });
        told.map(ToString::to_string).collect()
    }

    /// Every address that was asked for, data in the page itself apart.
    pub(crate) fn requests(&mut self) -> Vec<String> {
        self.eval("1");
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let addresses = sent.filter_map(|event| event["params"]["request"]["url"].as_str());
        addresses.filter(|address| !address.starts_with("data:")).map(str::to_owned).collect()
    }

    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(message.to_string())).expect("the browser listens");
        loop {
            let told = self.socket.read().expect("the browser answers");
            let Message::Text(text) = told else { continue };
            let told: Value = serde_json::from_str(&text).expect("JSON");
            if told["id"] == self.sent {
                assert!(told.get("error").is_none(), "{method}: {told}");
                return told["result"].clone();
            }
            self.events.push(told);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that has ended already needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

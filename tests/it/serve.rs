//! The runs of a folder in a browser.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::browser::Browser;
use crate::command::{output, partita, text, wait_for};

/// `partita serve`, ended with this.
struct Served {
    process: Child,
    /// `http://127.0.0.1:PORT/`, as it is printed.
    address: String,
}

impl Served {
    fn start(folder: &Path, bind: &str) -> Self {
        Self::of(folder, "runs", bind)
    }

    /// Of `served`, from `folder`.
    fn of(folder: &Path, served: &str, bind: &str) -> Self {
        let mut process = partita(folder)
            .args(["serve", served, "--bind", bind])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut address = String::new();
        let printed = process.stdout.take().expect("standard output");
        BufReader::new(printed).read_line(&mut address).expect("a line");
        Self { process, address: address.trim().to_owned() }
    }

    /// The status line and the body of an answer.
    fn get(&self, path: &str, headers: &str) -> (String, String) {
        let host = self.address.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
        let mut stream = TcpStream::connect(host.replace("0.0.0.0", "127.0.0.1")).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // What has ended already needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SIMULATED: [&str; 12] = [
    "run",
    "--stage",
    "sim",
    "--workload",
    "register",
    "--faults",
    "kill:leader",
    "--time",
    "3s",
    "--liveness=false",
    "--mode",
    "single/async,single/quorum",
];

#[test]
fn only_this_machine_is_answered_and_no_file_outside_of_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = output(folder.path(), &[&SIMULATED[..], &["--seed", "3", "--no-html"]].concat());
    assert!(folder.path().join("runs/latest").exists(), "{}", text(&made));
    std::fs::write(folder.path().join("secret.json"), "{}").expect("a file");
    let served = Served::start(folder.path(), "127.0.0.1:0");
    let here = "Host: localhost\r\n";
    let (status, list) = served.get("/runs.json", here);
    assert!(status.contains("200"), "{status}");
    assert_eq!(list.matches("\"workload\":\"register\"").count(), 2, "{list}");
    assert!(served.get("/", "Host: example.org\r\n").0.contains("403"));
    for path in [
        "/run/..%2Fsecret",
        "/run/../",
        "/file/latest/../../secret.json",
        "/file/latest/n1.log",
        "/run/nowhere",
    ] {
        assert!(served.get(path, here).0.contains("404"), "{path}");
    }
    assert!(served.get("/file/latest/history.jsonl", here).1.starts_with("{\"partita\":1"));
    drop(served);
    let open = Served::start(folder.path(), "0.0.0.0:0");
    let token = open.address.split_once("?token=").expect("a token").1.to_owned();
    assert!(open.get("/runs.json", here).0.contains("403"));
    assert!(open.get(&format!("/?token={token}"), here).0.contains("303"));
    assert!(open.get("/runs.json", &format!("{here}Cookie: partita={token}\r\n")).0.contains("200"));
}

#[test]
fn runs_are_listed_searched_opened_and_compared() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    output(folder.path(), &[&SIMULATED[..], &["--seed", "3"]].concat());
    let served = Served::start(folder.path(), "127.0.0.1:0");
    browser.visit(&served.address);
    assert_eq!(browser.eval("document.querySelectorAll('.runs tbody tr').length"), 2);
    browser.eval("document.getElementById('search').value = 'single/quorum'; document.getElementById('search').dispatchEvent(new Event('input'))");
    assert_eq!(browser.eval("document.querySelectorAll('.runs tbody tr').length"), 1);
    browser.eval("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))");
    browser.eval("for (const i of [0, 1]) { const box = document.querySelectorAll('.runs input[type=checkbox]')[i]; box.checked = true; box.dispatchEvent(new Event('change')); }");
    let compare = browser.eval(
        "[...document.querySelectorAll('button')].find((b) => b.textContent === 'Compare two').disabled",
    );
    assert_eq!(compare, false);
    browser.eval(
        "[...document.querySelectorAll('button')].find((b) => b.textContent === 'Compare two').click()",
    );
    browser.wait(
        "two runs side by side",
        "document.querySelectorAll('.comparison .sortable tbody tr').length >= 2",
    );
    browser.visit(&served.address);
    browser.eval("document.querySelector('.runs tbody a').click()");
    browser.wait(
        "the run's page",
        "document.querySelector('.verdict h1') !== null && document.documentElement.dataset.ready === 'yes'",
    );
    assert_eq!(browser.complaints(), [""; 0]);
    let asked = browser.requests();
    assert!(
        asked.iter().all(|address| address.starts_with(&served.address) || address == "about:blank"),
        "{asked:?}"
    );
}

#[test]
fn the_folder_of_one_run_is_served_as_its_page() {
    let folder = tempfile::tempdir().expect("a folder");
    output(folder.path(), &[&SIMULATED[..], &["--seed", "3", "--no-html"]].concat());
    let served = Served::of(folder.path(), "runs/latest", "127.0.0.1:0");
    let here = "Host: localhost\r\n";
    assert!(served.get("/", here).0.contains("307"), "it leads to the run");
    let name = std::fs::canonicalize(folder.path().join("runs/latest")).expect("a folder");
    let name = name.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let (status, page) = served.get(&format!("/run/{name}"), here);
    assert!(status.contains("200") && page.contains("\"workload\":\"register\""), "{status}");
    assert!(served.get("/runs.json", here).1.contains(&format!("\"path\":\"{name}\"")));
    assert!(served.get(&format!("/file/{name}/history.jsonl"), here).0.contains("200"));
    assert!(served.get("/run/..", here).0.contains("404"));
}

#[test]
fn the_page_of_a_run_in_progress_goes_on_with_it_and_ends_with_its_verdict() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        "run --mode single/quorum --workload register --faults partition:leader@2s --time 6s --seed 5";
    let mut run = partita(folder.path())
        .args(arguments.split(' '))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("operations of the run", || {
        let history = folder.path().join("runs/latest/history.jsonl");
        (std::fs::metadata(history).ok()?.len() > 2_000).then_some(())
    });
    let served = Served::start(folder.path(), "127.0.0.1:0");
    browser.visit(&format!("{}run/latest", served.address));
    browser.wait("news of the run", "Number(document.documentElement.dataset.snapshots ?? 0) >= 2");
    let before = browser.eval("partita.operations.count").as_u64().expect("a number");
    browser.wait("more operations", &format!("partita.operations.count > {before}"));
    assert_eq!(browser.text("document.querySelector('.live').textContent"), "live");
    assert_eq!(browser.complaints(), [""; 0]);
    run.wait().expect("it ends");
    browser.wait(
        "the page of a run that has ended",
        "document.querySelector('.live') === null && document.documentElement?.dataset.ready === 'yes'",
    );
}

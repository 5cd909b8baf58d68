//! The page of runs and histories, looked at in a browser.

use std::fs;
use std::path::{Path, PathBuf};

use crate::browser::Browser;
use crate::command::{code, output, text};
use crate::tidy::root;

/// The page of these files, made by the command line.
fn page(folder: &Path, files: &[&Path]) -> PathBuf {
    let page = folder.join("page.html");
    let mut arguments = vec!["report", "-o", "page.html"];
    arguments.extend(files.iter().map(|file| file.to_str().expect("UTF-8")));
    let output = output(folder, &arguments);
    assert_eq!(code(&output), 0, "{}", text(&output));
    page
}

fn sample(name: &str) -> PathBuf {
    root().join("histories/samples").join(name)
}

/// Clients that write each other's values in turns, with a stale read in the middle of many operations.
fn busy_history(folder: &Path) -> PathBuf {
    let mut lines = vec![r#"{"partita":1,"nodes":["n1","n2"],"demands":["linearizable"]}"#.to_owned()];
    let mut tell = |time: u64, client: u64, kind: &str, f: &str, key: &str, value: &str| {
        let index = lines.len() - 1;
        let node = if client.is_multiple_of(2) { "n1" } else { "n2" };
        lines.push(format!(
            r#"{{"index":{index},"time":{time},"process":{client},"type":"{kind}","f":"{f}","key":"{key}","value":{value},"node":"{node}"}}"#
        ));
    };
    for round in 0..300_u64 {
        let (from, key, value) = (round * 10_000_000, ["x", "y", "z"][round as usize % 3], round.to_string());
        tell(from, round % 7, "invoke", "write", key, &value);
        tell(from + 1_000_000, round % 7, "ok", "write", key, &value);
        tell(from + 2_000_000, 9, "invoke", "read", key, "null");
        // One read shows what the write before had replaced.
        let seen = if round == 150 { "147".to_owned() } else { value };
        tell(from + 3_000_000, 9, "ok", "read", key, &seen);
    }
    let file = folder.join("busy.jsonl");
    fs::write(&file, lines.join("\n") + "\n").expect("a file");
    file
}

#[test]
fn the_verdict_is_seen_first_and_the_timeline_opens_on_the_finding() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let busy = busy_history(folder.path());
    browser.open(&page(folder.path(), &[&busy]), "");
    let verdict = browser.text("document.querySelector('h1').textContent");
    assert_eq!(verdict, "Violation linearizable was promised and does not hold.");
    assert!(
        browser
            .eval("document.querySelector('h1').getBoundingClientRect().bottom < 300")
            .as_bool()
            .expect("a place")
    );
    let finding = browser.text("document.querySelector('.finding .sentence').textContent");
    assert!(finding.starts_with("client 9 read x = 147 after client"), "{finding}");
    let inside = "(() => { const { timeline, operations } = partita; const { view } = timeline; \
                  return [...view.proof.keys()].every((op) => { const at = view.folded.fold(operations.invoked[op]); \
                  return at >= view.from && at <= view.to; }); })()";
    assert_eq!(browser.eval(inside), true);
    assert_eq!(browser.eval("partita.timeline.view.proof.size"), 3);
    let share = browser.eval(
        "(partita.timeline.view.to - partita.timeline.view.from) / partita.timeline.view.folded.length",
    );
    assert!(share.as_f64().expect("a share") < 0.2, "it does not open on the whole run: {share}");
    assert_eq!(
        browser.text("document.querySelector('.picture .culprit .action').textContent"),
        "3  read x -> 147"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_timeline_is_zoomed_searched_and_filtered_and_the_address_keeps_it() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let busy = busy_history(folder.path());
    let page = page(folder.path(), &[&busy]);
    browser.open(&page, "");
    let window = "partita.timeline.view.to - partita.timeline.view.from";
    let before = browser.eval(window).as_f64().expect("a length");
    browser.eval("partita.timeline.canvas.focus()");
    browser.press("+");
    let after = browser.eval(window).as_f64().expect("a length");
    assert!((after / before - 0.6).abs() < 0.01, "{before} to {after}");
    browser.press("/");
    assert_eq!(browser.eval("document.activeElement.id"), "search");
    browser.eval("document.activeElement.value = 'read x -> 147'; document.activeElement.dispatchEvent(new Event('input'))");
    assert_eq!(
        browser.eval("partita.timeline.hits.length"),
        2,
        "the read of 147 when it was new, and the stale one"
    );
    assert_eq!(browser.eval("partita.timeline.shown.length"), 200, "the finding's key alone is shown");
    browser.eval("[...document.querySelectorAll('select')].find((s) => s.ariaLabel === 'key').value = ''");
    browser.eval("[...document.querySelectorAll('select')].find((s) => s.ariaLabel === 'key').dispatchEvent(new Event('change'))");
    assert_eq!(browser.eval("partita.timeline.shown.length"), 600);
    browser.eval("document.querySelector('.segmented [data-value=node]').click()");
    assert_eq!(
        browser.eval("partita.timeline.view.lanes.map((lane) => lane.name).sort()"),
        serde_json::json!(["n1", "n2"])
    );
    browser.wait(
        "the address to follow",
        "location.hash.includes('lanes=node') && location.hash.includes('from=')",
    );
    let fragment = browser.text("location.hash");
    let shown = browser.eval("[partita.timeline.view.lanes.length, document.getElementById('search').value]");
    browser.open(&page, &fragment);
    let again = browser.eval("[partita.timeline.view.lanes.length, document.getElementById('search').value]");
    assert_eq!(again, shown);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn pointing_at_an_operation_tells_it_and_a_click_pins_it() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&page(folder.path(), &[&sample("stale-read.jsonl")]), "");
    browser.eval("document.getElementById('timeline').scrollIntoView()");
    let place = browser.eval(
        "(() => { const b = partita.timeline.canvas.getBoundingClientRect(); const view = partita.timeline.view; \
         const op = [...view.proof.keys()][0]; \
         const x = view.left + (view.folded.fold(partita.operations.invoked[op]) - view.from) / (view.to - view.from) * (view.width - view.left); \
         return [b.left + x + 8, b.top + 34 + view.lanes[0].top + 8]; })()",
    );
    let (x, y) = (place[0].as_f64().expect("a place"), place[1].as_f64().expect("a place"));
    browser.mouse("mouseMoved", x, y);
    browser.wait("the operation to be told", "!document.querySelector('div.tip').hidden");
    let told = browser.text("document.querySelector('div.tip').textContent");
    assert!(
        told.contains("write x 3") && told.contains("client1 at n1") && told.contains("line2 and 3"),
        "{told}"
    );
    browser.mouse("mousePressed", x, y);
    browser.mouse("mouseReleased", x, y);
    browser.wait("it to be pinned", "partita.timeline.view.pinned.size === 3");
    browser.press("Escape");
    browser.wait("it to be let go", "partita.timeline.view.pinned.size === 0");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn pointing_at_an_operation_shows_the_longest_order_that_explains_its_object() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&page(folder.path(), &[&sample("stale-read.jsonl")]), "");
    let rows = "[...document.querySelectorAll('.order-table tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))";
    let rows = browser.eval(rows);
    let cells: Vec<&str> = rows
        .as_array()
        .expect("rows")
        .iter()
        .flat_map(|row| row.as_array().expect("cells"))
        .filter_map(|cell| cell.as_str())
        .collect();
    assert_eq!(
        cells,
        [
            "1",
            "write x 3",
            "client 1 at n1",
            "3",
            "2",
            "write x 5",
            "client 1 at n1",
            "5",
            "✗",
            "read x -> 3",
            "client 4 at n3",
            "cannot be next: it holds 5"
        ]
    );
    assert_eq!(browser.eval("partita.timeline.view.order"), serde_json::Value::Null);
    browser.eval("document.querySelector('.order-table tbody tr').focus()");
    assert_eq!(
        browser.eval("partita.timeline.view.order.steps.map((step) => step.state)"),
        serde_json::json!(["3", "5"])
    );
    browser.eval("partita.timeline.light(-1)");
    assert_eq!(browser.eval("partita.timeline.view.order"), serde_json::Value::Null);
    browser.eval("partita.timeline.canvas.focus()");
    assert_eq!(browser.eval("partita.timeline.view.order.stuck.length"), 1);
    browser.press(".");
    browser.wait("the order to be told", "document.querySelector('.pinned .order-around') !== null");
    let told = browser.text("document.querySelector('.pinned .order-around').textContent");
    assert!(told.contains("1 write x 3 then 3") && told.contains("read x -> 3 cannot be next"), "{told}");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn paper_shows_what_is_folded_and_every_lane() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let busy = busy_history(folder.path());
    browser.open(&page(folder.path(), &[&busy]), "");
    let folded = "document.querySelectorAll('details:not([open])').length";
    let before = browser.eval(folded);
    assert_ne!(before, 0);
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.eval(folded), 0);
    assert_eq!(browser.eval("partita.timeline.view.height >= partita.timeline.total"), true);
    browser.eval("dispatchEvent(new Event('afterprint'))");
    assert_eq!(browser.eval(folded), before);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn what_clients_wrote_stays_text_and_nothing_leaves_the_page() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let hostile =
        r"</script><img src=x onerror=document.title='stolen'><script>document.title='stolen'</script>";
    let value = serde_json::to_string(hostile).expect("JSON");
    let history = format!(
        r#"{{"partita":1,"nodes":[{value}],"mode":{value},"demands":["linearizable"]}}
{{"index":0,"time":1000000,"process":0,"type":"invoke","f":"write","key":{value},"value":{value},"node":{value}}}
{{"index":1,"time":2000000,"process":0,"type":"ok","f":"write","key":{value},"value":{value},"node":{value}}}
{{"index":2,"time":3000000,"process":1,"type":"invoke","f":"read","key":{value}}}
{{"index":3,"time":4000000,"process":1,"type":"ok","f":"read","key":{value},"value":null}}
{{"index":4,"time":5000000,"process":1,"type":"invoke","f":{value},"key":"y"}}
{{"index":5,"time":6000000,"process":1,"type":"info","f":{value},"key":"y","error":{value}}}
"#
    );
    let file = folder.path().join("hostile.jsonl");
    fs::write(&file, history).expect("a file");
    browser.open(&page(folder.path(), &[&file]), "");
    assert_eq!(browser.eval("document.querySelectorAll('img').length"), 0);
    assert!(browser.text("document.title").ends_with("hostile.jsonl"));
    assert!(browser.eval("document.body.innerText.includes('<img src=x')").as_bool().expect("a text"));
    browser.eval("document.querySelector('.copy').click()");
    for key in ["n", "p", "f", "t", ".", ","] {
        browser.press(key);
    }
    assert_eq!(browser.complaints(), [""; 0]);
    let asked = browser.requests();
    assert!(
        !asked.is_empty()
            && asked.iter().all(|address| address.starts_with("file://") || address == "about:blank"),
        "{asked:?}"
    );
    let refused = browser.eval("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')");
    assert_eq!(refused, "refused");
}

/// Presses the button, and takes what would be saved apart: every pixel that the timeline shows has to be there.
const SAVED: &str = "new Promise((done) => {
    let picture = null;
    const address = URL.createObjectURL;
    URL.createObjectURL = (blob) => { picture = blob; return address.call(URL, blob); };
    HTMLAnchorElement.prototype.click = async function () {
        const bytes = [...new Uint8Array(await picture.arrayBuffer()).slice(0, 8)];
        const image = await createImageBitmap(picture);
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [image.width, image.height];
        canvas.getContext('2d').drawImage(image, 0, 0);
        const shown = partita.timeline.canvas;
        const [saved, seen] = [canvas, shown].map((one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data);
        const [size, all] = [[image.width, image.height], [shown.width, shown.height]];
        const opaque = saved.every((value, i) => i % 4 !== 3 || value === 255);
        const painted = seen.filter((value, i) => i % 4 === 3 && value === 255).length;
        const same = seen.every((value, i) => seen[i | 3] < 255 || value === saved[i]);
        done({ name: this.download, kind: picture.type, bytes, size, all, opaque, painted, same });
    };
    [...document.querySelectorAll('.timeline .zooms button')].find((one) => one.textContent === 'PNG').click();
})";

#[test]
fn what_is_seen_of_the_timeline_is_saved_as_a_picture() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&page(folder.path(), &[&busy_history(folder.path())]), "");
    browser.wait("the timeline to be painted", "partita.timeline.frames?.length > 0");
    let saved = browser.eval(SAVED);
    assert_eq!((&saved["name"], &saved["kind"]), (&"timeline.png".into(), &"image/png".into()), "{saved}");
    assert_eq!(saved["bytes"], serde_json::json!([137, 80, 78, 71, 13, 10, 26, 10]), "{saved}");
    assert_eq!(saved["size"], saved["all"], "{saved}");
    assert!(saved["painted"].as_u64().is_some_and(|pixels| pixels > 1_000), "{saved}");
    assert_eq!((&saved["opaque"], &saved["same"]), (&true.into(), &true.into()), "{saved}");
    assert_eq!(browser.complaints(), [""; 0]);
    let asked = browser.requests();
    let stays = |address: &String| address.starts_with("file://") || address == "about:blank";
    assert!(!asked.is_empty() && asked.iter().all(stays), "{asked:?}");
}

#[test]
fn moments_of_a_short_stretch_are_told_apart() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let made = ["synth", "--object", "queue", "-n", "200", "--plant", "lost-write@100", "--seed", "3"];
    let file = folder.path().join("queue.jsonl");
    fs::write(&file, output(folder.path(), &made).stdout).expect("a file");
    browser.open(&page(folder.path(), &[&file]), "");
    // The axis is what is written highest.
    let written = browser.eval(
        "new Promise((done) => { const told = []; const write = CanvasRenderingContext2D.prototype.fillText; \
         CanvasRenderingContext2D.prototype.fillText = function (text, x, y) { \
         if (y === 14) told.push(text); return write.call(this, text, x, y); }; \
         partita.timeline.draw(); requestAnimationFrame(() => requestAnimationFrame(() => done(told))); })",
    );
    let moments: Vec<&str> =
        written.as_array().expect("a list").iter().filter_map(|text| text.as_str()).collect();
    let apart: std::collections::BTreeSet<&str> = moments.iter().copied().collect();
    assert!(moments.len() > 2 && apart.len() == moments.len(), "{moments:?}");
    assert_eq!(browser.complaints(), [""; 0]);
}

/// A bank with too much in it after transfers that begin a nanosecond after each other, as they may in simulation.
fn rich_bank(folder: &Path) -> PathBuf {
    let line = |(at, client, kind, rest): (u64, u64, &str, &str)| {
        format!(r#"{{"index":0,"time":{at},"process":{client},"type":"{kind}",{rest}}}"#)
    };
    let transfer = r#""f":"transfer","value":["savings","current",5]"#;
    let read = r#""f":"read""#;
    let mut events = vec![
        (0, 9, "invoke", read),
        (1_000_000, 9, "ok", r#""f":"read","value":{"savings":50,"current":50}"#),
    ];
    events.extend((0..4).map(|client| (30_000_000 + client, client, "invoke", transfer)));
    events.extend((0..4).map(|client| (60_000_000 + client * 1_000_000, client, "ok", transfer)));
    events.push((100_000_000, 8, "invoke", read));
    events.push((110_000_000, 8, "ok", r#""f":"read","value":{"savings":30,"current":75}"#));
    let lines = (0..)
        .zip(events)
        .map(|(index, event)| line(event).replace(r#""index":0"#, &format!(r#""index":{index}"#)));
    let file = folder.join("bank.jsonl");
    let whole: Vec<String> = std::iter::once(r#"{"partita":1}"#.to_owned()).chain(lines).collect();
    fs::write(&file, whole.join("\n") + "\n").expect("a file");
    file
}

#[test]
fn moments_of_a_proof_do_not_overlap_and_what_cannot_be_is_in_sight() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&page(folder.path(), &[&rich_bank(folder.path())]), "");
    assert_eq!(browser.eval("document.querySelectorAll('.picture .step').length"), 6);
    let labels = browser.eval(
        "[...document.querySelectorAll('.picture .tick + text')].filter((one) => one.textContent !== '') \
         .map((one) => [one.getBoundingClientRect().left, one.getBoundingClientRect().right])",
    );
    let edges: Vec<f64> = labels
        .as_array()
        .expect("a list")
        .iter()
        .flat_map(|pair| [pair[0].as_f64(), pair[1].as_f64()])
        .flatten()
        .collect();
    assert!(edges.len() >= 10 && edges.is_sorted(), "{edges:?}");
    browser.wait(
        "what cannot be to be in sight",
        "document.querySelector('.culprit rect').getBoundingClientRect().right <= \
         document.querySelector('figure .scroll').getBoundingClientRect().right",
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn of_a_lock_that_two_held_the_second_is_told() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&page(folder.path(), &[&sample("two-holders.jsonl")]), "");
    assert_eq!(browser.text("document.querySelector('.finding .where').textContent"), "client 2, 2 ns");
    let culprit = browser.text("document.querySelector('.picture .culprit .action').textContent");
    assert_eq!(culprit, "2  acquire lock");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_cycle_is_drawn_with_the_reason_of_each_arrow() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&page(folder.path(), &[&sample("list-append-write-skew.jsonl")]), "");
    assert_eq!(browser.eval("document.querySelectorAll('.picture .node').length"), 2);
    assert_eq!(browser.eval("document.querySelectorAll('.picture .edge.on-cycle').length"), 2);
    let reasons = browser.text("document.querySelector('.reasons-of').textContent");
    assert!(reasons.contains("client 1 saw") && reasons.contains("which client 2 replaced"), "{reasons}");
    browser.eval("document.querySelector('.picture .edge').dispatchEvent(new Event('click'))");
    assert_eq!(browser.eval("document.querySelectorAll('.reasons-of .lit').length"), 1);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn several_runs_stand_beside_each_other_and_one_is_opened() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    // A name that is longer than a phone is wide is broken in the middle.
    let long = folder.path().join(format!("{}.jsonl", "lostwrite".repeat(12)));
    fs::copy(sample("lost-write.jsonl"), &long).expect("a file");
    browser.open(&page(folder.path(), &[&sample("stale-read.jsonl"), &long]), "");
    assert_eq!(browser.eval("document.querySelectorAll('.run-list tbody tr').length"), 2);
    assert!(
        browser.text("document.querySelector('.verdict').textContent").contains("linearizable was promised")
    );
    browser.eval("document.querySelectorAll('.run-list tbody tr')[1].click()");
    browser.wait(
        "the other run",
        "document.querySelector('.verdict').textContent.includes('durability was promised')",
    );
    assert_eq!(browser.eval("document.querySelectorAll('.picture .replica.lacks').length"), 2);
    browser.fits_a_phone();
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_hunt_that_found_nothing_says_what_it_looked_at() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let hunt = output(folder.path(), &["hunt", "--seeds", "3", "--seed", "1", "--workload", "register"]);
    assert_eq!(code(&hunt), 0, "{}", text(&hunt));
    let hunts = fs::read_dir(folder.path().join("runs/hunts")).expect("a folder");
    let pages = hunts.map(|entry| entry.expect("an entry").path());
    let page = pages.into_iter().find(|path| path.extension().is_some_and(|of| of == "html"));
    browser.open(&page.expect("a page"), "");
    assert!(browser.text("document.querySelector('.hunt p').textContent").starts_with("3 runs, and none"));
    let states =
        "[...document.querySelectorAll('.hunt-tables > div')][1].querySelectorAll('tbody tr').length";
    assert!(browser.eval(states).as_u64().expect("a number") > 0);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn stale_reads_are_drawn_over_time_and_in_the_folder_of_the_run() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let run =
        "run --stage sim --mode single/follower-read --workload register --faults partition:leader --time 8s";
    let arguments: Vec<&str> = run.split(' ').chain(["--rate", "200", "--seed", "3"]).collect();
    output(folder.path(), &arguments);
    let latest = folder.path().join("runs/latest");
    let picture = fs::read_to_string(latest.join("staleness.svg")).expect("a picture");
    assert!(picture.contains("stale reads, median"), "{picture}");
    browser.open(&latest.join("report.html"), "");
    let stale = browser.eval("partita.run.series.stale.reads.reduce((a, b) => a + b)");
    assert_eq!(stale, browser.eval("partita.run.outcome.staleness.stale_reads"));
    assert!(browser.eval("document.querySelectorAll('.series .point.stale').length").as_u64() > Some(0));
    assert_eq!(browser.complaints(), [""; 0]);
}

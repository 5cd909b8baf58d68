//! What has no end: a stated limit each, and never more memory than is allowed.

use std::io::{self, Read};

use insta::assert_snapshot;

use super::bad::HEADER;
use crate::read::{Format, Options, read_with};
use crate::stats;

/// Bytes that never end.
fn endless(head: &'static [u8], byte: u8) -> impl Read {
    head.chain(io::repeat(byte))
}

#[test]
fn what_has_no_end_meets_a_limit() {
    let mut out = Vec::new();
    for (name, head) in [
        ("line", &b"{\"partita\":1}\n{\"index\":0,\"f\":\""[..]),
        ("edn", b"{:type :invoke, :f :write, :value \""),
        ("json", b"[{\"type\":\"invoke\",\"value\":\""),
        ("plume", b"w(1,1,0,0)\nw("),
    ] {
        let error = read_with(endless(head, b'1'), name, &Options::default()).unwrap_err();
        out.push(error.to_string());
    }
    let long = endless(b"{\"partita\":1}\n{\"index\":0,\"f\":\"", b'a').take(200_000_000);
    out.push(read_with(long, "200-MB-line", &Options::default()).unwrap_err().to_string());
    let bomb = zstd::encode_all(io::repeat(b'\n').take(1 << 30), 1).unwrap();
    let options = Options { format: Some(Format::Jsonl), ..Options::default() };
    out.push(read_with(&*bomb, "bomb", &options).unwrap_err().to_string());
    assert_snapshot!(out.join("\n"));
}

/// A value of a few bytes again and again, in one event that is no longer than it may be.
#[test]
fn an_event_that_grows_in_memory_meets_a_limit() {
    let eight = |event: &'static [u8], again: &'static [u8], end: &'static [u8]| {
        event.chain(Again(again).take(8_000_000 / again.len() as u64 * again.len() as u64)).chain(end)
    };
    let ours = b"{\"partita\":1}\n{\"index\":0,\"time\":0,\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":[";
    let json = b"[{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":[";
    let edn = b"{:process 0 :type :invoke :f :write :value [";
    let micros = b"{:process 0 :type :invoke :f :txn :value [";
    let table = b"process,type,f,value\n0,invoke,write,\"[";
    let events = [
        ("lists", eight(ours, b"[],", b"0]}\n"), "2:1"),
        ("maps", eight(ours, b"{},", b"0]}\n"), "2:1"),
        ("nested", eight(ours, b"{\"\":[\"\"]},", b"0]}\n"), "2:1"),
        ("json", eight(json, b"[],", b"0]}]"), "1:"),
        ("edn", eight(edn, b"[]", b"]}"), "1:"),
        ("edn-maps", eight(edn, b"{1{}}", b"]}"), "1:"),
        ("edn-texts", eight(edn, b"\"\"", b"]}"), "1:"),
        ("micros", eight(micros, b"[:r :x {}]", b"]}"), "1:"),
        ("csv", eight(table, b"[],", b"0]\"\n"), "2:1"),
    ];
    for (name, event, place) in events {
        let error = read_with(event, name, &Options::default()).map(drop).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name}:{place}")), "{error}");
        assert!(
            error.ends_with("an event that takes more than 256 MiB in memory, which is the limit"),
            "{error}"
        );
    }
}

#[test]
fn a_long_event_of_numbers_is_read() {
    let event = |kind| {
        let numbers: Vec<_> = (0..400_000).map(|number: u32| number.to_string()).collect();
        let value = numbers.join(",");
        format!("{{\"process\":0,\"type\":\"{kind}\",\"f\":\"write\",\"value\":[{value}]}}\n")
    };
    let text = [event("invoke"), event("ok")].concat();
    let history = read_with(text.as_bytes(), "json", &Options::default()).unwrap();
    assert_eq!(history.operations()[0].call().as_list().unwrap().len(), 400_000);
}

/// Invocations and completions that never end.
struct Events(u64, Vec<u8>);

impl Read for Events {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.1.len() < into.len() {
            let (index, kind) = (self.0, if self.0.is_multiple_of(2) { "invoke" } else { "ok" });
            let head = if index == 0 { HEADER } else { "" };
            let line = format!(
                "{head}{{\"index\":{index},\"time\":{index},\"process\":0,\"type\":\"{kind}\",\"f\":\"read\"}}\n"
            );
            self.1.extend_from_slice(line.as_bytes());
            self.0 += 1;
        }
        into.copy_from_slice(&self.1[..into.len()]);
        self.1.drain(..into.len());
        Ok(into.len())
    }
}

#[test]
fn an_endless_stream_of_events_meets_the_memory_limit() {
    let options = Options { memory_bytes_max: 4 << 20, ..Options::default() };
    let error = read_with(Events(0, Vec::new()), "-", &options).unwrap_err();
    assert_snapshot!(error, @"-:131074:1: what has to be held up to here takes more than 4 MiB of memory, the limit that is set");
}

/// The same again and again.
struct Again(&'static [u8]);

impl Read for Again {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let whole = into.len() / self.0.len() * self.0.len();
        into[..whole].chunks_exact_mut(self.0.len()).for_each(|place| place.copy_from_slice(self.0));
        Ok(whole)
    }
}

/// Lines with a number that counts on.
struct Counting(u64, fn(u64) -> String, Vec<u8>);

impl Read for Counting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.2.len() < into.len() {
            self.2.extend_from_slice(self.1(self.0).as_bytes());
            self.0 += 1;
        }
        into.copy_from_slice(&self.2[..into.len()]);
        self.2.drain(..into.len());
        Ok(into.len())
    }
}

/// A name, what never ends, and whether `stats` has to hold it, too.
type Endless = (&'static str, fn() -> Box<dyn Read>, bool);

#[test]
fn whatever_a_reader_holds_meets_the_memory_limit() {
    let options = Options { memory_bytes_max: 4 << 20, ..Options::default() };
    let mut out = Vec::new();
    let endless: [Endless; 8] = [
        ("transaction", || Box::new(Again(b"w(1,1,0,0)\n")), true),
        ("awdit-transaction", || Box::new(Again(b"w 1 1\n")), true),
        ("cobra-transaction", || Box::new((&b"S\0\0\0\0\0\0\0\x01"[..]).chain(Again(&COBRA_WRITE))), true),
        ("nemesis", || Box::new(Again(b"{:process :nemesis :type :info :f :kill :value [1 2 3]}\n")), false),
        ("sessions", || Box::new(Counting(0, |i| format!("w(1,{i},{i},{i})\n"), Vec::new())), true),
        ("numbers", || Box::new(Counting(0, |i| format!("w(1,{i},0,{})\n", 2 * i), Vec::new())), true),
        (
            "processes",
            || Box::new(Counting(0, |i| format!("{{:process :p{i} :type :invoke :f :read}}\n"), Vec::new())),
            true,
        ),
        (
            "nodes",
            || {
                let line = |i| {
                    let name = "n".repeat(1000);
                    let event = format!(":process {i} :type :invoke :f :read :node \"{name}{i}\"");
                    format!("{{{event}}}\n")
                };
                Box::new(Counting(0, line, Vec::new()))
            },
            true,
        ),
    ];
    for (name, input, held_by_stats) in endless {
        // How far it comes before is no promise.
        out.push(format!("{name}: {}", read_with(input(), name, &options).unwrap_err().message));
        if held_by_stats {
            out.push(format!("{name}, stats: {}", stats::read(input(), name, &options).unwrap_err().message));
        }
    }
    assert_snapshot!(out.join("\n"));
}

const COBRA_WRITE: [u8; 25] = {
    let mut write = [0; 25];
    write[0] = b'W';
    write
};

#[test]
fn operations_that_wait_to_be_put_in_order_meet_the_memory_limit() {
    let options = Options { memory_bytes_max: 4 << 20, ..Options::default() };
    let table = b"process,f,start,end\n".chain(Again(b"0,read,5,9\n"));
    let error = read_with(table, "-", &options).unwrap_err().to_string();
    assert!(error.ends_with("takes more than 4 MiB of memory, the limit that is set"), "{error}");
}

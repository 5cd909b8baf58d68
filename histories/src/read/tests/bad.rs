//! Bad input: one clear error each, never a panic, a hang or memory without bounds.

use std::io::{self, Read};

use insta::assert_snapshot;

use super::formats::shown;
use crate::read::{Format, Options, read_with};

const HEADER: &str = "{\"partita\":1}\n";

fn answer(text: impl AsRef<[u8]>, name: &str) -> String {
    match read_with(text.as_ref(), name, &Options::default()) {
        Ok(history) => format!("{name}: read\n{}", shown(&history)),
        Err(error) => error.to_string(),
    }
}

fn ours(lines: &str) -> String {
    answer(format!("{HEADER}{lines}"), "ours")
}

fn edn(process: u32, kind: &str, rest: &str) -> String {
    format!("{{:process {process}, :type :{kind}, :f :write, :value 1{rest}}}\n")
}

#[test]
fn files_that_break_off_are_read_to_their_last_whole_event() {
    let events = [edn(0, "invoke", ""), edn(0, "ok", "")].concat();
    let cut = &events[..events.len() - 9];
    let json = "[{\"type\":\"invoke\",\"f\":\"read\",\"process\":0},\n {\"type\":\"ok\",\"f\":\"re";
    let answers = [
        answer(cut, "edn"),
        answer(format!("[{events}"), "vector"),
        answer(json, "json"),
        answer("INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok", "log"),
        answer("w(1,1,0,0)\nr(1,1,1,1)\nw(2,2,1", "plume"),
        answer("w 1 1\n=====\nr 1", "awdit"),
        answer("[[{\"events\":[{\"Write\":{\"variable\":0,\"version\":1}}]}],[{\"eve", "dbcop"),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn events_that_no_client_can_have_made_are_refused() {
    let [invoke, ok] = ["invoke", "ok"].map(|kind| edn(0, kind, ""));
    let at = |index: u32, time: u64| format!(", :index {index}, :time {time}");
    let answers = [
        answer(format!("{invoke}{invoke}"), "interleaved"),
        answer(format!("{ok}{invoke}"), "unpaired"),
        answer(format!("{invoke}{}", ok.replace("write", "read")), "other-function"),
        answer(edn(0, "invoke", &at(5, 1)) + &edn(0, "ok", &at(5, 2)), "duplicate-index"),
        answer(edn(0, "invoke", &at(5, 1)) + &edn(0, "ok", &at(4, 2)), "out-of-order"),
        answer(edn(0, "invoke", &at(0, 20_000_000_000)) + &edn(0, "ok", &at(1, 5)), "clock-back"),
        answer("w(1,1,0,7)\nw(1,2,0,8)\nw(1,3,0,7)\n", "interleaved-transaction"),
        answer("process,f,start,end\n0,read,9,5\n", "ends-before"),
        answer("process,f,start,end\n0,read,5,9\n0,read,7,12\n", "overlap"),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn text_that_is_none_is_refused_with_its_place() {
    let invoke =
        "{\"index\":0,\"time\":5,\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"key\":\"x\",\"value\":";
    let answers = [
        ours(&format!("{invoke}{}}}\n", "[".repeat(100_000))),
        ours(&format!("{invoke}1{}}}\n", "0".repeat(400))),
        ours("\0\0\0\n"),
        answer([HEADER.as_bytes(), invoke.as_bytes(), b"\"\xff\xfe\"}\n"].concat(), "ours"),
        answer("[".repeat(100_000), "brackets"),
        answer(format!("{{:a {}", "[".repeat(100_000)), "edn-brackets"),
        answer(format!("{{:a {}", "#_".repeat(100_000)), "edn-discards"),
        answer(format!("{{\"value\":{}", "{\"a\":".repeat(100_000)), "json-brackets"),
        answer(format!("[[{{\"events\":{}", "[".repeat(100_000)), "dbcop-brackets"),
        answer("{:type :invoke, :value 123456789012345678901234567890}", "edn-integer"),
        answer(format!("{{:type :invoke, :value {}}}", "9".repeat(1_000_000)), "edn-million-digits"),
        answer(b"{:type :invoke,\n :value \"a\xff\"}", "edn-utf8"),
        answer(b"{:type :invoke, :value \0}", "edn-nul"),
        answer("{:type :invoke :process 0}", "edn-no-function"),
        answer("{:type :started :process 0 :f :read}", "edn-type"),
        answer("{:type :invoke :process 0 :f :read} 7", "edn-rubbish"),
        answer("[{:type :invoke :process 0 :f :read}] {}", "edn-after"),
        answer("INFO  jepsen.util - 0\t:invoke\t:read\tnil\nrubbish\n", "log"),
        answer("w(1,99999999999999999999,0,0)\n", "plume-integer"),
        answer("w(1,1,0,0)\nx(1,1,0,0)\n", "plume"),
        answer("w 1 1\nr 1\n", "awdit"),
        answer("w 1 1\n\u{4ff}=", "awdit"),
        answer("[[{\"evts\":[]}]]", "dbcop"),
        answer("{\"params\":{\"\\a\":1},\"data\":[[{\"\\", "dbcop"),
        answer("process,type,f,value\n0,invoke,read\n", "csv-cells"),
        answer("process,type,f,value\n0,invoke,write,\"1\n", "csv-quote"),
        answer(b"S\0\0\0\0\0\0\0\x01WX", "cobra"),
        answer(b"S\0\0\0\0\0\0\0\x01C\0\0\0\0\0\0\0\x02", "cobra-commit"),
        answer(b"\x1f\x8b\x08\0rubbish that is no gzip at all", "gzip"),
        answer(b"\x28\xb5\x2f\xfdrubbish", "zstd"),
    ];
    assert_snapshot!(answers.join("\n"));
}

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
    assert_snapshot!(error, @"-:131074:1: the operations up to here take more than 4 MiB of memory, the limit that is set");
}

/// Rows that never end.
struct Rows;

impl Read for Rows {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let row = b"0,read,5,9\n";
        let whole = into.len() / row.len() * row.len();
        into[..whole].chunks_exact_mut(row.len()).for_each(|place| place.copy_from_slice(row));
        Ok(whole)
    }
}

#[test]
fn operations_that_wait_to_be_put_in_order_meet_the_memory_limit() {
    let options = Options { memory_bytes_max: 4 << 20, ..Options::default() };
    let table = b"process,f,start,end\n".chain(Rows);
    let error = read_with(table, "-", &options).unwrap_err().to_string();
    assert!(error.ends_with("take more than 4 MiB of memory, the limit that is set"), "{error}");
}

#[test]
fn every_prefix_of_every_format_is_read_or_refused() {
    let texts: [&[u8]; 7] = [
        b"[{:process 0, :type :invoke, :f :cas, :value [1 {:a #{2}}]} #x{:type :ok, :process 0 :f :cas}]",
        b"{\"type\":\"invoke\",\"f\":\"read\",\"value\":[\"a\\n\",1.5,{\"b\":null}]}",
        b"INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\n",
        b"w(1,5,0,0)\nr(2,0,0,0)\n",
        b"r 0 2\n-----\nw 1 1\n=====\n",
        b"{\"data\":[[{\"events\":[{\"write\":true,\"variable\":0,\"value\":1}],\"success\":true}]],\"x\":1}",
        b"process,f,start,end,value\n0,write,1,2,\"a,b\"\n",
    ];
    for text in texts {
        for length in 0..text.len() {
            for byte in [None, Some(0xff), Some(b'"'), Some(b'['), Some(b'\n')] {
                let mut cut = text[..length].to_vec();
                cut.extend(byte);
                // Whatever comes out, it comes out.
                for format in Format::ALL.iter().copied().map(Some).chain([None]) {
                    let options = Options { format, ..Options::default() };
                    if let Ok(history) = read_with(&*cut, "h", &options) {
                        assert!(history.event_count() <= 4);
                    }
                }
            }
        }
    }
}

//! Bad input: one clear error each, never a panic, a hang or memory without bounds.

use std::io::Write;

use insta::assert_snapshot;

use super::formats::shown;
use crate::read::{Format, Options, read_with};

pub(super) const HEADER: &str = "{\"partita\":1}\n";

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
        ours(&ours_event(0, 5, "invoke").repeat(2)),
        ours(&(ours_event(0, 5, "invoke") + &ours_event(2, 6, "ok"))),
        ours(&(ours_event(0, 5, "invoke") + &ours_event(1, 4, "ok"))),
        ours(&(ours_event(0, 5, "invoke") + &ours_event(1, 6, "invoke"))),
        ours(&ours_event(0, 5, "ok")),
    ];
    assert_snapshot!(answers.join("\n"));
}

fn ours_event(index: u32, time: u64, kind: &str) -> String {
    format!("{{\"index\":{index},\"time\":{time},\"process\":3,\"type\":\"{kind}\",\"f\":\"read\"}}\n")
}

#[test]
fn a_transaction_is_answered_as_it_was_asked() {
    let ours = |asked: &str, kind: &str, answered: &str| {
        let event = |index: u32, kind: &str, value: &str| {
            let head = format!("{{\"index\":{index},\"time\":{index},\"process\":0,\"type\":\"{kind}\"");
            format!("{head},\"f\":\"txn\",\"value\":{value}}}\n")
        };
        ours(&(event(0, "invoke", asked) + &event(1, kind, answered)))
    };
    let asked = r#"[["r","x",null],["w","y",1]]"#;
    let answers = [
        ours(asked, "ok", r#"[["r","x",5],["w","y",1]]"#),
        ours(asked, "ok", r#"[["r","x",5]]"#),
        ours(asked, "ok", r#"[["r","x",5],["w","y",1],["w","y",2]]"#),
        ours(asked, "ok", r#"[["r","z",5],["w","y",1]]"#),
        ours(asked, "ok", r#"[["r","x",5],["append","y",1]]"#),
        ours(asked, "ok", r#"[["r","x",5],["w","y",2]]"#),
        ours(asked, "fail", r#"[["w","y",1]]"#),
        ours(asked, "info", "null"),
        answer(
            "{:process 0 :type :invoke :f :txn :value [[:r 1 nil]]}\n{:process 0 :type :ok :f :txn :value [[:r 2 3]]}",
            "edn",
        ),
        answer(
            "{:process 0 :type :invoke :f :txn :value [[:r 1 nil]]}\n{:process 0 :type :info :f :txn :value [:gone]}",
            "edn-info",
        ),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn what_a_terminal_would_obey_is_shown_in_messages() {
    let answers = [
        ours(&ours_event(0, 5, "ok").replace("read", "\\u001b[2Jread\\r")),
        ours(&ours_event(0, 5, "\\u001b[31mok")),
        answer(format!("{}\n", "x".repeat(3)), "a\u{1b}[1mb"),
        answer("{:process 0 :type :ok :f :\u{9b}read}", "edn"),
        answer("process,type,f,value\n0,\u{1b}c,read,\n", "csv"),
    ];
    for answer in &answers {
        assert!(!answer.chars().any(|character| character != '\n' && character.is_control()), "{answer:?}");
    }
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
        answer(b"\xff\xfew\0(\x001\0", "utf-16"),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn every_format_refuses_bytes_and_numbers_that_are_none() {
    let gigantic = "123456789012345678901234567890";
    let log = "INFO  jepsen.util - 0\t:invoke\t:write\t";
    let heads: [(&str, &str, &str); 7] = [
        ("json", "[{\"type\":\"invoke\",\"process\":0,\"f\":\"write\",\"value\":", "}]"),
        ("log", log, "\n"),
        ("plume", "w(1,1,0,0)\nw(1,", ",0,1)\n"),
        ("plume-session", "w(1,1,0,0)\nw(1,2,", ",1)\n"),
        ("dbcop", "[[{\"events\":[{\"Write\":{\"variable\":0,\"version\":", "}}]}]]"),
        ("awdit", "w 1 1\nw 1 ", "\n"),
        ("csv", "process,type,f,value\n0,invoke,write,", "\n"),
    ];
    let mut answers = Vec::new();
    for (name, head, end) in heads {
        for (what, bytes) in [("integer", gigantic.as_bytes()), ("utf8", b"\xff\xfe"), ("nul", b"\0")] {
            answers
                .push(answer([head.as_bytes(), bytes, end.as_bytes()].concat(), &format!("{name}-{what}")));
        }
    }
    let brackets = "[".repeat(100_000);
    answers.push(answer(format!("{log}{brackets}\n"), "log-brackets"));
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn compressed_files_that_break_off_say_so() {
    let lines = (0..2_000).map(|i| format!("w({i},{},0,{i})\n", i * 7919));
    let text = lines.collect::<Vec<_>>().concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let (gzip, zstd) = (gzip.finish().unwrap(), zstd::encode_all(text.as_bytes(), 3).unwrap());
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let message = |bytes: &[u8], name: &str| {
        let error = read_with(bytes, name, &Options::default()).unwrap_err();
        // How much comes out before the end is the library's affair.
        format!("{name}: {}", error.message)
    };
    let answers = [
        message(&cut(&gzip), "gzip"),
        message(&cut(&zstd), "zstd"),
        message(&gzip[..3], "gzip-head"),
        message(&zstd[..5], "zstd-head"),
        message(&[&gzip[..], b"\x1f\x8b\x08rubbish"].concat(), "gzip-second"),
    ];
    assert_snapshot!(answers.join("\n"));
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

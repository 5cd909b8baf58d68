//! Bad input: one clear error each, never a panic, a hang or memory without bounds.

use std::io::Write;

use insta::assert_snapshot;

use super::formats::shown;
use crate::Order;
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
        answer(
            edn(0, "invoke", &at(0, 1)) + &edn(0, "ok", &at(1, 9)) + &edn(0, "invoke", &at(2, 8)),
            "client-back",
        ),
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
fn names_that_are_not_known_and_values_that_are_missing_are_refused() {
    let ours = |fields: &str| {
        ours(&format!(
            "{{\"index\":0,\"time\":1,\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"key\":\"x\"{fields}}}\n"
        ))
    };
    let answers = [
        answer("{\"partita\":1,\"demand\":[\"linearizable\"]}\n", "header"),
        answer("; partita {\"header\":{\"partita\":1,\"modes\":\"x\"}}\n", "comment"),
        ours(",\"vaule\":1"),
        ours(",\"value\":null,\"input\":1"),
        ours(""),
        answer(
            format!("{HEADER}{{\"index\":0,\"time\":1,\"process\":0,\"kind\":\"invoke\",\"f\":\"read\"}}\n"),
            "ours-kind",
        ),
        answer(
            "{\"partita\":1}\n{\"index\":0,\"time\":1,\"client\":0,\"type\":\"invoke\",\"f\":\"read\"}\n",
            "ours-client",
        ),
        answer("{:process 0 :type :invoke :f :write :val 1}", "edn"),
        answer("{:process 0 :type :invoke :f :cas}", "edn-cas"),
        answer("{:process 0 :type :invoke :f :add :value nil}", "edn-nil"),
        answer("[{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"argument\":1}]", "json"),
        answer("client,op,begin,end,key,val\n1,write,1,2,x,1\n", "csv-val"),
        answer(
            "op_id,client_id,operation,key,value,start_ns,end_ns,result\n1,0,put,x,a,0,10,ok\n",
            "csv-client",
        ),
        answer("client,op,begin,end,key,value,reply,result_status\n1,write,1,2,x,1,,failed\n", "csv-status"),
        answer("client,op,begin,end,key,value,returned\n1,write,1,2,x,1,\n", "csv-returned"),
        answer("client,op,begin,key,value\n1,write,1,x,1\n", "csv-end"),
        answer("client,session,op,begin,end\n1,1,read,1,2\n", "csv-twice"),
        answer("process,type,f,value\n0,invoke,write,\n", "csv-no-value"),
        answer("process,f,begin,end,value\n0,write,1,2,\n", "csv-no-value"),
        answer("process,f,begin,end,value\n0,write,1,2.5,1\n", "csv-seconds"),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn an_answer_that_names_another_value_is_refused_in_our_own_format() {
    let ours = |f: &str, asked: &str, answered: &str| {
        let event = |index: u32, kind: &str, value: &str| {
            let head = format!("{{\"index\":{index},\"time\":{index},\"process\":0,\"type\":\"{kind}\"");
            format!("{head},\"f\":\"{f}\",\"value\":{value}}}\n")
        };
        ours(&(event(0, "invoke", asked) + &event(1, "ok", answered)))
    };
    let other = "{:process 0 :type :invoke :f :write :value 1}\n{:process 0 :type :ok :f :write :value 2}\n";
    let warned = read_with(other.repeat(3).as_bytes(), "edn", &Options::default()).unwrap();
    let answers = [
        ours("write", "1", "2"),
        ours("cas", "[1,2]", "[1,3]"),
        ours("cas", "[1,2]", "true"),
        ours("add", "1", "null"),
        ours("increment", "1", "7"),
        answer(other, "edn"),
        warned.warnings().iter().map(ToString::to_string).collect(),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn what_is_no_history_but_known_is_told_for_what_it_is() {
    let answers = [
        answer("{:perf {:latency-graph {:valid? true}}, :valid? false}", "results.edn"),
        answer("{\"valid?\":true,\"count\":3}", "results.json"),
        answer(b"JEPSEN\0\0\0\x01\0\0\0\0\xff\xee", "test.jepsen"),
        answer("INFO [2026-02-03 10:11:12,345] main - jepsen.core Running test\n", "log"),
        answer(
            "INFO [2026-02-03 10:11:12,345] jepsen worker 0 - jepsen.util 0\t:ok\t:read\t3\t4\n",
            "log-more",
        ),
        answer("0\t:invoke\t:read\tnil\nINFO nothing\nrubbish\n", "history.txt"),
    ];
    assert_snapshot!(answers.join("\n"));
}

#[test]
fn options_that_a_format_has_no_use_for_are_refused() {
    let asked = |text: &str, name: &str, options: Options| match read_with(text.as_bytes(), name, &options) {
        Ok(history) => format!("{name}: read\n{}", shown(&history)),
        Err(error) => error.to_string(),
    };
    let order = |order| Options { order: Some(order), ..Options::default() };
    let independent = || Options { independent: true, ..Options::default() };
    let columns = |name: &str, column: &str| Options {
        columns: vec![(name.to_owned(), column.to_owned())],
        ..Options::default()
    };
    let event = "{:process 0 :type :invoke :f :read :value nil}\n";
    let answers = [
        asked(
            "INFO [2026-02-03 10:11:12,345] main - jepsen.core Running test\n",
            "log",
            Options { format: Some(Format::JepsenLog), ..Options::default() },
        ),
        asked("w(1,1,0,0)\n", "plume", order(Order::Place)),
        asked("w 1 1\n", "awdit", order(Order::Time)),
        asked("w(1,1,0,0)\n", "plume", independent()),
        asked(HEADER, "ours", independent()),
        asked("process,f,begin,end\n0,read,1,2\n", "csv", order(Order::Place)),
        asked(event, "edn", order(Order::Time)),
        asked("INFO  jepsen.util - 0\t:invoke\t:read\tnil\n", "log", order(Order::Time)),
        asked(event, "edn", independent()),
        asked("INFO  jepsen.util - 0\t:invoke\t:write\t3\n", "log", independent()),
        asked("process,type,f,value\n0,invoke,cas,\"[1,2]\"\n", "csv", independent()),
        asked(event, "edn", columns("a", "key")),
        asked("a,f,begin,end\n0,read,1,2\n", "csv", columns("b", "process")),
        asked("a,f,begin,end\n0,read,1,2\n", "csv", columns("a", "proces")),
        asked("a,f,begin,end\n0,read,1,2\n", "csv", columns("a", "process")),
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
    let texts: [&[u8]; 11] = [
        b"[{:process 0, :type :invoke, :f :cas, :value [1 {:a #{2}}]} #x{:type :ok, :process 0 :f :cas}]",
        b"{\"type\":\"invoke\",\"f\":\"read\",\"value\":[\"a\\n\",1.5,{\"b\":null}]}",
        b"INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\n",
        b"w(1,5,0,0)\nr(2,0,0,0)\n",
        b"r 0 2\n-----\nw 1 1\n=====\n",
        b"{\"data\":[[{\"events\":[{\"write\":true,\"variable\":0,\"value\":1}],\"success\":true}]],\"x\":1}",
        b"process,f,start,end,value\n0,write,1,2,\"a,b\"\n",
        b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
          \x04\0\0\0\0\0\0\x002026\x04\0\0\0\0\0\0\x002026\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\
          \x07\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x01\x01",
        b"[{\"tid\":1,\"sid\":\"a\",\"cts\":{\"p\":\"2\",\"l\":0},\"ops\":[{\"t\":\"r\",\"k\":1,\"v\":[2]}]}]",
        b"{\"value\":[[\"w\",1,2,true],[\"range\",1,2,[{\"id\":1,\"val\":2}],[],false]]}\n",
        b"{\"ClientId\":0,\"Input\":{\"Type\":\"range\",\"Range\":{\"Start\":\"a\"}},\"Call\":1,\"Output\":{\"Range\":{\"KVs\":[{\"Key\":\"a\"}]}},\"Return\":2}\n",
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

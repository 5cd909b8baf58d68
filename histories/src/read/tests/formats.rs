//! What each format of other tools becomes.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::read::{Format, Options, read_with};
use crate::{Function, History, Order};

fn history(text: &[u8], options: &Options) -> History {
    read_with(text, "h", options).unwrap_or_else(|error| panic!("{error}"))
}

/// Every operation on a line.
pub(super) fn shown(history: &History) -> String {
    let mut out = String::new();
    for (id, op) in history.iter() {
        let key = op.key.map_or("-", |key| history.key(key).as_str());
        let at = |event: u32| history.line(event).map_or("-".into(), |line| line.to_string());
        let (call, reply, end) =
            (op.call(), op.reply(), if op.has_completion() { op.completed.0 } else { 0 });
        write!(out, "{} {} {key} {call} -> {} {reply}", op.process, op.function, op.outcome.name()).unwrap();
        write!(out, " [{}..{end}] lines {}-{}", op.invoked.0, at(op.call_event), at(op.reply_event)).unwrap();
        if let Some(node) = op.node {
            write!(out, " at {}", history.node_name(node)).unwrap();
        }
        writeln!(out, "{}", history.error(id).map_or(String::new(), |error| format!(" error {error}")))
            .unwrap();
    }
    for event in history.nemesis() {
        writeln!(out, "nemesis {} {} [{}]", event.op.function, event.op.value, event.time.0).unwrap();
    }
    if let Some(place) = history.cut_off() {
        writeln!(out, "{place}").unwrap();
    }
    out
}

fn read(text: impl AsRef<[u8]>) -> String {
    shown(&history(text.as_ref(), &Options::default()))
}

#[test]
fn edn_in_any_shape() {
    let lines = "; a comment
{:process 0, :type :invoke, :f :write, :value 3, :time 5}
{:time 9 :value nil :f :read :type :invoke :process :alice :node \"n2\"}
#jepsen.history.Op{:index 2 :process :nemesis :type :info :f :kill :value {:nodes #{\"n2\" \"n1\"} :after 0.5} :time 9}
{\"type\" :ok, \"process\" 0, :f :write, :value 3, :time 7, :extra {:deep [1 2 99999999999999999999]}}
{:process :alice, :type :fail, :f :read, :value :timed-out :time 30}
{:process 0, :type :invoke, :f :cas, :value [3 4], :time 31} {:process 0, :type :info, :f :cas, :value [3 4], :time 40, :error [:timeout \"s\"]}
";
    let vector =
        "[{:index 1 :type :invoke, :value [[:r 1 nil]]}\n {:index 4 :type :ok, :value [[:r 1 [2 3]]]}]";
    let list = "({:type :invoke, :f :get, :key \"a\", :process 1}, {:type :ok, :f :get, :key \"a\", :value \"\", :process 1})";
    assert_snapshot!(format!("{}\n{}\n{}", read(lines), read(vector), read(list)));
}

#[test]
fn independent_keys_behind_a_flag_or_by_their_tag() {
    let text = "{:process 0, :type :invoke, :f :cas, :value [7 [1 2]]}\n{:process 0, :type :ok, :f :cas, :value [7 [1 2]]}\n";
    let tagged = "{:process 0 :type :invoke :f :read :value #jepsen.independent/tuple [:k nil]}\n";
    let independent = Options { independent: true, ..Options::default() };
    let shown = [history(text.as_bytes(), &independent), history(text.as_bytes(), &Options::default())];
    assert_snapshot!(format!("{}\n{}\n{}", shown_all(&shown), read(tagged), ""));
}

fn shown_all(histories: &[History]) -> String {
    histories.iter().map(shown).collect::<Vec<_>>().join("\n")
}

#[test]
fn json_of_elle_and_a_log_of_jepsen() {
    let json = r#"[{"type":"invoke","f":"txn","value":[["w","x",2],["append","y",1]],"process":0,"index":1},
 {"type":"ok","f":"txn","value":[["w","x",2],["append","y",1]],"process":0,"index":2}]"#;
    let lines = "{\"type\":\"invoke\",\"f\":\"read\",\"process\":\"p\\u0031\",\"time\":3}\n{\"type\":\"ok\",\"f\":\"read\",\"process\":\"p1\",\"value\":{\"0\":10},\"time\":4}\n";
    let log = "INFO  jepsen.core - Running test
INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]
2015-01-02 10:00:00 INFO  jepsen.util - 1    :invoke  :read   nil
INFO  jepsen.util - :nemesis\t:info\t:start\t\"cut\"
INFO  jepsen.util - 0\t:info\t:cas\t:timed-out
INFO  jepsen.util - 1\t:ok\t:read\t3
";
    assert_snapshot!(format!("{}\n{}\n{}", read(json), read(lines), read(log)));
}

#[test]
fn transactions_in_sessions() {
    let plume =
        "w(1,5,0,0)\nr(2,0,0,0)\nw(2,7,1,1)\nr(1,5,0,2)\nr(2,0,1,3)\nr(3,0,1,3)\nw(9,9,0,-1)\nw(1,6,0,2)\n";
    let awdit = "=====\nr 0 2\nw 1 1\n-----\nr 1 0\n=====\n-----\nw 0 2\n";
    let old = r#"{"params":{"id":0,"n_node":1},"info":"x","data":[
        [{"events":[{"write":true,"variable":0,"value":1,"success":true},{"write":false,"variable":1,"value":0,"success":true}],"success":true}],
        [{"events":[{"write":true,"variable":0,"value":2,"success":true}],"success":false}, {"events":[{"write":false,"variable":0,"value":3,"success":false}],"success":true}]
      ],"end":"y"}"#;
    let new = r#"[[{"events":[{"Write":{"variable":0,"version":1}},{"Read":{"variable":1,"version":null}}],"committed":true}],[]]"#;
    let number = |number: i64| number.to_be_bytes().to_vec();
    let cobra = [
        vec![b'S'],
        number(1),
        vec![b'W'],
        number(11),
        number(-7),
        number(0),
        vec![b'C'],
        number(1),
        vec![b'S'],
        number(2),
        vec![b'R'],
        number(1),
        number(11),
        number(-7),
        number(0),
        vec![b'R'],
        number(0),
        number(0xbebe_ebee),
        number(8),
        number(0),
        vec![b'C'],
        number(2),
        vec![b'S'],
        number(3),
        vec![b'W'],
        number(12),
        number(8),
        number(0),
        vec![b'W', 1],
    ]
    .concat();
    let all = [read(plume), read(awdit), read(old), read(new), read(cobra)];
    assert_snapshot!(all.join("\n"));
}

#[test]
fn tables_of_events_and_of_operations() {
    let events = "index,time,process,type,f,key,value\n0,5,0,invoke,write,x,1\n1,6,a,invoke,read,x,\n2,9,0,ok,write,x,1\n3,9,a,ok,read,x,\"[1,\"\"b\"\"]\"\n";
    let operations = "client;op;key;input;output;start;end;outcome\n0;write;x;1;;0;5;ok\n0;read;x;;1;5;5;\n1;read;x;;;5;9;info\n1;write;x;2;;20;;\n0;write;x;3;;5;6;fail\n";
    assert_snapshot!(format!("{}\n{}", read(events), read(operations)));
}

#[test]
fn compressed_files_are_read_as_they_are() {
    let text = "{:process 0, :type :invoke, :f :read, :value nil}\n";
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(read(zstd), read(text));
}

#[test]
fn a_byte_order_mark_says_nothing() {
    for text in [
        "{\"partita\":1}\n{\"index\":0,\"time\":5,\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n",
        "{:process 0, :type :invoke, :f :read, :value nil}\n",
        "; partita {\"header\":{\"partita\":1}}\n{:process 0, :type :invoke, :f :read, :value nil}\n",
        "[{\"type\":\"invoke\",\"f\":\"read\",\"process\":0}]",
        "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n",
        "w(1,5,0,0)\n",
        "w 1 2\n",
        "[[{\"events\":[{\"Write\":{\"variable\":0,\"version\":1}}]}]]",
        "process,f,start,end\n0,read,5,9\n",
    ] {
        assert_eq!(read(format!("\u{feff}{text}")), read(text), "{text}");
    }
    let wrong = read_with("\u{feff}w(1,5,0,0) x\n".as_bytes(), "plume", &Options::default());
    assert_eq!((wrong.as_ref().unwrap_err().line, wrong.unwrap_err().column), (1, 10));
}

#[test]
fn a_format_can_be_forced_and_times_be_dropped() {
    let text = "\n{\"type\":\"invoke\",\"f\":\"read\",\"process\":0,\"time\":99}\n";
    let options = Options { format: Some(Format::Json), order: Some(Order::Place), ..Options::default() };
    let history = history(text.as_bytes(), &options);
    assert_eq!((history.operations()[0].invoked.0, &history.operations()[0].function), (0, &Function::Read));
}

#[test]
fn a_folder_of_cobras_logs_is_a_history() {
    let folder = tempfile::tempdir().unwrap();
    let log = |id: u8| [vec![b'S', 0, 0, 0, 0, 0, 0, 0, id], vec![b'C', 0, 0, 0, 0, 0, 0, 0, id]].concat();
    std::fs::write(folder.path().join("T1.log"), log(1)).unwrap();
    std::fs::write(folder.path().join("T2.log"), log(2)).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    let history = crate::read::file(folder.path()).unwrap();
    assert_eq!(history.operations().iter().map(|op| op.process).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn logs_of_every_age_and_their_bare_form() {
    let log = "INFO [2026-02-03 10:11:12,345] jepsen worker 0 - jepsen.util 0\t:invoke\t:write\t3
WARN [2026-02-03 10:11:12,350] main - jepsen.db waiting
INFO [2026-02-03 10:11:12,355] jepsen worker 0 - jepsen.util 0\t:info\t:write\t3\t:timeout
INFO [2026-02-03 10:11:12,365] jepsen worker 1 - jepsen.util 1\t:invoke\t:read\tnil
INFO [2026-02-03 10:11:12,375] jepsen worker 1 - jepsen.util 1\t:fail\t:read\tnil\t[:no \"leader\"]
";
    let bare = "0\t:invoke\t:write\t1\n:nemesis\t:info\t:start\t\"cut\"\n0\t:ok\t:write\t1\n";
    assert_snapshot!(format!("{}\n{}", read(log), read(bare)));
}

#[test]
fn tables_in_seconds_with_zeros_and_replies() {
    let seconds = "process,op,key,value,reply,start,end,status\n01,write,x,01,true,0.001,0.0025,ok\n1,read,x,,1,0.002,1.0,ok\n";
    let events = "process,type,f,key,input,output,time\n0,invoke,write,x,1,,1\n0,ok,write,x,,1,2\n1,invoke,read,x,,,3\n1,ok,read,x,,1,4\n";
    assert_snapshot!(format!("{}\n{}", read(seconds), read(events)));
}

#[test]
fn micro_operations_in_full_are_the_short_ones() {
    let full = "{:process 0 :type :invoke :f :txn :value [[:write 5 1] [:read 8 nil]]}\n{:process 0 :type :ok :f :txn :value [[:write 5 1] [:read 8 40]]}";
    let short = full.replace(":write", ":w").replace(":read", ":r");
    assert_eq!(read(full), read(short));
    let adds = "{:process 0 :type :invoke :f :broadcast :value 1}";
    assert_eq!(history(adds.as_bytes(), &Options::default()).operations()[0].function, Function::Add);
}

#[test]
fn of_a_folder_of_jepsens_the_history_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("results.edn"), "{:valid? true}").unwrap();
    std::fs::write(folder.path().join("history.txt"), "0\t:invoke\t:read\tnil\n").unwrap();
    assert_eq!(crate::read::file(folder.path()).unwrap().operations().len(), 1);
    std::fs::write(folder.path().join("history.edn"), "[]").unwrap();
    assert_eq!(crate::read::file(folder.path()).unwrap().operations().len(), 0);
}

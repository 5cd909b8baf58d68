//! Histories of the checkers of transactions, and of etcd: what is made of them, and what is refused with which words.

use std::fs;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::formats::shown;
use crate::read::{Format, Options, file, file_with, read, read_with};
use crate::{History, Order, Outcome};

fn text_of(text: &str) -> String {
    read(text.as_bytes(), "h").map_or_else(|error| error.to_string(), |history| told(&history))
}

/// What a history says, with the warnings that came of it.
fn told(history: &History) -> String {
    let warnings = history.warnings().iter().map(|warning| format!("{warning}\n"));
    shown(history) + &warnings.collect::<String>()
}

/// An event: whether it writes, variable, value, whether it succeeded.
type Event = (bool, u64, u64, bool);

/// Sessions of transactions, each its events and whether it committed.
type Sessions = Vec<Vec<(Vec<Event>, bool)>>;

/// dbcop's binary form.
fn bincode(sessions: &Sessions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let number = |bytes: &mut Vec<u8>, number: u64| bytes.extend(number.to_le_bytes());
    for parameter in [3, 2, 4, 1, 2] {
        number(&mut bytes, parameter);
    }
    for text in ["made up", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00"] {
        number(&mut bytes, text.len() as u64);
        bytes.extend(text.as_bytes());
    }
    number(&mut bytes, sessions.len() as u64);
    for session in sessions {
        number(&mut bytes, session.len() as u64);
        for (events, committed) in session {
            number(&mut bytes, events.len() as u64);
            for (write, variable, value, success) in events {
                bytes.push(u8::from(*write));
                number(&mut bytes, *variable);
                number(&mut bytes, *value);
                bytes.push(u8::from(*success));
            }
            bytes.push(u8::from(*committed));
        }
    }
    bytes
}

/// The same in dbcop's JSON.
fn json(sessions: &Sessions) -> String {
    let event = |(write, variable, value, success): &Event| {
        format!("{{\"write\":{write},\"variable\":{variable},\"value\":{value},\"success\":{success}}}")
    };
    let transaction = |(events, committed): &(Vec<Event>, bool)| {
        let events: Vec<String> = events.iter().map(event).collect();
        format!("{{\"events\":[{}],\"success\":{committed}}}", events.join(","))
    };
    let session = |session: &Vec<(Vec<Event>, bool)>| {
        format!("[{}]", session.iter().map(transaction).collect::<Vec<_>>().join(","))
    };
    format!("{{\"params\":{{}},\"data\":[{}]}}", sessions.iter().map(session).collect::<Vec<_>>().join(","))
}

/// What operations say, wherever they stood.
fn said(history: &History) -> Vec<(u32, String, String, Outcome)> {
    let operations = history.operations().iter();
    operations.map(|op| (op.process, op.call().to_string(), op.reply().to_string(), op.outcome)).collect()
}

proptest! {
    #[test]
    fn both_forms_of_dbcop_say_the_same(
        sessions in proptest::collection::vec(
            proptest::collection::vec(
                (proptest::collection::vec((any::<bool>(), 0_u64..4, 0_u64..9, any::<bool>()), 0..4), any::<bool>()),
                0..4,
            ),
            1..4,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = bincode(&sessions);
        let binary = read(&bytes[..], "h").unwrap();
        prop_assert_eq!(binary.format(), Some(Format::Dbcop));
        let text = read(json(&sessions).as_bytes(), "h").unwrap();
        prop_assert_eq!(said(&binary), said(&text));
        let options = Options { format: Some(Format::Dbcop), ..Options::default() };
        let cut = cut.index(bytes.len());
        if cut > 120 {
            let error = read_with(&bytes[..cut], "h", &options).unwrap_err().to_string();
            prop_assert!(error.contains("the file ends here, before"), "{}", error);
        }
    }
}

#[test]
fn numbers_of_dbcop_beyond_63_bits_stay_apart() {
    let sessions = vec![vec![(vec![(true, u64::MAX, u64::MAX - 1, true), (false, 1, 1 << 63, true)], true)]];
    let history = read(&bincode(&sessions)[..], "h").unwrap();
    assert_eq!(history.operations()[0].reply().to_string(), r#"[["w" -1 -2] ["r" 1 -9223372036854775808]]"#);
}

#[test]
fn a_broken_file_of_dbcop_is_refused_with_the_byte() {
    let sessions = vec![vec![(vec![(true, 7, 1, true)], true)]];
    let whole = bincode(&sessions);
    let mut errors = Vec::new();
    let mut refused = |bytes: &[u8]| errors.push(read(bytes, "h").unwrap_err().to_string());
    let mut odd = whole.clone();
    let last = odd.len() - 1;
    odd[last] = 2;
    refused(&odd);
    refused(&[&whole[..], b"more"].concat());
    refused(&whole[..whole.len() - 3]);
    let mut many = whole.clone();
    let count = whole.len() - 8 - 19;
    many[count..count + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    refused(&many);
    assert_snapshot!(errors.join("\n"));
}

#[test]
fn timekiller_on_registers_and_on_lists() {
    let registers = r#"[{"tid":1,"sid":1,"sts":{"p":10,"l":0},"cts":{"p":20,"l":0},
  "ops":[{"t":"w","k":7,"v":2},{"t":"R","k":8,"v":null},{"t":"read","k":9}]},
 {"cts":{"l":1,"p":"30"},"ops":[{"k":7,"t":"r","v":0},{"k":8,"t":"WRITE","v":5}],"sid":"s","sts":{"l":0,"p":"25"},"tid":"b"}
]"#;
    let lists = r#"[ {"tid":1,"sid":4,"sts":{"p":1,"l":0},"cts":{"p":2,"l":0},"ops":[{"t":"a","k":3,"v":1},{"t":"r","k":3,"v":[1]}]},
{"tid":2,"sid":4,"sts":{"p":3,"l":0},"cts":{"p":4,"l":0},"ops":[{"t":"r","k":6,"v":[]},{"t":"append","k":"x","v":2}]}]"#;
    let history = read(registers.as_bytes(), "h").unwrap();
    let (id, _) = history.iter().nth(1).unwrap();
    assert_eq!((history.format(), history.hints(id).version), (Some(Format::TimeKiller), Some(30)));
    assert!(!history.has_real_time(), "the times are the database's");
    let cut = &lists[..lists.len() - 20];
    assert_snapshot!([registers, lists, cut].map(text_of).join("\n"));
}

#[test]
fn timekiller_refuses_what_it_cannot_understand() {
    let with = |fields: &str| text_of(&format!("[{{\"tid\":1,{fields}}}]"));
    let errors = [
        with(r#""sid":1"#),
        with(r#""ops":[]"#),
        with(r#""sid":1,"ops":[],"cts":5"#),
        with(r#""sid":1,"ops":[],"cts":{"p":1}"#),
        with(r#""sid":1,"ops":[],"commit":5"#),
        with(r#""sid":1,"ops":[{"t":"x","k":1,"v":2}]"#),
        with(r#""sid":1,"ops":[{"t":"a","k":1}]"#),
        with(r#""sid":1,"ops":[{"t":"w","v":1}]"#),
        text_of(r#"[{"tid":1,"sid":1,"ops":[]},5]"#),
        text_of(r#"[{"tid":1,"sid":1,"ops":[]}] []"#),
    ];
    assert_snapshot!(errors.join("\n"));
}

#[test]
fn viper_in_one_file_and_in_a_folder() {
    let first =
        "{\"value\":[[\"w\",1,0,true],[\"w\",2,5,false]]}\n{\"value\":[[\"d\",1,8,0,false,true,true]]}\n";
    let second = "{:type :invoke, :f :txn, :value [[:r 1 nil]]}
{:type :ok, :f :txn, :value [[:r 1 8 true] [:i 3 9 nil true true]]}
{:type :ok, :f :txn, :value [[:range 1 9 [{:id 3, :val 9}] [{:id 1, :val 8}] false]]}
{:type :fail, :f :txn, :value [[:append 4 1]]}\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("J3.log"), first).unwrap();
    fs::write(folder.path().join("J4.log"), second).unwrap();
    fs::write(folder.path().join("J5.log"), "").unwrap();
    let history = file(folder.path()).unwrap();
    assert_eq!(history.format(), Some(Format::Viper));
    let one = text_of(&first[..first.len() - 9]);
    assert_snapshot!(format!("{}\n{one}", told(&history)));
    fs::write(folder.path().join("J5.log"), "{\"value\":[[\"x\",1,2]]}\n").unwrap();
    let error = file(folder.path()).unwrap_err().to_string();
    assert!(error.contains("J5.log:1:1: expected a micro-operation such as"), "{error}");
    fs::write(folder.path().join("J5.log"), "[]\n").unwrap();
    let options = Options { format: Some(Format::Viper), ..Options::default() };
    let error = file_with(folder.path(), &options).unwrap_err().to_string();
    assert!(error.contains("J5.log:1:1: expected a transaction such as"), "{error}");
}

const ETCD: &str = r#"{"ClientId":0,"Input":{"Type":"txn","Txn":{"Conditions":null,"OperationsOnSuccess":[{"Type":"put-operation","Key":"a","Value":{"Value":"1"}}]}},"Call":100,"Output":{"Txn":{"Failure":false,"Results":[{}]},"Revision":2},"Return":200}
{"ClientId":1,"Input":{"Type":"txn","Txn":{"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"b","Value":{"Hash":77},"LeaseID":5},"Range":{"Start":""}},{"Type":"delete-operation","Delete":{"Key":"a"}}]}},"Call":120,"Output":{"Error":"timed out"},"Return":260}
{"ClientId":2,"Input":{"Type":"range","Range":{"Start":"a","End":"","Limit":0,"Revision":0}},"Call":150,"Output":{"Range":{"KVs":null,"Count":0},"Revision":2},"Return":170}
{"ClientId":2,"Input":{"Type":"range","Range":{"Start":"a","End":"c"}},"Call":300,"Output":{"Range":{"KVs":[{"Key":"b","Value":{"Hash":77}}],"Count":1},"Revision":3},"Return":310}
{"ClientId":2,"Input":{"Type":"range","Range":{"Start":"a","Revision":1}},"Call":320,"Output":{"Range":{"KVs":[]},"Revision":3},"Return":330}
{"ClientId":3,"Input":{"Type":"txn","Txn":{"Conditions":[{"Key":"c","ExpectedRevision":0}],"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"c","Value":{"Value":"3"}}}],"OperationsOnFailure":[{"Type":"range-operation","Range":{"Start":"c"}}]}},"Call":400,"Output":{"Txn":{"Failure":false,"Results":[{}]},"Revision":4},"Return":410}
{"ClientId":3,"Input":{"Type":"txn","Txn":{"Conditions":[{"Key":"c","ExpectedRevision":0}],"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"c","Value":{"Value":"4"}}}],"OperationsOnFailure":[{"Type":"range-operation","Range":{"Start":"c"}}]}},"Call":420,"Output":{"Txn":{"Failure":true,"Results":[{"KVs":[{"Key":"c","Value":{"Value":"3"}}]}]},"Revision":4},"Return":430}
{"ClientId":4,"Input":{"Type":"leaseRevoke","LeaseRevoke":{"LeaseID":5}},"Call":500,"Output":{"LeaseRevoke":{},"Revision":5},"Return":510}
{"ClientId":4,"Input":{"Type":"compact","Compact":{"Revision":2}},"Call":520,"Output":{"Compact":{},"Revision":-1},"Return":530}
"#;

#[test]
fn etcd_in_one_file_and_in_the_folder_of_a_run() {
    let history = read(ETCD.as_bytes(), "h").unwrap();
    assert_eq!((history.format(), history.timing().order), (Some(Format::Etcd), Some(Order::Time)));
    assert_snapshot!(told(&history));
    let folder = tempfile::tempdir().unwrap();
    for (client, line) in ETCD.lines().enumerate() {
        let client = folder.path().join(format!("client-{client}"));
        fs::create_dir(&client).unwrap();
        fs::write(client.join("operations.json"), format!("{line}\n")).unwrap();
        fs::write(client.join("watch.json"), "{}\n").unwrap();
    }
    let run = file(folder.path()).unwrap();
    assert_eq!((run.format(), said(&run)), (Some(Format::Etcd), said(&history)));
}

#[test]
fn etcd_refuses_what_it_cannot_understand() {
    let with = |input: &str, rest: &str| text_of(&format!("{{\"ClientId\":0,\"Input\":{input},{rest}}}\n"));
    let when = r#""Call":1,"Return":2,"Output":{"Revision":2}"#;
    let errors = [
        with(r#"{"Type":"watch"}"#, when),
        with(r#"{"Type":"range","Range":{"Start":"a"}}"#, when),
        with(r#"{"Type":"txn"}"#, when),
        with(
            r#"{"Type":"txn","Txn":{"OperationsOnSuccess":[{"Type":"swap"}]}}"#,
            r#""Call":1,"Return":2,"Output":{"Txn":{}}"#,
        ),
        with(r#"{"Type":"range","Range":{"Start":"a"}}"#, r#""Call":5,"Return":2,"Output":{"Range":{}}"#),
        with(r#"{"Type":"compact"}"#, r#""Call":-1,"Return":2"#),
        with("5", when),
        text_of(&ETCD[..ETCD.len() - 30]).lines().last().unwrap().to_owned(),
    ];
    assert_snapshot!(errors.join("\n"));
    let options = Options { order: Some(Order::Place), ..Options::default() };
    assert!(read_with(ETCD.as_bytes(), "h", &options).unwrap_err().to_string().contains("whole operations"));
}

#[test]
fn completions_without_invocations_are_operations_of_no_duration() {
    let bare =
        "{:type :ok, :value [[:w :x 1] [:r :y 5]]}\n{:type :ok, :value [[:append 3 2] [:r 4 [1 2]]]}\n";
    let clients = "{:type :ok, :process 4, :f :read, :key :x, :value 3, :time 10}
{:type :fail, :process 5, :f :write, :key :x, :value 4, :time 20}
{:process :nemesis, :type :info, :f :kill, :time 25}
{:type :info, :process 5, :f :write, :key :x, :value 5, :time 30}
{:type :ok, :process 4, :f :dequeue, :value 7, :time 40}\n";
    let json = r#"[{"type":"ok","f":"txn","process":0,"index":1,"value":[["r","x",null]]}]"#;
    let late =
        "{:type :ok, :process 0, :f :read, :value 1}\n{:type :invoke, :process 0, :f :read, :value nil}\n";
    let missing = "{:type :invoke, :process 0, :f :read}\n{:type :ok, :process 1, :f :read, :value 1}\n";
    assert_snapshot!([bare, clients, json, late, missing].map(text_of).join("\n"));
}

#[test]
fn an_index_may_be_counted_by_each_process() {
    let text = "{:type :invoke, :f :read, :value nil, :process 1, :index 1}
{:type :ok, :f :read, :value 2, :process 1, :index 2}
{:type :invoke, :f :write, :value 2, :process 2, :index 1}
{:type :ok, :f :write, :value 2, :process 2, :index 2}
{:type :invoke, :f :read, :value nil, :process 1, :index 3}\n";
    assert_snapshot!([text.to_owned(), format!("{text}{text}")].map(|text| text_of(&text)).join("\n"));
}

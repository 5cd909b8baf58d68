//! The quick way through a line means what the general one means.

use proptest::prelude::*;

use crate::Diagnostic;
use crate::read::jsonl::general_event;
use crate::read::scan;

/// Lines that look like ours, some of them broken in one place.
fn lines() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        (0_u64..30).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        Just("007".to_owned()),
        Just("-0".to_owned()),
        Just("1.5".to_owned()),
    ];
    let text = prop_oneof![
        "[a-z]{0,4}".prop_map(|text| format!("\"{text}\"")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        any::<String>().prop_map(|text| format!("\"{text}\"")),
    ];
    let leaf = prop_oneof![number.clone(), text.clone(), Just("null".to_owned()), Just("true".to_owned())];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(",")))
    });
    let name = prop::sample::select(vec![
        "key",
        "value",
        "node",
        "error",
        "seen",
        "version",
        "term",
        "served_by",
        "other",
    ]);
    let fields = proptest::collection::vec((name, prop_oneof![number, text, value]), 0..5);
    let kind = prop::sample::select(vec!["invoke", "ok", "fail", "info", "other"]);
    (0_u64..9, any::<u64>(), prop::sample::select(vec!["0", "12", "\"nemesis\"", "-1", "\"x\""]), kind, fields).prop_map(
        |(index, time, process, kind, fields)| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
            let fields = fields.concat();
            format!("{{\"index\":{index},\"time\":{time},\"process\":{process},\"type\":\"{kind}\",\"f\":\"read\"{fields}}}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_line_that_is_read_quickly_has_the_meaning_of_the_general_parser(
        line in lines(), at in any::<prop::sample::Index>(), byte in any::<Option<u8>>(),
    ) {
        let mut line = line.into_bytes();
        if let Some(byte) = byte {
            let at = at.index(line.len());
            line[at] = byte;
        }
        let Some(quick) = scan::event(&line) else { return Ok(()) };
        let general: Result<_, Diagnostic> = general_event(&line, "h");
        let general = general.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(format!("{quick:?}"), format!("{general:?}"));
    }
}

#[test]
fn a_transaction_that_is_read_quickly_has_the_meaning_of_the_general_parser_however_it_is_damaged() {
    let micros = r#"[["r",1,[20,-3]],["append",-4,5],["r",6,null],["w",7,[]]]"#;
    for end in ["", ",[\"r\",8,[\"a\"]]"] {
        let micros = format!("{}{end}]", micros.strip_suffix(']').unwrap());
        let line = format!(r#"{{"index":7,"time":1,"process":3,"type":"ok","f":"txn","value":{micros}}}"#);
        assert!(scan::event(line.as_bytes()).is_some());
        for place in line.len() - micros.len() - 1..line.len() {
            for byte in b" ,]}[\"09-nrw.e\\" {
                let (before, after) = line.as_bytes().split_at(place);
                let longer = [before, &[*byte], after].concat();
                let other = [before, &[*byte], &after[1..]].concat();
                for line in [before, &longer, &other] {
                    let Some(quick) = scan::event(line) else { continue };
                    let general = general_event(line, "h").unwrap();
                    assert_eq!(quick.value, general.value, "{}", String::from_utf8_lossy(line));
                }
            }
        }
    }
}

#[test]
fn what_our_writer_writes_is_read_quickly() {
    let line = br#"{"index":7,"time":3291485317,"process":3,"type":"ok","f":"append","key":"x","value":[1,-2,["r",null]],"node":"n2","version":7,"term":1,"served_by":"n1"}"#;
    assert!(scan::event(line).is_some());
}

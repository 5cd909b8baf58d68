use serde_json::json;

use super::*;

fn history(operations: usize) -> History {
    let mut text = "{\"partita\":1,\"nodes\":[\"n1\"]}\n".to_owned();
    for number in 0..operations {
        for (kind, offset) in [("invoke", 0), ("ok", 1)] {
            let index = 2 * number + offset;
            let time = 1000 + index;
            let line = format!(
                r#"{{"index":{index},"time":{time},"process":0,"type":"{kind}","f":"write","key":"x","value":{number}}}"#
            );
            text.push_str(&line);
            text.push('\n');
        }
    }
    histories::read::read(text.as_bytes(), "run").unwrap()
}

fn outcome(events: &[u32]) -> Value {
    json!({ "verdicts": [{ "model": "linearizable", "anomalies": [{ "kind": "stale-read", "events": events }] }] })
}

#[test]
fn where_there_is_no_room_operations_around_findings_are_kept() {
    let history = history(3_000);
    let told = Told::of(&outcome(&[2_000, 2_001, 5_998]));
    let mut page = Page::new("a run");
    assert_eq!(page.kept(&history, &told, &[]).len(), 3_000);
    page.room = 2_999;
    let kept: Vec<u32> = page.kept(&history, &told, &[]).iter().map(|id| id.0).collect();
    let expected: Vec<u32> = (800..=1_200).chain(2_799..3_000).collect();
    assert_eq!(kept, expected);
    let with_named = page.kept(&history, &told, &[200]);
    assert_eq!((with_named.len(), with_named[0].0), (expected.len() + 1, 100));
}

#[test]
fn what_is_hostile_stays_text() {
    let hostile = "</script><img src=x onerror=alert(1)>";
    let mut page = Page::new(hostile);
    let mut outcome = outcome(&[0]);
    outcome["mode"] = hostile.into();
    page.add(Source::checked(outcome, std::path::Path::new(hostile), history(3)));
    let text = page.render();
    assert!(!text.contains("<img"), "it is an element");
    assert_eq!(text.matches("</script").count(), 3, "data, columns and the script itself");
}

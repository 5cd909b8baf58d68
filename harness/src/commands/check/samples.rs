//! The stored samples get the verdicts that the definitions give them.

use std::collections::BTreeMap;
use std::path::Path;

use histories::ModelName;
use serde_json::Value;

use super::tests::run;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../histories/samples");

#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is named")]
fn every_sample_gets_its_verdicts() {
    let (_, out) = run(&[FOLDER, "--format", "json"]);
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for line in out.lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        let file = Path::new(answer["file"].as_str().unwrap()).file_name().unwrap();
        for verdict in answer["verdicts"].as_array().unwrap() {
            let text = |field: &str| verdict[field].as_str().unwrap().to_owned();
            found.insert((file.display().to_string(), text("model")), text("verdict"));
        }
    }
    let index = std::fs::read_to_string(Path::new(FOLDER).join("../samples.tsv")).unwrap();
    let mut wrong = Vec::new();
    for row in index.lines().skip(1) {
        let [file, _, _, model, expected] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("five cells: {row}")
        };
        if model.parse::<ModelName>().is_err() {
            eprintln!("skipped {model} of {file}: there is no such model yet");
            continue;
        }
        let verdict = found.get(&(file.to_owned(), model.to_owned())).map_or("none", String::as_str);
        if verdict != expected {
            wrong.push(format!("{file}: {model} is {verdict}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The verdicts on a file, by model.
fn verdicts(history: &histories::History) -> Vec<(ModelName, &'static str)> {
    let findings = crate::judge::checking::check(history, None, &checkers::Budget::unlimited());
    findings.iter().map(|finding| (finding.model, finding.verdict.name())).collect()
}

#[test]
fn a_history_that_went_through_edn_gets_the_same_verdicts() {
    let mut checked = 0;
    for entry in std::fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "jsonl") {
            continue;
        }
        let history = histories::read::file(&path).unwrap();
        let mut text = Vec::new();
        histories::write::history(&history, histories::read::Format::Edn, &mut text).unwrap();
        let back = histories::read::read(&*text, "back.edn").unwrap();
        assert_eq!(verdicts(&back), verdicts(&history), "{}", path.display());
        checked += 1;
    }
    assert!(checked > 40, "{checked}");
}

//! SARIF 2.1.0: a rule is a kind of anomaly, a result is a finding, and its code flow is the proof, operation by operation.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::RunsReport;
use crate::judge::anomaly::{AnomalyReport, OperationReport};
use crate::judge::expect::counts_against;
use crate::judge::outcome::{RunOutcome, VerdictReport};
use crate::judge::verdict::Violation;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// One object and a line break.
pub(crate) fn render(report: &RunsReport<'_>) -> String {
    let findings: Vec<Finding<'_>> = report.runs.iter().flat_map(|run| findings(run, report)).collect();
    let kinds: BTreeSet<&str> = findings.iter().map(|finding| finding.anomaly.kind.name()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let rules: Vec<Value> = kinds.iter().map(|kind| rule(kind, &findings)).collect();
    let results: Vec<Value> = findings.iter().map(|finding| finding.result(&kinds)).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "partita",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    });
    // Our values have string keys only, so they always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

struct Finding<'a> {
    run: &'a RunOutcome,
    verdict: &'a VerdictReport,
    anomaly: &'a AnomalyReport,
    /// Whether it counts against its run, or was to be seen.
    is_failure: bool,
}

fn findings<'a>(run: &'a RunOutcome, report: &RunsReport<'_>) -> Vec<Finding<'a>> {
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for verdict in &run.verdicts {
        let is_failure = counts_against(run, verdict, report.expectations);
        // What violates several models is one result.
        for anomaly in verdict.anomalies.iter().filter(|anomaly| told.insert(anomaly.explanation.as_str())) {
            findings.push(Finding { run, verdict, anomaly, is_failure });
        }
    }
    findings
}

/// A rule says what its anomaly is, in the words of `partita explain`.
fn rule(kind: &str, findings: &[Finding<'_>]) -> Value {
    let about = findings.iter().map(|finding| finding.anomaly.kind).find(|of| of.name() == kind);
    let about = match about {
        Some(Violation::Anomaly(anomaly)) => anomaly.about(),
        Some(Violation::BrokenInvariant) => "Replicas contradict each other.",
        Some(Violation::NoProgress) => "What was asked for was not answered in time.",
        Some(Violation::NodeCrashed) => "A node ended by itself.",
        Some(Violation::Property(_)) | None => "A property of this program's own did not hold.",
    };
    json!({
        "id": kind,
        "shortDescription": {"text": about},
        "help": {"text": format!("partita explain {kind}")},
    })
}

impl Finding<'_> {
    fn result(&self, kinds: &[&str]) -> Value {
        let Self { run, verdict, anomaly, is_failure } = self;
        let kind = anomaly.kind.name();
        let message = format!("{}: {} ({} is violated)", run.mode, anomaly.summary, verdict.subject);
        let mut result = json!({
            "ruleId": kind,
            "ruleIndex": kinds.iter().position(|known| *known == kind),
            "level": if *is_failure { "error" } else { "note" },
            "message": {"text": message},
            "properties": {
                "model": verdict.subject.name(),
                "mode": run.mode,
                "workload": run.workload,
                "seed": run.seed,
                "reproduce": run.reproduce,
            },
        });
        let file = self.file();
        let last = anomaly.operations.iter().filter_map(|operation| operation.line).max();
        result["locations"] = last.map_or(json!([]), |line| json!([location(&file, line, None)]));
        if !anomaly.operations.is_empty() {
            result["codeFlows"] =
                json!([{"message": {"text": anomaly.summary}, "threadFlows": [self.flow(&file)]}]);
        }
        result
    }

    fn file(&self) -> String {
        // Spaces and signs have no place in a reference as they are.
        let path = format!("{}/history.jsonl", self.run.dir);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        path.bytes().fold(String::new(), |text, byte| {
            if plain(byte) { text + &char::from(byte).to_string() } else { text + &format!("%{byte:02X}") }
        })
    }

    /// The operations of the proof in the order of their invocations.
    fn flow(&self, file: &str) -> Value {
        let mut operations: Vec<&OperationReport> = self.anomaly.operations.iter().collect();
        operations.sort_by(|one, other| one.invoked_ms.total_cmp(&other.invoked_ms));
        let steps = (1..).zip(operations).map(|(order, operation)| {
            let note =
                if operation.note.is_empty() { String::new() } else { format!(" ({})", operation.note) };
            let text = format!("client {}: {}{note}", operation.client, operation.text);
            let place = match operation.line {
                Some(line) => location(file, line, Some(&text)),
                None => json!({"message": {"text": text}}),
            };
            json!({"executionOrder": order, "location": place})
        });
        json!({"locations": steps.collect::<Vec<_>>()})
    }
}

fn location(file: &str, line: u32, text: Option<&str>) -> Value {
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}},
    });
    if let Some(text) = text {
        location["message"] = json!({"text": text});
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{report_of, violated_example};

    #[test]
    fn a_rule_is_an_anomaly_and_a_code_flow_its_proof() {
        let runs = [violated_example(8), RunOutcome::complete_example()];
        insta::assert_snapshot!(render(&report_of(&runs)).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }

    #[test]
    fn every_result_points_at_its_rule_and_every_step_at_a_line() {
        let mut run = violated_example(8);
        run.dir = "runs/two words/ä".into();
        let document: Value = serde_json::from_str(&render(&report_of(&[run]))).unwrap();
        let run = &document["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
            let steps = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap();
            let order: Vec<u64> = steps.iter().map(|step| step["executionOrder"].as_u64().unwrap()).collect();
            assert_eq!(order, (1..=steps.len() as u64).collect::<Vec<_>>());
            for step in steps {
                let place = &step["location"]["physicalLocation"];
                assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
                assert_eq!(place["artifactLocation"]["uri"], "runs/two%20words/%C3%A4/history.jsonl");
            }
        }
    }

    #[test]
    fn an_empty_report_is_a_document_too() {
        let document: Value = serde_json::from_str(&render(&report_of(&[]))).unwrap();
        assert_eq!(
            (&document["version"], document["runs"][0]["results"].as_array().unwrap().len()),
            (&json!("2.1.0"), 0)
        );
    }
}

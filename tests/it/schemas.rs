//! What is printed and written as JSON, against the schemas that `partita schema` prints.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::command::output;
use crate::tidy::root;

/// All schemas, by name; an object of which the properties are known has no others.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let told = output(&root(), &["schema"]);
    let mut schemas = serde_json::from_slice(&told.stdout).expect("JSON");
    close(&mut schemas);
    schemas
});

/// Fields may come, but not without a word in the schema: in a test, what is not described is an error.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object)
                && !fields.contains_key("additionalProperties")
            {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            // A golden file holds one of neighbours that are alike.
            fields.remove("minItems");
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Fails with every place at which the document is not as the schema of this name says.
pub(crate) fn assert_valid(name: &str, document: &Value) {
    let validator = jsonschema::validator_for(&SCHEMAS[name]).expect("a schema");
    let wrong: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{name}:\n  {}", wrong.join("\n  "));
}

/// Something of the kind that a golden file says stood there.
fn filled(golden: &Value) -> Value {
    match golden {
        Value::String(text) => match text.as_str() {
            "<truth>" => json!(true),
            "<number>" => json!(0),
            "<text>" => json!("a"),
            "<list>" => json!([]),
            "<object>" => json!({}),
            _ => golden.clone(),
        },
        Value::Array(items) => items.iter().map(filled).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), filled(field))).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_golden_file_is_as_its_schema_says() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("tests/golden")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let schema = match stem.as_str() {
            "tradeoffs" => "compare",
            "hunt-found" => "hunt",
            "check-demanded" => "check",
            "shrink-nothing" => "shrink",
            other => other,
        };
        let golden: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("UTF-8")).expect("JSON");
        let documents = golden.as_array().cloned().unwrap_or_else(|| vec![golden.clone()]);
        for document in &documents {
            assert_valid(schema, &filled(document));
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn what_is_not_described_is_noticed() {
    let validator = jsonschema::validator_for(&SCHEMAS["schedule"]).expect("a schema");
    let good = json!({"finished": true, "seed": 7, "steps": [], "faults": []});
    assert!(validator.is_valid(&good));
    assert!(!validator.is_valid(&json!({"finished": true, "seed": 7, "steps": []})));
    assert!(!validator.is_valid(&json!({"finished": true, "seed": 7, "steps": [], "faults": [], "more": 1})));
}

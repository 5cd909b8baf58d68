//! Paths into a JSON answer: `$`, `$.value`, `$.kvs[0].value`, `$['odd name']`.

use std::fmt;

use serde_json::Value as Json;

/// Where in a JSON document something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

impl JsonPath {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("a JSON path is written like $.kvs[0].value; {text:?} {what}");
        let mut rest = text.strip_prefix('$').ok_or_else(|| wrong("does not begin with $"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                (Step::Field(after[..end].to_owned()), &after[end..])
            } else if let Some(after) = rest.strip_prefix("['") {
                let (name, after) = after.split_once("']").ok_or_else(|| wrong("has an open ['"))?;
                (Step::Field(name.to_owned()), after)
            } else if let Some(after) = rest.strip_prefix('[') {
                let (item, after) = after.split_once(']').ok_or_else(|| wrong("has an open ["))?;
                let item = item.parse().map_err(|_| wrong("has brackets without a number"))?;
                (Step::Item(item), after)
            } else {
                return Err(wrong("has something else than .name and [0] in it"));
            };
            if step == Step::Field(String::new()) {
                return Err(wrong("has an empty name"));
            }
            steps.push(step);
            rest = after;
        }
        Ok(Self { steps })
    }

    /// What is there, if anything.
    pub(crate) fn find<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        self.steps.iter().try_fold(json, |json, step| match step {
            Step::Field(name) => json.get(name),
            Step::Item(item) => json.get(item),
        })
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Field(name) if name.contains(['.', '[']) => write!(f, "['{name}']"),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Item(item) => write!(f, "[{item}]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_what_it_names() {
        let document = json!({"value": 1, "kvs": [{"value": "a"}, 2], "odd.name": {"x": null}});
        let find = |path: &str| JsonPath::parse(path).unwrap().find(&document).cloned();
        assert_eq!(find("$"), Some(document.clone()));
        assert_eq!(find("$.value"), Some(json!(1)));
        assert_eq!(find("$.kvs[0].value"), Some(json!("a")));
        assert_eq!(find("$.kvs[1]"), Some(json!(2)));
        assert_eq!(find("$['odd.name'].x"), Some(Json::Null));
        for nothing in ["$.nothing", "$.kvs[2]", "$.value.deeper", "$[0]"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
        for path in ["$", "$.kvs[0].value", "$['odd.name'].x"] {
            assert_eq!(JsonPath::parse(path).unwrap().to_string(), path);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let paths = ["value", "$value", "$.", "$.a..b", "$[x]", "$[0", "$['a"];
        let told: Vec<_> = paths.iter().map(|path| JsonPath::parse(path).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}

//! Which answers of a database count as what: conditions on the status and the body, and where the value is.

use histories::Value;
use serde_json::Value as Json;

use super::path::JsonPath;

/// What an answer must be like. All that is said has to hold; nothing said holds always.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Condition {
    /// Any of these statuses; any at all where empty.
    pub(crate) statuses: Vec<Statuses>,
    /// The body contains this text.
    pub(crate) body: Option<String>,
    /// The body is JSON that holds these values at these paths; a path that leads nowhere is not equal to anything.
    pub(crate) json: Vec<(JsonPath, Json)>,
}

/// One status, or all of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statuses {
    One(u16),
    /// 200 to 299 for 2.
    Class(u16),
}

impl Condition {
    pub(crate) fn holds(&self, status: u16, body: &str) -> bool {
        let status_holds = self.statuses.is_empty()
            || self.statuses.iter().any(|statuses| match statuses {
                Statuses::One(one) => *one == status,
                Statuses::Class(class) => *class == status / 100,
            });
        status_holds
            && self.body.as_ref().is_none_or(|text| body.contains(text.as_str()))
            && self.json_holds(body)
    }

    fn json_holds(&self, body: &str) -> bool {
        if self.json.is_empty() {
            return true;
        }
        let Ok(document) = serde_json::from_str::<Json>(body) else { return false };
        self.json.iter().all(|(path, expected)| path.find(&document) == Some(expected))
    }
}

/// Where in an answer a value is, and how it is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) written: Written,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the body, which is JSON.
    Path(JsonPath),
    /// The whole body, without the blanks around it.
    Body,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// As JSON has it.
    AsIs,
    /// An integer, also where it stands in a string.
    Integer,
    /// A text that holds JSON.
    Json,
}

impl Found {
    /// The value; the error says what the answer lacks.
    pub(crate) fn value(&self, body: &str) -> Result<Value, String> {
        let json = match &self.place {
            Place::Body => Json::String(body.trim().to_owned()),
            Place::Path(path) => {
                let document: Json =
                    serde_json::from_str(body).map_err(|error| format!("the body is no JSON ({error})"))?;
                path.find(&document).cloned().ok_or_else(|| format!("the body has nothing at {path}"))?
            }
        };
        let json = match (self.written, json) {
            (Written::Integer, Json::String(text)) => {
                Json::from(text.trim().parse::<i64>().map_err(|_| format!("{text:?} is no integer"))?)
            }
            (Written::Integer, json) if json.is_i64() || json.is_null() => json,
            (Written::Integer, json) => return Err(format!("{json} is no integer")),
            (Written::Json, Json::String(text)) => {
                serde_json::from_str(&text).map_err(|error| format!("{text:?} is no JSON: {error}"))?
            }
            (Written::Json | Written::AsIs, json) => json,
        };
        serde_json::from_value(json).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> JsonPath {
        JsonPath::parse(text).unwrap()
    }

    #[test]
    fn a_condition_holds_where_all_that_it_says_does() {
        let any = Condition::default();
        assert!(any.holds(500, ""));
        let ok = Condition { statuses: vec![Statuses::One(200), Statuses::Class(3)], ..Condition::default() };
        assert!(ok.holds(200, "") && ok.holds(304, "") && !ok.holds(201, "") && !ok.holds(404, ""));
        let leads = Condition { body: Some("leader".into()), ..ok };
        assert!(
            leads.holds(200, "I am leader\n") && !leads.holds(200, "follower") && !leads.holds(500, "leader")
        );
        let set = Condition { json: vec![(path("$.set"), json!(true))], ..Condition::default() };
        assert!(set.holds(200, r#"{"set": true}"#));
        assert!(!set.holds(200, r#"{"set": false}"#) && !set.holds(200, "{}") && !set.holds(200, "true"));
    }

    #[test]
    fn values_are_found_as_they_are_written() {
        let found = |place: &str, written, body: &str| {
            let place = if place == "body" { Place::Body } else { Place::Path(path(place)) };
            Found { place, written }.value(body)
        };
        let body = r#"{"value": 3, "text": "3", "json": "[1,2]", "none": null, "half": 1.5}"#;
        assert_eq!(found("$.value", Written::AsIs, body), Ok(Value::Int(3)));
        assert_eq!(found("$.text", Written::AsIs, body), Ok(Value::text("3")));
        assert_eq!(found("$.text", Written::Integer, body), Ok(Value::Int(3)));
        assert_eq!(found("$.none", Written::Integer, body), Ok(Value::Null));
        assert_eq!(found("$.json", Written::Json, body), Ok(Value::list([1.into(), 2.into()])));
        assert_eq!(found("body", Written::Integer, " 7\n"), Ok(Value::Int(7)));
        for (place, written) in
            [("$.nothing", Written::AsIs), ("$.half", Written::AsIs), ("$.half", Written::Integer)]
        {
            assert!(found(place, written, body).is_err(), "{place}");
        }
        assert!(found("$.value", Written::AsIs, "oops").unwrap_err().contains("no JSON"));
    }
}

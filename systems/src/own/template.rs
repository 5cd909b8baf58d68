//! Texts with places for values, `http://{address}/kv/{key}`. It gives the names of places no meaning.

/// A text with named places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// An index into the names that were known when the text was read.
    Place(&'static str),
}

impl Template {
    /// A text without places.
    pub(crate) fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())] }
    }

    /// A word in braces is a place; any other brace is itself, so that JSON can be written as it is.
    pub(crate) fn parse(text: &str, places: &[&'static str]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            plain.push_str(&rest[..start]);
            let after = &rest[start + 1..];
            let word = after.split_once('}').map(|(word, _)| word).filter(|word| is_word(word));
            let Some(word) = word else {
                plain.push('{');
                rest = after;
                continue;
            };
            let place = places.iter().find(|place| **place == word).ok_or_else(|| unknown(word, places))?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Place(place));
            rest = &after[word.len() + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The text with every place filled.
    pub(crate) fn fill<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Place(place) => text.push_str(&value(place)?),
            }
        }
        Ok(text)
    }

    /// Whether it has such a place.
    pub(crate) fn has(&self, place: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Place(name) if *name == place))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn unknown(word: &str, places: &[&'static str]) -> String {
    let near = crate::store::words::nearest(word, places.iter().copied());
    format!("{{{word}}} stands for nothing here; {near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &[&str] = &["key", "value"];

    fn filled(text: &str) -> Result<String, String> {
        Template::parse(text, PLACES)?.fill(|place| Ok(place.to_uppercase()))
    }

    #[test]
    fn words_in_braces_are_places_and_other_braces_are_not() {
        assert_eq!(filled("/kv/{key}?v={value}"), Ok("/kv/KEY?v=VALUE".into()));
        assert_eq!(filled(r#"{"value": {value}, "x": {}}"#), Ok(r#"{"value": VALUE, "x": {}}"#.into()));
        assert_eq!(filled("a { b } c {"), Ok("a { b } c {".into()));
        assert_eq!(filled(""), Ok(String::new()));
        assert!(Template::parse("{key}", PLACES).unwrap().has("key"));
    }

    #[test]
    fn a_mistyped_place_names_the_nearest() {
        let error = filled("/kv/{kay}").unwrap_err();
        assert!(error.starts_with("{kay} stands for nothing here; did you mean \"key\"?"), "{error}");
    }
}

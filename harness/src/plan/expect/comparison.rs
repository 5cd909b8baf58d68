//! A figure against a bound, as suites write it: `>0`, `<= 0.5`, `true`.
//!
//! A figure that is not there neither meets nor misses a bound.

use std::fmt;

use serde_json::Value;

use crate::cli::names::unknown;

/// An operator and what stands to its right.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    operator: Operator,
    bound: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    Equal,
    Unequal,
    AtLeast,
    Greater,
}

impl Operator {
    /// Longer signs first, so that `>=` is not read as `>`.
    const SIGNS: [(&'static str, Self); 7] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("!=", Self::Unequal),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    fn compares(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            // Counts are exact in a double, and a suite that says `= 0.5` means that very number.
            Self::Equal => left.total_cmp(&right).is_eq(),
            Self::Unequal => left.total_cmp(&right).is_ne(),
            Self::AtLeast => left >= right,
            Self::Greater => left > right,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::AtLeast => ">=",
            Self::Greater => ">",
        }
    }
}

impl Comparison {
    /// Whether `actual` compares as said; `None` where it cannot be compared.
    pub fn holds(&self, actual: &Value) -> Option<bool> {
        if let (Some(left), Some(right)) = (actual.as_f64(), self.bound.as_f64()) {
            return Some(self.operator.compares(left, right));
        }
        match self.operator {
            _ if actual.is_null() => None,
            Operator::Equal => Some(*actual == self.bound),
            Operator::Unequal => Some(*actual != self.bound),
            _ => None,
        }
    }
}

impl Comparison {
    /// Reads what a suite says of a figure of this type. What could never be met is refused.
    pub fn parse(text: &str, figure: Figure) -> Result<Self, String> {
        let text = text.trim();
        let signed = Operator::SIGNS
            .iter()
            .find_map(|&(sign, operator)| text.strip_prefix(sign).map(|rest| (operator, rest.trim())));
        let (operator, rest) = signed.unwrap_or((Operator::Equal, text));
        if rest.is_empty() || rest.starts_with(['<', '>', '=', '!']) {
            return Err(format!("{text:?} is no comparison; {}", figure.expected()));
        }
        let bound = figure
            .bound(operator, rest)
            .ok_or_else(|| format!("{text:?} cannot be said of {}; {}", figure.name(), figure.expected()))?;
        if let (Figure::Word(known), Some(word)) = (figure, bound.as_str())
            && !known.is_empty()
            && !known.contains(&word)
        {
            return Err(unknown("such outcome or stage", word, known));
        }
        let comparison = Self { operator, bound };
        match figure.impossible(&comparison) {
            Some(why) => Err(format!("{text:?} never holds: {why}")),
            None => Ok(comparison),
        }
    }
}

/// What a figure of a run can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// 0 or more: a count, or milliseconds.
    Number,
    /// From 0 to 1.
    Share,
    Truth,
    /// One of these, where there are only so many.
    Word(&'static [&'static str]),
}

impl Figure {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Share => "a share from 0 to 1",
            Self::Truth => "what is true or false",
            Self::Word(_) => "a word",
        }
    }

    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Number => "write a number behind one of =, !=, <, <=, > and >=, as in >0",
            Self::Share => "write a share from 0 to 1 behind one of =, !=, <, <=, > and >=, as in >0.99",
            Self::Truth => "write true or false",
            Self::Word(_) => "write the word, or != and the word",
        }
    }

    /// The right side, where it is of the figure's type and the operator is one for that.
    fn bound(self, operator: Operator, text: &str) -> Option<Value> {
        let ordered = !matches!(operator, Operator::Equal | Operator::Unequal);
        match self {
            Self::Number | Self::Share => {
                serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number)
            }
            Self::Truth if !ordered => text.parse().ok().map(Value::Bool),
            Self::Word(_) if !ordered => Some(Value::from(text)),
            Self::Truth | Self::Word(_) => None,
        }
    }

    /// Why no value that the figure can have is met by the comparison. One that each value meets still says that there is
    /// one.
    fn impossible(self, comparison: &Comparison) -> Option<String> {
        let (least, most) = match self {
            Self::Number => (0.0, f64::INFINITY),
            Self::Share => (0.0, 1.0),
            Self::Truth | Self::Word(_) => return None,
        };
        let bound = comparison.bound.as_f64()?;
        let holds = |value: f64| comparison.operator.compares(value, bound);
        let inside = least <= bound && bound <= most;
        let possible = holds(least) || holds(most) || inside && holds(bound);
        (!possible).then(|| match self {
            Self::Share => "a share is from 0 to 1".to_owned(),
            _ => "the figure is never below 0".to_owned(),
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bound {
            Value::String(word) => write!(f, "{} {word}", self.operator.sign()),
            other => write!(f, "{} {other}", self.operator.sign()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(comparison: &str, figure: Figure, actual: impl Into<Value>) -> Option<bool> {
        Comparison::parse(comparison, figure).unwrap().holds(&actual.into())
    }

    #[test]
    fn numbers_compare_as_numbers() {
        assert_eq!(holds(">0", Figure::Number, 41), Some(true));
        assert_eq!(holds(">0", Figure::Number, 0), Some(false));
        assert_eq!(holds(">= 0.9", Figure::Share, 0.9), Some(true));
        assert_eq!(holds("<1", Figure::Share, 1), Some(false));
        assert_eq!(holds("0", Figure::Number, 0), Some(true));
        assert_eq!(holds("!=3", Figure::Number, 3), Some(false));
    }

    #[test]
    fn words_and_truths_compare_for_equality() {
        assert_eq!(holds("true", Figure::Truth, true), Some(true));
        assert_eq!(holds("!=pass", Figure::Word(&[]), "violation"), Some(true));
        assert_eq!(holds("=pass", Figure::Word(&[]), "pass"), Some(true));
    }

    #[test]
    fn what_is_not_there_is_neither() {
        assert_eq!(holds(">0", Figure::Number, Value::Null), None);
        assert_eq!(holds("=0", Figure::Number, Value::Null), None);
    }

    #[test]
    fn what_is_of_another_type_or_never_holds_is_refused() {
        let refusals: Vec<String> = [
            (">many", Figure::Number),
            (">", Figure::Number),
            ("!= O", Figure::Number),
            ("=> 0", Figure::Number),
            ("true", Figure::Number),
            ("nan", Figure::Number),
            ("1e999", Figure::Number),
            ("1,000", Figure::Number),
            ("<0", Figure::Number),
            ("=-1", Figure::Number),
            (">95", Figure::Share),
            ("=2", Figure::Share),
            ("yes", Figure::Truth),
            ("1", Figure::Truth),
            (">true", Figure::Truth),
            (">pass", Figure::Word(&[])),
            ("", Figure::Word(&[])),
        ]
        .into_iter()
        .map(|(text, figure)| Comparison::parse(text, figure).unwrap_err())
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
        for fine in [">= 0", "!=-1", "=0", "<1", ">0", "<=0", "!=0", "= 5", ">=0.001"] {
            assert!(Comparison::parse(fine, Figure::Number).is_ok(), "{fine}");
        }
        for fine in ["<=1", "=1", ">0.99", "<1", ">=1", "=0", "!=1", "<=0.5"] {
            assert!(Comparison::parse(fine, Figure::Share).is_ok(), "{fine}");
        }
    }
}

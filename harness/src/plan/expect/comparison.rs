//! A figure against a bound, as suites write it: `>0`, `<= 0.5`, `true`.
//!
//! Never compares what is not there: that is neither met nor missed.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

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
            return Some(match self.operator {
                Operator::Less => left < right,
                Operator::AtMost => left <= right,
                // Counts are exact in a double, and whoever writes `= 0.5` means that very number.
                Operator::Equal => left.total_cmp(&right).is_eq(),
                Operator::Unequal => left.total_cmp(&right).is_ne(),
                Operator::AtLeast => left >= right,
                Operator::Greater => left > right,
            });
        }
        match self.operator {
            _ if actual.is_null() => None,
            Operator::Equal => Some(*actual == self.bound),
            Operator::Unequal => Some(*actual != self.bound),
            _ => None,
        }
    }
}

impl FromStr for Comparison {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let signed = Operator::SIGNS
            .iter()
            .find_map(|&(sign, operator)| text.strip_prefix(sign).map(|rest| (operator, rest.trim())));
        let (operator, rest) = signed.unwrap_or((Operator::Equal, text));
        let ordered = !matches!(operator, Operator::Equal | Operator::Unequal);
        // What is no number, `true` or `false` is a word.
        let bound = serde_json::from_str(rest).unwrap_or_else(|_| Value::from(rest));
        if rest.is_empty() || (ordered && !bound.is_number()) {
            return Err(format!("{text:?} is no comparison; write >0, >=1, <5, <=5, =0, !=0 or a word"));
        }
        Ok(Self { operator, bound })
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

    fn holds(comparison: &str, actual: impl Into<Value>) -> Option<bool> {
        comparison.parse::<Comparison>().unwrap().holds(&actual.into())
    }

    #[test]
    fn numbers_compare_as_numbers() {
        assert_eq!(holds(">0", 41), Some(true));
        assert_eq!(holds(">0", 0), Some(false));
        assert_eq!(holds(">= 0.9", 0.9), Some(true));
        assert_eq!(holds("<1", 1), Some(false));
        assert_eq!(holds("0", 0), Some(true));
        assert_eq!(holds("!=3", 3), Some(false));
    }

    #[test]
    fn words_and_truths_compare_for_equality() {
        assert_eq!(holds("true", true), Some(true));
        assert_eq!(holds("!=pass", "violation"), Some(true));
        assert_eq!(holds("=pass", "pass"), Some(true));
    }

    #[test]
    fn what_is_not_there_is_neither() {
        assert_eq!(holds(">0", Value::Null), None);
        assert_eq!(holds("=0", Value::Null), None);
        assert!(">many".parse::<Comparison>().is_err());
        assert!(">".parse::<Comparison>().is_err());
    }
}

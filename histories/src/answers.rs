//! Whether a transaction's answer is one to what was asked.
//!
//! It never judges what a read saw.

use crate::{Micro, Value};

/// How an answer names other micro-operations than were asked; what a read saw is the answer itself.
pub(crate) fn other_micros(asked: &Value, answered: &Value) -> Option<String> {
    if asked.is_question_of(answered) {
        return None;
    }
    let (mut questions, mut answers) = (asked.micros()?, answered.micros()?);
    let mut place = 0_usize;
    loop {
        place += 1;
        let (asked, answered) = match (questions.next(), answers.next()) {
            (None, None) => return None,
            // An empty question says nothing of what is asked.
            (None, Some(_)) if place == 1 => return None,
            (Some(asked), Some(answered)) => (asked.ok()?, answered.ok()?),
            (more, other) => {
                // What is no micro-operation is another's affair.
                let unanswered = more.is_some();
                more.or(other)?.ok()?;
                let (all, count) = if unanswered {
                    (place + questions.count(), place - 1)
                } else {
                    (place - 1, place + answers.count())
                };
                let noun = if count == 1 { "micro-operation" } else { "micro-operations" };
                return Some(format!("{count} {noun} to a question of {all}"));
            }
        };
        let same_value = asked.function == "r"
            || asked.value.is_null()
            || asked.value == answered.value
            || is_sent(&asked, &answered);
        if asked.function != answered.function || asked.key != answered.key || !same_value {
            let [asked, answered] =
                [asked, answered].map(|micro| format!("[{} {} {}]", micro.function, micro.key, micro.value));
            return Some(format!("{answered} to micro-operation {place}, which was {asked}"));
        }
    }
}

/// Whether a record that was to be sent comes back with its offset.
fn is_sent(asked: &Micro<'_>, answered: &Micro<'_>) -> bool {
    asked.function == "send" && answered.value.as_pair().is_some_and(|(_, value)| *value == *asked.value)
}

//! Jepsen's independent keys: the value of an operation is a tuple of a key and the operation's own value.

use crate::raw::Problem;
use crate::read::form::key_text;
use crate::read::jepsen::is_transaction;
use crate::{Kind, Value};

/// The key and the value of a tuple. What is invoked and what succeeds has one; what fails or is indefinite may have
/// anything, and is of the key that was asked for then.
///
/// A compare-and-set is `[key [from to]]`, as Jepsen writes it, or `[key from to]`.
pub(crate) fn apart(
    kind: Kind,
    function: Option<&str>,
    value: &Value,
) -> Result<Option<(String, Value)>, Problem> {
    let swaps = function == Some("cas");
    let found = match value.as_list() {
        Some([key, from, to]) if swaps => Some((key, Value::list([from.clone(), to.clone()]))),
        Some([_, inner]) if swaps && kind == Kind::Invoke && inner.as_pair().is_none() => None,
        Some([_, _]) if is_transaction(value) => None,
        Some([key, inner]) => Some((key, inner.clone())),
        _ => None,
    };
    if let Some((key, inner)) = found {
        return Ok(Some((key_text(key.clone()), inner)));
    }
    match kind {
        Kind::Fail | Kind::Info => Ok(None),
        Kind::Invoke | Kind::Ok => {
            let expected = if swaps { "[key [from to]]" } else { "[key value]" };
            Err(format!("the value of this event is {value}; of independent keys it is {expected}"))
        }
    }
}

//! What keys that transactions name are called.

use std::borrow::Cow;

use histories::Value;

/// A key as operations on it alone name it.
pub(super) fn key_text(key: &Value) -> Cow<'_, str> {
    match key.as_text() {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(key.to_string()),
    }
}

//! Tests of the replica as a whole: readable scripts, and what modes say of themselves.

mod describe;
mod modes;

use crate::store::multi::Options;
use crate::store::script;

#[test]
fn scripts() {
    script::check::<Options>("multi");
}

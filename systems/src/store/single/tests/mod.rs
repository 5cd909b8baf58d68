//! Tests of the replica as a whole: seeded random worlds here, readable scripts beside them.

mod describe;
mod judge;
mod modes;
mod random;
mod world;

use crate::Mode;
use crate::store::Store;
use crate::store::single::Options;

/// A single-leader mode by name.
fn mode(text: &str) -> Result<(Mode, Options), String> {
    match crate::store::mode(text)? {
        (mode, Store::Single(options)) => Ok((mode, options)),
        (mode, _) => Err(format!("{} is of another family", mode.name)),
    }
}

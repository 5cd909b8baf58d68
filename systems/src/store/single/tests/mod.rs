//! Tests of the replica as a whole in readable scripts. Random worlds are those of the simulation.

mod describe;
mod modes;

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

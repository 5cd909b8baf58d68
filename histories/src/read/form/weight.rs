//! What the values of one event may take in memory, where a few bytes of text become many: it is counted while they are
//! made, or before where another parser makes them.
//!
//! It never weighs less than what is made.

/// An event whose values take more is refused, by estimate and before they do.
pub const EVENT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A place in a list, which doubles as it grows.
pub(super) const ITEM: usize = 32;

/// A text beside its bytes, and a list with its first places.
pub(super) const TEXT: usize = 80;
pub(super) const LIST: usize = 128;

/// A map with its first node, which has room for several entries, and each entry.
pub(super) const MAP: usize = 512;
pub(super) const ENTRY: usize = 128;

/// Text so short is not weighed beforehand: whatever stands in it takes less.
const LIGHT_BYTES: usize = 1024 * 1024;

const _: () = assert!(LIGHT_BYTES * MAP / 2 <= EVENT_BYTES_MAX);

pub(super) fn too_heavy() -> String {
    format!("an event that takes more than {} MiB in memory, which is the limit", EVENT_BYTES_MAX >> 20)
}

/// Refuses JSON whose values could take too much.
pub(crate) fn weigh_json(text: &[u8]) -> Result<(), String> {
    if text.len() <= LIGHT_BYTES {
        return Ok(());
    }
    let (mut sum, mut inside, mut escaped) = (0_usize, false, false);
    for byte in text {
        sum += match byte {
            _ if escaped => {
                escaped = false;
                1
            }
            b'\\' if inside => {
                escaped = true;
                1
            }
            b'"' => {
                inside = !inside;
                if inside { TEXT } else { 0 }
            }
            _ if inside => 1,
            b'[' => LIST,
            b'{' => MAP,
            b':' => ENTRY,
            b',' => ITEM,
            _ => 0,
        };
    }
    if sum > EVENT_BYTES_MAX { Err(too_heavy()) } else { Ok(()) }
}

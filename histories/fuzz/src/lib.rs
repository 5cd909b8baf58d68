//! What must hold of any bytes: they are read or refused, and what was read survives being written.
//!
//! It never judges which of the two happens.

use histories::read::{Format, Options, read_with};
use histories::{History, Order, stats};

/// Small enough that an input which is too large for it is soon found.
const MEMORY_BYTES_MAX: u64 = 64 << 20;

/// Reads `bytes` in every way that the command line has; `None` lets the content tell the format.
pub fn read(format: Option<Format>, bytes: &[u8]) {
    for flags in 0..4_u8 {
        let options = Options {
            format,
            independent: flags & 1 != 0,
            order: (flags & 2 != 0).then_some(Order::Place),
            memory_bytes_max: MEMORY_BYTES_MAX,
            ..Options::default()
        };
        // The sum of a history asks less of it than pairing does.
        let sum = stats::read(bytes, "fuzz", &options);
        let Ok(history) = read_with(bytes, "fuzz", &options) else { continue };
        let sum = sum.expect("what pairs can be summed up");
        assert_eq!(sum.operations, history.operations().len() as u64);
        assert_eq!(sum.events, u64::from(history.event_count()));
        for format in [Format::Jsonl, Format::Edn] {
            comes_back(&history, format);
        }
    }
}

fn comes_back(history: &History, format: Format) {
    let mut text = Vec::new();
    histories::write::history(history, format, &mut text).expect("both hold every history");
    let again = read_with(&*text, "again", &Options::default())
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&text)));
    assert_eq!(again.operations(), history.operations(), "{}", String::from_utf8_lossy(&text));
}

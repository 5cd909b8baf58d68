//! What fuzzing found stays found: the stored corpus goes through every reader, as the fuzz targets have it.

use std::fs;

use histories::read::Format;

use crate::tidy::root;

/// The property itself, which the fuzz targets share.
#[path = "../../histories/fuzz/src/lib.rs"]
mod property;

#[test]
fn the_fuzz_corpus_is_read_or_refused_by_every_reader() {
    let mut inputs = 0;
    for target in fs::read_dir(root().join("histories/fuzz/corpus")).expect("a corpus") {
        for input in fs::read_dir(target.expect("an entry").path()).expect("a target's corpus") {
            let bytes = fs::read(input.expect("an entry").path()).expect("an input");
            for format in Format::ALL.iter().copied().map(Some).chain([None]) {
                property::read(format, &bytes);
            }
            inputs += 1;
        }
    }
    assert!(inputs > 10, "{inputs}");
}

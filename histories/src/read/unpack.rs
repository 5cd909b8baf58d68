//! Compressed files: gzip and zstd, known by their first bytes.
//!
//! What they expand to is never held and never without bounds: a file that expands to more than
//! [`EXPANSION_MAX`] times its size is refused, once it is past [`EXPANSION_FREE_BYTES`].

use std::cell::Cell;
use std::io::{self, Cursor, Read};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

/// Histories shrink to a tenth or a thirtieth; what shrinks this much more holds no history.
pub const EXPANSION_MAX: u64 = 1_000;

/// Expansion is not looked at before so many bytes have come out. What gzip packs never shrinks to less than some 1,030th,
/// so that a file of it has to come to more than 2 GiB to be refused.
pub const EXPANSION_FREE_BYTES: u64 = 64 * 1024 * 1024;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The content of `input`, decompressed where it is compressed.
pub(crate) fn unpack<'a>(input: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    unpack_after(EXPANSION_FREE_BYTES, input)
}

/// The same with so many bytes free.
fn unpack_after<'a>(free_bytes: u64, mut input: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    let (gzip, zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
    let whole = Cursor::new(head).chain(input);
    if !gzip && !zstd {
        return Ok(Box::new(whole));
    }
    let packed_bytes = Rc::new(Cell::new(0));
    let counted = Counted { inner: whole, bytes: Rc::clone(&packed_bytes) };
    let inner: Box<dyn Read + 'a> = if gzip {
        Box::new(MultiGzDecoder::new(counted))
    } else {
        Box::new(zstd::stream::read::Decoder::new(counted)?)
    };
    Ok(Box::new(Bounded { inner, packed_bytes, bytes: 0, free_bytes }))
}

struct Counted<R> {
    inner: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

struct Bounded<R> {
    inner: R,
    packed_bytes: Rc<Cell<u64>>,
    bytes: u64,
    free_bytes: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other("the compressed data break off"),
            _ => io::Error::other(format!("the compressed data are damaged ({error})")),
        })?;
        self.bytes += read as u64;
        let limit = self.free_bytes + EXPANSION_MAX * self.packed_bytes.get();
        if self.bytes > limit {
            return Err(io::Error::other(format!(
                "it expands to more than {EXPANSION_MAX} times its size, which is the limit"
            )));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        unpack(Box::new(bytes))?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_compressed_comes_out_and_what_is_not_stays() {
        for text in [&b""[..], b"abc", b"a longer text, a longer text, a longer text"] {
            assert_eq!(unpacked(text).unwrap(), text);
            assert_eq!(unpacked(&gzip(text)).unwrap(), text);
            assert_eq!(unpacked(&zstd::encode_all(text, 3).unwrap()).unwrap(), text);
        }
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpacked(&two).unwrap(), b"one two");
    }

    #[test]
    fn a_bomb_is_refused_by_its_limit() {
        let bomb = zstd::encode_all(io::repeat(b' ').take(1 << 30), 1).unwrap();
        let error = io::copy(&mut unpack(Box::new(&*bomb)).unwrap(), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("more than 1000 times"), "{error}");
    }

    /// As much of it as gzip can pack at all would take long.
    #[test]
    fn a_bomb_of_gzip_is_refused_by_its_limit() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        let unpacked =
            |free_bytes| io::copy(&mut unpack_after(free_bytes, Box::new(&*bomb)).unwrap(), &mut io::sink());
        let error = unpacked(1 << 20).unwrap_err();
        assert!(error.to_string().contains("more than 1000 times"), "{error}");
        assert_eq!(unpacked(EXPANSION_FREE_BYTES).unwrap(), 64 << 20);
    }

    #[test]
    fn a_damaged_file_is_told_from_one_that_breaks_off() {
        let whole = gzip(&(0..2000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        let error = unpacked(&whole[..whole.len() / 2]).unwrap_err();
        assert!(error.to_string().contains("break off"), "{error}");
        let mut damaged = whole;
        damaged[40] ^= 0xff;
        damaged[41] ^= 0xff;
        assert!(unpacked(&damaged).unwrap_err().to_string().contains("damaged"));
    }
}

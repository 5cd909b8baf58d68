//! The framing of a write-ahead log. Pure: it never touches a file.
//!
//! A record is twelve bytes and a payload, a line of JSON without its end:
//!
//! ```text
//! | length, u32 | CRC-32C of the length, u32 | CRC-32C of the payload, u32 | payload |      all little-endian
//! ```
//!
//! What cannot be read at the end of a log is a **torn tail**, the trace of a write that power or a kill cut short and
//! that nobody was told of, if and only if no whole record follows it anywhere and
//!
//! - fewer bytes are left than a frame takes, or
//! - the length is whole but its payload goes on past the end of the file, or
//! - the file ends in zeros: the file system had made room that was not filled. (No payload ends in a zero.)
//!
//! It is dropped. Anything else that cannot be read is **corrupt**: bytes that were once whole, and perhaps acknowledged,
//! have changed, and a member that lost them unawares could break every promise. It must not start. The length has a
//! checksum of its own because a changed length would otherwise look like a torn tail.

use serde::Serialize;
use serde::de::DeserializeOwned;

const FRAME_BYTES: usize = 12;

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered<R> {
    /// In the order in which they were written.
    pub records: Vec<R>,
    /// The log's length without its torn tail, in bytes.
    pub valid_len: usize,
    /// Something was cut short, and dropped.
    pub torn: bool,
}

/// A log that must not be started from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log is corrupt at byte {offset}: {why}")]
pub struct CorruptLog {
    pub offset: usize,
    pub why: String,
}

/// Appends one record to `log`.
pub fn encode<R: Serialize>(record: &R, log: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let frame_at = log.len();
    log.extend_from_slice(&[0; FRAME_BYTES]);
    if let Err(error) = serde_json::to_writer(&mut *log, record) {
        log.truncate(frame_at);
        return Err(error);
    }
    let payload_at = frame_at + FRAME_BYTES;
    let length = u32::try_from(log.len() - payload_at)
        .map_err(|_| serde::ser::Error::custom("a record of more than 4 GiB"))?
        .to_le_bytes();
    let payload_check = crc32c::crc32c(&log[payload_at..]).to_le_bytes();
    log[frame_at..frame_at + 4].copy_from_slice(&length);
    log[frame_at + 4..frame_at + 8].copy_from_slice(&crc32c::crc32c(&length).to_le_bytes());
    log[frame_at + 8..payload_at].copy_from_slice(&payload_check);
    Ok(())
}

/// Reads a whole log.
pub fn decode<R: DeserializeOwned>(log: &[u8]) -> Result<Recovered<R>, CorruptLog> {
    let mut records = Vec::new();
    let mut offset = 0;
    while offset < log.len() {
        let rest = &log[offset..];
        match frame(rest) {
            Frame::Whole(payload) => {
                let record = serde_json::from_slice(payload).map_err(|error| CorruptLog {
                    offset,
                    why: format!("its checksum is right, but this version cannot read it: {error}"),
                })?;
                records.push(record);
                offset += FRAME_BYTES + payload.len();
            }
            Frame::CutShort if !whole_record_follows(rest) => return Ok(torn(records, offset)),
            Frame::Wrong(_) if rest.last() == Some(&0) && !whole_record_follows(rest) => {
                return Ok(torn(records, offset));
            }
            Frame::CutShort => {
                return Err(CorruptLog {
                    offset,
                    why: "a record is cut short, and whole ones follow".into(),
                });
            }
            Frame::Wrong(why) => return Err(CorruptLog { offset, why: why.into() }),
        }
    }
    Ok(Recovered { records, valid_len: offset, torn: false })
}

fn torn<R>(records: Vec<R>, valid_len: usize) -> Recovered<R> {
    Recovered { records, valid_len, torn: true }
}

enum Frame<'a> {
    Whole(&'a [u8]),
    CutShort,
    Wrong(&'static str),
}

/// The record that `bytes` begins with.
fn frame(bytes: &[u8]) -> Frame<'_> {
    let fields = bytes.split_first_chunk::<4>().and_then(|(length, rest)| {
        let (length_check, rest) = rest.split_first_chunk::<4>()?;
        let (payload_check, rest) = rest.split_first_chunk::<4>()?;
        Some((*length, u32::from_le_bytes(*length_check), u32::from_le_bytes(*payload_check), rest))
    });
    let Some((length, length_check, payload_check, rest)) = fields else { return Frame::CutShort };
    if crc32c::crc32c(&length) != length_check {
        return Frame::Wrong("the checksum of a record's length is wrong");
    }
    let Some(payload) = rest.get(..u32::from_le_bytes(length) as usize) else { return Frame::CutShort };
    if payload.is_empty() {
        return Frame::Wrong("an empty record");
    }
    if crc32c::crc32c(payload) == payload_check {
        Frame::Whole(payload)
    } else {
        Frame::Wrong("the checksum of a record is wrong")
    }
}

/// Whether a whole record begins anywhere after the first byte. JSON holds no zero bytes, so no payload looks like one.
fn whole_record_follows(bytes: &[u8]) -> bool {
    (1..bytes.len()).any(|offset| matches!(frame(&bytes[offset..]), Frame::Whole(_)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(records: &[String]) -> (Vec<u8>, Vec<usize>) {
        let (mut log, mut ends) = (Vec::new(), vec![0]);
        for record in records {
            encode(record, &mut log).unwrap();
            ends.push(log.len());
        }
        (log, ends)
    }

    fn records() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[a-z\\PC]{0,24}", 1..8)
    }

    #[test]
    fn an_empty_log_is_whole() {
        assert_eq!(decode::<String>(&[]), Ok(Recovered { records: Vec::new(), valid_len: 0, torn: false }));
    }

    #[test]
    fn room_that_was_not_filled_is_a_torn_tail() {
        let (whole, _) = log(&["one".into(), "two".into()]);
        let mut roomy = whole.clone();
        roomy.extend([0; 4096]);
        let expected = Recovered {
            records: vec!["one".to_owned(), "two".to_owned()],
            valid_len: whole.len(),
            torn: true,
        };
        assert_eq!(decode(&roomy), Ok(expected));
    }

    #[test]
    fn a_record_of_another_version_is_refused_with_its_place() {
        let (bytes, ends) = log(&["one".into(), "two".into()]);
        let mut log = bytes[..ends[1]].to_vec();
        encode(&7, &mut log).unwrap();
        let error = decode::<String>(&log).unwrap_err();
        assert_eq!(error.offset, ends[1]);
        assert!(error.to_string().contains("cannot read it"), "{error}");
    }

    proptest! {
        #[test]
        fn any_truncation_recovers_a_prefix(records in records(), at in any::<prop::sample::Index>()) {
            let (log, ends) = log(&records);
            let at = at.index(log.len() + 1);
            let recovered = decode::<String>(&log[..at]).unwrap();
            let whole = ends.iter().filter(|&&end| end <= at).count() - 1;
            prop_assert_eq!(&recovered.records, &records[..whole]);
            prop_assert_eq!(recovered.valid_len, ends[whole]);
            prop_assert_eq!(recovered.torn, ends[whole] != at);
        }

        #[test]
        fn a_tail_that_became_zeros_recovers_a_prefix(records in records(), at in any::<prop::sample::Index>()) {
            let (mut log, ends) = log(&records);
            let at = at.index(log.len());
            log[at..].fill(0);
            let recovered = decode::<String>(&log).unwrap();
            let whole = ends.iter().filter(|&&end| end <= at).count() - 1;
            prop_assert_eq!(&recovered.records, &records[..whole]);
        }

        #[test]
        fn a_flipped_bit_is_refused_wherever_it_is(
            records in records(),
            at in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let (mut log, ends) = log(&records);
            let at = at.index(log.len());
            log[at] ^= 1 << bit;
            let error = decode::<String>(&log).unwrap_err();
            let record = ends.iter().rev().find(|&&end| end <= at).copied();
            prop_assert_eq!(Some(error.offset), record);
        }
    }
}

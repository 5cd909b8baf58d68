//! Times, sizes, seeds and other quantities as people write them.
//!
//! A number without a unit is an error that shows the units.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::cli::names::split_list;

/// The longest time that anything can be asked to take: a year.
pub(crate) const TIME_MAX: Duration = Duration::from_hours(365 * 24);

/// A time with its unit: `500ms`, `30s`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?} is not a time; write 500ms, 30s, 2m or 1h");
        let duration = histories::duration(text).ok_or_else(expected)?.to_duration();
        Self(duration).bounded().map_err(|why| format!("{text:?} {why}"))
    }
}

impl Time {
    /// Refuses none at all and more than a year.
    pub(crate) fn bounded(self) -> Result<Self, &'static str> {
        match self.0 {
            time if time.is_zero() => Err("is no time at all"),
            time if time > TIME_MAX => Err("is longer than a year"),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) { write!(f, "{}s", millis / 1000) } else { write!(f, "{millis}ms") }
    }
}

/// The fewest and the most steps of a transaction: `1..4`, or `3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths(pub(crate) u16, pub(crate) u16);

impl Lengths {
    const MOST: u16 = 1_000;

    pub(crate) fn bounded(self) -> Result<Self, String> {
        let Self(least, most) = self;
        if 1 <= least && least <= most && most <= Self::MOST {
            return Ok(self);
        }
        Err(format!(
            "transactions of {least} to {most} steps cannot be had; there can be 1 to {}",
            Self::MOST
        ))
    }
}

impl FromStr for Lengths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<u16>().ok();
        let lengths = number(least).zip(number(most)).map(|(least, most)| Self(least, most));
        lengths.ok_or_else(|| format!("{text:?} is no length of transactions; write 1..4, or 3"))?.bounded()
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0, self.1)
    }
}

/// How much more often each key is used than the next, from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Skew(pub(crate) f64);

impl Skew {
    pub(crate) fn bounded(self) -> Result<Self, String> {
        let fits = (1.0..=1000.0).contains(&self.0);
        if fits {
            Ok(self)
        } else {
            Err(format!("a skew of {} cannot be had; there can be 1 to 1000", self.0))
        }
    }
}

impl FromStr for Skew {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let skew = text.trim().parse().map(Self).map_err(|_| format!("{text:?} is no skew; write 1 to 1000"));
        skew?.bounded()
    }
}

/// What a check may use: a time, a size, or both: `60s,4GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BudgetLimits {
    pub(crate) time: Duration,
    pub(crate) memory_bytes: usize,
}

impl Default for BudgetLimits {
    fn default() -> Self {
        Self { time: Duration::from_mins(1), memory_bytes: checkers::Budget::MEMORY_BYTES_DEFAULT }.in_reach()
    }
}

impl BudgetLimits {
    /// No more memory than half of the address space that this process may have, where that is limited: the history and
    /// the program itself take the rest.
    fn in_reach(self) -> Self {
        Self { memory_bytes: self.memory_bytes.min(address_space() / 2), ..self }
    }
}

/// Bytes of address space that this process may have.
pub(crate) fn address_space() -> usize {
    let limit = getrlimit(Resource::RLIMIT_AS).map_or(RLIM_INFINITY, |(soft, _)| soft);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl FromStr for BudgetLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut limits = Self::default();
        let items = split_list(text);
        if items.is_empty() {
            return Err("a budget is a time, a size, or both: 60s,4GiB".into());
        }
        for item in &items {
            if let Ok(Time(time)) = item.parse() {
                limits.time = time;
            } else if let Some(bytes) = bytes(item) {
                limits.memory_bytes = bytes;
            } else {
                return Err(format!("{item:?} is neither a time nor a size; a budget is written 60s,4GiB"));
            }
        }
        Ok(limits.in_reach())
    }
}

fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "KiB" => 1_u64 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    Some((number * factor as f64) as usize)
}

/// `1.5h` as 1.5 and `h`; nothing negative.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number = text[..at].parse().ok()?;
    Some((number, text[at..].trim()))
}

/// A number, or a commit's hash, of which the first 16 hexadecimal digits are the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self(number));
        }
        if let Some(why) = too_large_for_a_seed(text) {
            return Err(why);
        }
        let hexadecimal = text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = text.get(..text.len().min(16)).filter(|_| hexadecimal);
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no seed; a seed is a number or a commit's hash"))
    }
}

/// Which seeds: how many, or exactly these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seeds {
    /// So many, one after the other from the first.
    Count(u32),
    These(Vec<u64>),
}

impl Seeds {
    const MAX: u64 = 1_000_000;

    /// The seeds, with `first` where only their number is given.
    pub(crate) fn resolve(&self, first: u64) -> Vec<u64> {
        match self {
            Self::Count(count) => (0..u64::from(*count)).map(|i| first.wrapping_add(i)).collect(),
            Self::These(seeds) => seeds.clone(),
        }
    }
}

/// A number that is one, and yet beyond 64 bits.
fn too_large_for_a_seed(text: &str) -> Option<String> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text.parse::<u64>().is_err())
        .then(|| format!("{text:?} is too large for a seed; the largest is {}", u64::MAX))
}

/// A count `20`, a list `3,5,9`, or a range `1..20` with both ends.
impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?} names no seeds; write a count 20, a list 3,5,9 or a range 1..20");
        if let Some(why) = text.split(['.', ',', '=']).find_map(too_large_for_a_seed) {
            return Err(why);
        }
        if let Some((low, high)) = text.split_once("..") {
            let low: u64 = low.trim().parse().map_err(|_| expected())?;
            let high: u64 = high.trim().trim_start_matches('=').parse().map_err(|_| expected())?;
            if high < low || high - low >= Self::MAX {
                return Err(expected());
            }
            return Ok(Self::These((low..=high).collect()));
        }
        if text.contains(',') {
            let seeds: Result<Vec<u64>, _> = split_list(text).iter().map(|seed| seed.parse()).collect();
            return seeds.ok().filter(|seeds| !seeds.is_empty()).map(Self::These).ok_or_else(expected);
        }
        match text.trim().parse() {
            Ok(count) if count > 0 => Ok(Self::Count(count)),
            _ => Err(expected()),
        }
    }
}

/// Names at commas, where those in brackets do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List(pub(crate) Vec<String>);

impl FromStr for List {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = split_list(text);
        if items.is_empty() { Err("the list is empty".into()) } else { Ok(Self(items)) }
    }
}

/// A TOML value as the flag of the same name would take it: lists are joined at commas.
struct FlagText;

impl<'de> Visitor<'de> for FlagText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a truth, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<String, E> {
        Ok(integer.to_string())
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<String, E> {
        Ok(integer.to_string())
    }

    /// Beyond 64 bits: what the flag stands for says whether it takes so much.
    fn visit_i128<E: Error>(self, integer: i128) -> Result<String, E> {
        Ok(integer.to_string())
    }

    fn visit_u128<E: Error>(self, integer: u128) -> Result<String, E> {
        Ok(integer.to_string())
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<String, E> {
        Ok(float.to_string())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<String, E> {
        Ok(truth.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<String, A::Error> {
        let mut texts = Vec::new();
        while let Some(Item(text)) = items.next_element()? {
            texts.push(text);
        }
        Ok(texts.join(","))
    }
}

struct Item(String);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        flag_text(deserializer).map(Self)
    }
}

/// For serde: a value as it would stand behind the flag of the same name.
pub(crate) fn flag_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(FlagText)
}

/// For serde: the value goes through the same parser as the flag.
pub(crate) fn as_flag<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    flag_text(deserializer)?.parse().map(Some).map_err(Error::custom)
}

/// The same for a flag that may be given several times.
pub(crate) fn as_flags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(as_flag::<D, List>(deserializer)?.map(|list| list.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Result<Duration, String> {
        text.parse::<Time>().map(|time| time.0)
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("1.5m"), Ok(Duration::from_secs(90)));
        assert!(time("30").is_err());
        assert!(time("-3s").is_err());
        assert!(time("0s").is_err());
        assert!(time("1e99h").is_err());
        assert!(time("99999999999h").unwrap_err().contains("longer than a year"));
        assert_eq!(Time(Duration::from_secs(20)).to_string(), "20s");
    }

    #[test]
    fn a_budget_takes_a_time_a_size_or_both() {
        let both: BudgetLimits = "5s,256MiB".parse().unwrap();
        assert_eq!(both, BudgetLimits { time: Duration::from_secs(5), memory_bytes: 256 << 20 });
        let size: BudgetLimits = "1GB".parse().unwrap();
        assert_eq!((size.time, size.memory_bytes), (Duration::from_mins(1), 1_000_000_000));
        assert!("60".parse::<BudgetLimits>().is_err());
    }

    #[test]
    fn seeds_are_numbers_or_hashes() {
        assert_eq!("42".parse(), Ok(Seed(42)));
        assert_eq!("deadbeefcafebabe0123".parse(), Ok(Seed(0xdead_beef_cafe_babe)));
        assert_eq!("8cdb49f".parse(), Ok(Seed(0x08cd_b49f)));
        assert!("lucky".parse::<Seed>().is_err());
        assert!("18446744073709551616".parse::<Seed>().unwrap_err().contains("too large"));
    }

    #[test]
    fn seeds_are_a_count_a_list_or_a_range() {
        assert_eq!("3".parse::<Seeds>().unwrap().resolve(7), [7, 8, 9]);
        assert_eq!("5,9".parse::<Seeds>().unwrap().resolve(7), [5, 9]);
        assert_eq!("1..3".parse::<Seeds>().unwrap().resolve(7), [1, 2, 3]);
        for large in ["1..18446744073709551616", "4,99999999999999999999"] {
            assert!(large.parse::<Seeds>().unwrap_err().contains("too large"), "{large}");
        }
        assert!("3..1".parse::<Seeds>().is_err());
        assert!("0".parse::<Seeds>().is_err());
    }
}

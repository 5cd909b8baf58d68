//! How strong a fault is: `by=50ms`, `by=-2s`, `by=20%`, `by=20ms/s`, `by=64KB/s`, each also as a span. The table of faults says what it is a strength of.

use super::kind::FaultKind;
use super::syntax;
use super::table::Strength;
use crate::Dice;

/// What `by=` is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Milliseconds, more than none.
    Time,
    /// Milliseconds, back where negative.
    Offset,
    /// Of a hundred messages.
    Percent,
    /// Milliseconds a second, slow where negative.
    Rate,
    /// Kilobytes of 1,000 bytes a second.
    Bandwidth,
}

/// From one amount to another, both included, in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) unit: Unit,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// A clock that stands still is no clock.
const SLOWEST: i64 = -999;
const FASTEST: i64 = 10_000;
/// Ten gigabytes a second.
const WIDEST_KB: i64 = 10_000_000;

impl Amount {
    /// As it was asked for, or else as is usual for `kind`; 0 where nothing is to be told.
    pub(super) fn roll(asked: Option<Self>, kind: FaultKind, dice: &mut Dice) -> i64 {
        if let Some(Self { low, high, .. }) = asked {
            return low.saturating_add_unsigned(dice.below(high.abs_diff(low) + 1));
        }
        let Some(Strength { unit, usual: (low, high) }) = kind.entry().strength else { return 0 };
        let amount = low.saturating_add_unsigned(dice.below(high.abs_diff(low) + 1));
        let signed = matches!(unit, Unit::Offset | Unit::Rate);
        if signed && dice.chance(1, 2) { -amount } else { amount }
    }

    pub(super) fn parse(unit: Unit, text: &str) -> Result<Self, String> {
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (low, high) = (unit.parse(low)?, unit.parse(high)?);
        if low > high {
            return Err(format!("{text:?} ends below where it begins"));
        }
        Ok(Self { unit, low, high })
    }
}

impl Unit {
    fn parse(self, text: &str) -> Result<i64, String> {
        let wrong = || format!("by={text:?} is not {}", self.about());
        let (sign, plain) = match text.strip_prefix('-') {
            Some(plain) => (-1, plain),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let millis = |text: &str| {
            let nanos = syntax::parse_duration(text).map_err(|_| wrong())?;
            Ok(sign * (nanos.as_millis_f64().round() as i64))
        };
        match self {
            Self::Time => millis(plain).and_then(|time| if time > 0 { Ok(time) } else { Err(wrong()) }),
            Self::Offset => millis(plain),
            Self::Percent => {
                let number = text.strip_suffix('%').and_then(|number| number.parse().ok());
                number.filter(|percent| (1..=100).contains(percent)).ok_or_else(wrong)
            }
            Self::Rate => {
                let rate = millis(plain.strip_suffix("/s").ok_or_else(wrong)?)?;
                Some(rate).filter(|rate| (SLOWEST..=FASTEST).contains(rate)).ok_or_else(wrong)
            }
            Self::Bandwidth => {
                let plain = text.strip_suffix("/s").ok_or_else(wrong)?;
                let read = |unit: &str, kilobytes: i64| {
                    plain.strip_suffix(unit)?.parse::<i64>().ok()?.checked_mul(kilobytes)
                };
                let amount = read("KB", 1).or_else(|| read("MB", 1000));
                amount.filter(|amount| (1..=WIDEST_KB).contains(amount)).ok_or_else(wrong)
            }
        }
    }

    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Time => "50ms",
            Self::Offset => "-2s",
            Self::Percent => "20%",
            Self::Rate => "20ms/s",
            Self::Bandwidth => "64KB/s",
        }
    }

    fn about(self) -> String {
        match self {
            Self::Time => "a time: write 50ms or 20ms..80ms".to_owned(),
            Self::Offset => "an offset: write 500ms, -2s or -1s..1s".to_owned(),
            Self::Percent => "a share of messages from 1% to 100%: write 20% or 5%..30%".to_owned(),
            Self::Rate => {
                format!("a rate from {SLOWEST}ms/s to {FASTEST}ms/s: write 20ms/s or -300ms/s..-100ms/s")
            }
            Self::Bandwidth => {
                "a bandwidth from 1KB/s to 10000MB/s: write 64KB/s or 32KB/s..1MB/s".to_owned()
            }
        }
    }

    fn write(self, amount: i64) -> String {
        match self {
            Self::Time | Self::Offset => format!("{amount}ms"),
            Self::Percent => format!("{amount}%"),
            Self::Rate => format!("{amount}ms/s"),
            Self::Bandwidth => format!("{amount}KB/s"),
        }
    }
}

/// As it can be read back.
impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { unit, low, high } = self;
        f.write_str(&unit.write(*low))?;
        if high > low { write!(f, "..{}", unit.write(*high)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_amount_is_drawn_within_what_was_asked_for() {
        let mut dice = Dice::new(1);
        let asked = Amount::parse(Unit::Rate, "-20ms/s..+10ms/s").unwrap();
        let drawn: BTreeSet<i64> =
            (0..500).map(|_| Amount::roll(Some(asked), FaultKind::ClockDrift, &mut dice)).collect();
        assert_eq!((drawn.first(), drawn.last()), (Some(&-20), Some(&10)));
    }

    #[test]
    fn a_usual_clock_is_fast_or_slow_and_a_usual_delay_is_none_of_the_past() {
        let mut dice = Dice::new(1);
        for kind in FaultKind::ALL {
            let drawn: Vec<i64> = (0..100).map(|_| Amount::roll(None, kind, &mut dice)).collect();
            let (low, high) = kind.entry().strength.as_ref().map_or((0, 0), |strength| strength.usual);
            assert!(drawn.iter().all(|amount| (low..=high).contains(&amount.abs())), "{kind:?}");
            let signed = matches!(kind.unit(), Some(Unit::Offset | Unit::Rate));
            assert_eq!(drawn.iter().any(|&amount| amount < 0), signed, "{kind:?}");
            assert_eq!(kind.unit().is_some(), high > 0, "{kind:?}");
        }
    }
}

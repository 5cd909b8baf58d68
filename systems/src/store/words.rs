//! Names and times that users type, and the nearest known name where they mistype.
//!
//! Never guesses on the user's behalf: an unknown name is an error that suggests.

use histories::Nanos;

/// `did you mean "lease"? known: index, lease`.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    let best = histories::nearest(typed, known.iter().copied());
    let list = known.join(", ");
    match best {
        Some(name) => format!("did you mean {name:?}? known: {list}"),
        None => format!("known: {list}"),
    }
}

/// As [`duration`] reads it, `20ms`.
pub(super) fn text(time: Nanos) -> String {
    format!("{}ms", time.0 / 1_000_000)
}

/// `20ms` or `1s`.
pub(super) fn duration(name: &str, value: &str) -> Result<Nanos, String> {
    const HOUR: Nanos = Nanos::from_secs(60 * 60);
    histories::duration(value)
        .filter(|time| (Nanos::from_millis(1)..=HOUR).contains(time) && time.0.is_multiple_of(1_000_000))
        .ok_or_else(|| format!("{name} = {value:?}: give a time from 1ms to an hour, 20ms or 1s"))
}

/// An enum whose variants users name.
macro_rules! option_values {
    ($(#[$meta:meta])* $name:ident, $option:literal { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant,)* }

        impl $name {
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            pub(crate) fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!(
                        "{} has no value {text:?}; {}",
                        $option,
                        nearest(text, [$($text,)*]),
                    )),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(super) use option_values;

//! What a run may be asked for: the same bounds for flags, suites, configurations and recipes.

use std::path::{Component, Path};
use std::time::Duration;

use serde::{Deserializer, de};

use systems::lies::LieKind;

use crate::cli::names::unknown;
use crate::cli::quantity::flag_text;

/// Quantities that are whole numbers: each is read from a flag, from a key of TOML, and checked where a recipe holds it.
macro_rules! whole_numbers {
    ($($name:ident: $type:ty, $what:literal, $least:expr, $most:expr;)*) => {$(
        pub(crate) mod $name {
            use super::{Deserializer, de, flag_text};

            const LEAST: $type = $least;
            const MOST: $type = $most;

            pub(crate) fn check(value: $type) -> Result<$type, String> {
                if (LEAST..=MOST).contains(&value) { Ok(value) } else { Err(refusal(&value.to_string())) }
            }

            pub(crate) fn parse(text: &str) -> Result<$type, String> {
                text.trim().parse().map_err(|_| refusal(text)).and_then(check)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(key: D) -> Result<Option<$type>, D::Error> {
                parse(&flag_text(key)?).map(Some).map_err(de::Error::custom)
            }

            fn refusal(text: &str) -> String {
                format!("{text:?} is no number of {}; there can be {LEAST} to {MOST}", $what)
            }
        }
    )*};
}

whole_numbers! {
    datacentres: u16, "datacentres", 1, 9;
    nodes: u16, "nodes", 1, 99;
    clients: u32, "clients", 1, 10_000;
    keys: u16, "keys", 1, 1_000;
    writes_per_key: u64, "writes of a key", 1, 1_000_000;
    accounts: u16, "accounts", 2, 1_000;
    total_amount: i64, "money", 0, 1_000_000_000_000;
    operations: u64, "operations", 1, 1_000_000_000_000;
}

/// A lie by name; the error names the nearest known.
pub(crate) fn lie(name: &str) -> Result<LieKind, String> {
    let known: Vec<&str> = LieKind::ALL.iter().map(|kind| kind.name()).collect();
    LieKind::named(name).ok_or_else(|| unknown("lie", name, &known))
}

/// The most versions that are remembered of a key.
pub(crate) const VERSIONS_MAX: u16 = 64;

/// How many versions old a stale read may be.
pub(crate) fn versions(versions: u16) -> Result<u16, String> {
    if (1..=VERSIONS_MAX).contains(&versions) {
        return Ok(versions);
    }
    Err(format!("a stale read may be 1 to {VERSIONS_MAX} versions old, not {versions}"))
}

/// The share of operations that clients lie about.
pub(crate) fn lie_rate(rate: f64) -> Result<f64, String> {
    if rate > 0.0 && rate <= 1.0 {
        return Ok(rate);
    }
    Err(format!("{rate} is no rate of lies; write a share above 0 and at most 1, 0.05"))
}

/// How long a client may wait for an answer.
const DEADLINE_MAX: Duration = Duration::from_hours(1);

pub(crate) fn deadline(time: Duration) -> Result<Duration, String> {
    if !time.is_zero() && time <= DEADLINE_MAX {
        return Ok(time);
    }
    Err(format!(
        "a deadline of {} ms is out of bounds; an operation is waited for 1 ms to 1 h",
        time.as_millis()
    ))
}

/// Folders beside those of the suites.
const TAKEN: [&str; 2] = ["latest", "hunts"];

/// A suite's name is that of the folder of its runs: one plain name, and none that means something else there.
pub(crate) fn suite_name(name: &str) -> Result<&str, String> {
    let mut parts = Path::new(name).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    if !plain || name.starts_with('.') || name.contains(|c: char| c.is_control()) {
        return Err(format!("a suite cannot be called {name:?}: its runs lie in a folder of that name"));
    }
    if TAKEN.contains(&name) {
        return Err(format!(
            "a suite cannot be called {name:?}: that name beside the folders of suites is taken"
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_bounds_is_told_with_the_bounds() {
        assert_eq!(clients::parse("10"), Ok(10));
        insta::assert_snapshot!(clients::parse("0").unwrap_err(), @r#""0" is no number of clients; there can be 1 to 10000"#);
        for wrong in ["-1", "10001", "1000000000000000000000", "3.5", "three", ""] {
            assert!(clients::parse(wrong).is_err(), "{wrong}");
        }
        assert!(nodes::check(0).is_err() && keys::check(1001).is_err() && operations::check(0).is_err());
    }

    #[test]
    fn a_suite_is_called_what_a_folder_can_be_called() {
        for fine in ["quick", "my suite", "läufe"] {
            assert_eq!(suite_name(fine), Ok(fine));
        }
        for wrong in ["", ".", "..", "../../etc", "/etc", "a/b", "latest", "hunts", ".hidden", "a\nb", "a/"] {
            assert!(suite_name(wrong).is_err(), "{wrong}");
        }
    }
}

//! How figures are written: for people with their units, for programs bare.

/// The number, or nothing.
pub(crate) fn bare<T: ToString>(number: Option<T>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// A share as `97.5 %`, `-` where there is none.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// Milliseconds as seconds, `1.3 s`, or as they are where there are few.
pub(crate) fn seconds(ms: f64) -> String {
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{:.2} s", ms / 1e3) }
}

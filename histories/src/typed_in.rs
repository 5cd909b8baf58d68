//! Times as people type them: one rule, wherever they are typed.

use crate::Nanos;

/// `500ms`, `1.5s`, `2m` or `1h`; `None` for anything else. Nothing is negative, and what is too long is
/// [`Nanos::MAX`].
pub fn duration(text: &str) -> Option<Nanos> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let unit_nanos = match unit.trim() {
        "ms" => 1e6,
        "s" => 1e9,
        "m" | "min" => 6e10,
        "h" => 3.6e12,
        _ => return None,
    };
    // A cast to an integer ends at its bounds.
    Some(Nanos((number.parse::<f64>().ok()? * unit_nanos).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(duration("500ms"), Some(Nanos::from_millis(500)));
        assert_eq!(duration("1.5m"), Some(Nanos::from_secs(90)));
        assert_eq!(duration(" 1h"), Some(Nanos::from_secs(3600)));
        assert_eq!(duration("99999999999h"), Some(Nanos::MAX));
        for wrong in ["30", "-3s", "s", "1e99h", "3 parsecs", "", "1.2.3s"] {
            assert_eq!(duration(wrong), None, "{wrong:?}");
        }
    }
}

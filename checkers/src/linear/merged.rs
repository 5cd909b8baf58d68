//! What a history comes to over all its keys: violated where one is, undecided where one is.

use histories::History;

use super::{KeyReport, KeyState};
use crate::{Anomaly, Verdict, words};

/// How many anomalies a finding lists, one a key.
const ANOMALIES_MAX: usize = 10;
/// How many keys the reason for an unknown verdict names.
const REASONS_MAX: usize = 3;

/// The worst of all keys, with an anomaly for each that is violated.
pub(super) fn merge(history: &History, keys: &[KeyReport]) -> Verdict {
    if let Some(why) = nothing_applies(keys) {
        return Verdict::NotApplicable(why);
    }
    let mut anomalies: Vec<Anomaly> = keys
        .iter()
        .filter_map(|key| {
            if let KeyState::Violated(anomaly) = &key.state { Some((**anomaly).clone()) } else { None }
        })
        .collect();
    if !anomalies.is_empty() {
        anomalies.sort_by_key(|anomaly| anomaly.witness.operations.last().copied());
        anomalies.truncate(ANOMALIES_MAX);
        return Verdict::Invalid(anomalies);
    }
    let undecided: Vec<String> = keys
        .iter()
        .filter_map(|key| match &key.state {
            KeyState::Undecided(why) => Some(format!("{}: {why}", words::key(history, key.key))),
            _ => None,
        })
        .collect();
    if undecided.is_empty() {
        return if keys.iter().any(|key| key.has_ok) {
            Verdict::Valid
        } else {
            Verdict::Unknown("nothing was observed: no operation succeeded".into())
        };
    }
    let listed = undecided.iter().take(REASONS_MAX).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = if undecided.len() > REASONS_MAX { "; …" } else { "" };
    Verdict::Unknown(format!(
        "{} of {} undecided: {listed}{more}",
        undecided.len(),
        words::count(keys.len(), "key")
    ))
}

/// Why no key can be judged at all.
fn nothing_applies(keys: &[KeyReport]) -> Option<String> {
    if keys.iter().any(|key| key.applies) {
        return None;
    }
    Some(match keys.first().map(|key| &key.state) {
        Some(KeyState::Undecided(why)) => why.clone(),
        _ => "no operation is one of a sequential object".to_owned(),
    })
}

//! Reads and writes `NAME[:aim][@every|@on=event][:key=value…]`; some names are of two words, `clock:drift`. What is not known
//! is refused.

use histories::Nanos;

use super::aim::Aim;
use super::amount::Amount;
use super::kind::FaultKind;
use super::rhythm::Span;
use super::spec::FaultSpec;
use super::trigger::Trigger;

/// A fault that cannot be read, with the nearest one that can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault {text:?}: {why}")]
pub struct FaultSyntaxError {
    /// The fault as it was written.
    pub text: String,
    pub why: String,
}

const KEYS: [&str; 3] = ["by", "for", "first"];

pub(super) fn parse_list(text: &str) -> Result<Vec<FaultSpec>, FaultSyntaxError> {
    let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    if items == ["none"] {
        return Ok(Vec::new());
    }
    items.into_iter().map(parse_one).collect()
}

pub(super) fn parse_one(text: &str) -> Result<FaultSpec, FaultSyntaxError> {
    parse(text).map_err(|why| FaultSyntaxError { text: text.to_owned(), why })
}

fn parse(text: &str) -> Result<FaultSpec, String> {
    let parts = parts_of(text);
    let mut parts = parts.iter().map(String::as_str).peekable();
    let (head, beat) = rhythm_of(parts.next().unwrap_or_default())?;
    let kinds = kinds_of(head)?;
    let mut spec = FaultSpec::plain(kinds[0], kinds[0].entry().aims[0]);
    set_beat(&mut spec, beat)?;
    if kinds.len() > 1
        && let Some(part) = parts.next_if(|part| !part.contains('='))
    {
        let (word, beat) = rhythm_of(part)?;
        let kind = kind_of(head, word, &kinds)?;
        spec = FaultSpec { every: spec.every, on: spec.on, ..FaultSpec::plain(kind, kind.entry().aims[0]) };
        set_beat(&mut spec, beat)?;
    }
    let mut aimed = false;
    for part in parts {
        if let Some((key, value)) = part.split_once('=').filter(|(key, _)| !key.contains('@')) {
            let (value, beat) = rhythm_of(value)?;
            set_beat(&mut spec, beat)?;
            set_key(&mut spec, key, value)?;
        } else if aimed {
            return Err(format!("{part:?} is no key=value; keys are {}", KEYS.join(", ")));
        } else {
            aimed = true;
            let (name, beat) = rhythm_of(part)?;
            spec.aim = aim(spec.kind, name)?;
            set_beat(&mut spec, beat)?;
        }
    }
    check(&spec)?;
    Ok(spec)
}

fn words(kind: FaultKind) -> (&'static str, Option<&'static str>) {
    kind.name().split_once(':').map_or((kind.name(), None), |(head, word)| (head, Some(word)))
}

/// The kinds whose name begins with this word: one or more.
fn kinds_of(head: &str) -> Result<Vec<FaultKind>, String> {
    let kinds: Vec<FaultKind> = FaultKind::ALL.into_iter().filter(|&kind| words(kind).0 == head).collect();
    if !kinds.is_empty() {
        return Ok(kinds);
    }
    if ["none", "all"].contains(&head) {
        return Err(format!("{head} stands by itself, not in a list"));
    }
    let mut names: Vec<&str> = FaultKind::ALL.into_iter().map(|kind| words(kind).0).collect();
    names.dedup();
    names.extend(["none", "all"]);
    Err(unknown("fault", head, &names))
}

fn kind_of(head: &str, word: &str, kinds: &[FaultKind]) -> Result<FaultKind, String> {
    kinds.iter().copied().find(|&kind| words(kind).1 == Some(word)).ok_or_else(|| {
        let known: Vec<&str> = kinds.iter().filter_map(|&kind| words(kind).1).collect();
        unknown(&format!("fault of {head}s"), word, &known)
    })
}

/// What stands between colons; the colon of an event, `@on=ack:100`, divides nothing.
fn parts_of(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(':') {
        match parts.last_mut() {
            Some(before) if before.ends_with("@on=ack") || before.ends_with("@on=op") => {
                before.push(':');
                before.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

/// When a fault begins again.
enum Beat {
    Every(Nanos),
    On(Trigger),
}

/// Splits `leader@8s` and `leader@on=elected`.
fn rhythm_of(part: &str) -> Result<(&str, Option<Beat>), String> {
    match part.split_once('@') {
        None => Ok((part, None)),
        Some((name, beat)) => Ok((
            name,
            Some(match beat.strip_prefix("on=") {
                Some(event) => Beat::On(Trigger::parse(event)?),
                None => Beat::Every(parse_duration(beat)?),
            }),
        )),
    }
}

fn set_beat(spec: &mut FaultSpec, beat: Option<Beat>) -> Result<(), String> {
    if beat.is_some() && (spec.every.is_some() || spec.on.is_some()) {
        return Err("@every or @on is given twice".to_owned());
    }
    match beat {
        Some(Beat::Every(every)) => spec.every = Some(every),
        Some(Beat::On(trigger)) => spec.on = Some(trigger),
        None => {}
    }
    Ok(())
}

fn aim(kind: FaultKind, name: &str) -> Result<Aim, String> {
    let aims = kind.entry().aims;
    aims.iter().copied().find(|aim| aim.name() == name).ok_or_else(|| {
        let names: Vec<&str> = aims.iter().map(|aim| aim.name()).collect();
        unknown(&format!("aim of {}", kind.name()), name, &names)
    })
}

fn set_key(spec: &mut FaultSpec, key: &str, value: &str) -> Result<(), String> {
    let twice = || Err(format!("{key} is given twice"));
    if key == "by" {
        let name = spec.kind.name();
        let unit = spec.kind.unit().ok_or_else(|| format!("{name} takes no by="))?;
        if spec.by.is_some() {
            return twice();
        }
        spec.by = Some(Amount::parse(unit, value)?);
        return Ok(());
    }
    let slot = match key {
        "for" => &mut spec.hold,
        "first" => &mut spec.first,
        _ => return Err(unknown("key", key, &KEYS)),
    };
    if slot.is_some() {
        return twice();
    }
    *slot = Some(parse_span(value)?);
    Ok(())
}

fn check(spec: &FaultSpec) -> Result<(), String> {
    if let (Some(hold), Some(every)) = (spec.hold, spec.every)
        && hold.high >= every
    {
        return Err(format!(
            "it would last {} but begin again every {}; make for= shorter than @",
            duration(hold.high),
            duration(every)
        ));
    }
    Ok(())
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = histories::nearest(name, known.iter().copied());
    let hint = nearest.map(|candidate| format!("; did you mean {candidate}?")).unwrap_or_default();
    let end = if hint.is_empty() { "." } else { "" };
    format!("unknown {what} {name:?}{hint}{end} There are {}", known.join(", "))
}

fn parse_span(text: &str) -> Result<Span, String> {
    let (low, high) = match text.split_once("..") {
        Some((low, high)) => (parse_duration(low)?, parse_duration(high)?),
        None => (parse_duration(text)?, parse_duration(text)?),
    };
    if low > high {
        return Err(format!("{text:?} ends before it begins"));
    }
    Ok(Span { low, high })
}

const DAY: Nanos = Nanos::from_secs(24 * 60 * 60);

/// `8s`, `1.5s`, `300ms`, `2m`; more than nothing and at most a day.
pub(super) fn parse_duration(text: &str) -> Result<Nanos, String> {
    let wrong = || format!("{text:?} is no duration; write 300ms, 8s, 1.5s or 2m");
    let nanos = histories::duration(text).ok_or_else(wrong)?;
    if !(Nanos::from_millis(1)..=DAY).contains(&nanos) {
        return Err(format!("{text:?} is out of bounds: from 1ms to a day"));
    }
    Ok(nanos)
}

pub(super) fn duration(nanos: Nanos) -> String {
    if nanos.0.is_multiple_of(1_000_000_000) {
        format!("{}s", nanos.0 / 1_000_000_000)
    } else {
        format!("{}ms", nanos.as_millis_f64())
    }
}

pub(super) fn span(span: Span) -> String {
    if span.low == span.high {
        duration(span.low)
    } else {
        format!("{}..{}", duration(span.low), duration(span.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        parse_list(text).unwrap().iter().map(FaultSpec::to_string).collect()
    }

    #[test]
    fn a_list_is_read_and_written_back() {
        assert_eq!(
            written("partition:leader@8s:for=3s, kill, pause:one:for=1.5s..2s:first=300ms,clients@1m"),
            [
                "partition:leader@8s:for=3s",
                "kill:leader",
                "pause:one:for=1500ms..2s:first=300ms",
                "clients:one@60s"
            ]
        );
        assert_eq!(
            written(
                "clock:drift:leader,clock,clock:step:by=-2s:datacentre@9s,slow:by=20ms..80ms,loss:by=20%:one"
            ),
            [
                "clock:drift:leader",
                "clock:step:one",
                "clock:step:datacentre@9s:by=-2000ms",
                "slow:all:by=20ms..80ms",
                "loss:one:by=20%"
            ]
        );
        assert_eq!(
            written("clock:drift:by=-300ms/s..20ms/s,power:majority,disk,disk:lies,partition:hub"),
            [
                "clock:drift:one:by=-300ms/s..20ms/s",
                "power:majority",
                "disk:torn:one",
                "disk:lies:all",
                "partition:hub"
            ]
        );
        assert_eq!(
            written(
                "throttle:by=64KB/s..1MB/s,jitter:leader:by=5ms,reset:by=1s,refuse,hang:all,half-open:one"
            ),
            [
                "throttle:all:by=64KB/s..1000KB/s",
                "jitter:leader:by=5ms",
                "reset:leader:by=1000ms",
                "refuse:leader",
                "hang:all",
                "half-open:one"
            ]
        );
        assert_eq!(written("none"), [] as [&str; 0]);
        assert_eq!(written(""), [] as [&str; 0]);
        for spec in FaultSpec::catalogue() {
            assert_eq!(spec.to_string().parse::<FaultSpec>(), Ok(spec));
        }
    }

    #[test]
    fn an_error_names_the_nearest_and_lists_them_all() {
        let errors: Vec<String> = [
            "partitoin",
            "kill:leadr",
            "pause:leader:fro=2s",
            "clients:ring",
            "kill@soon",
            "kill@2s:for=3s",
            "kill:leader:extra",
            "kill:leader:for=3s:for=4s",
            "kill:leader:for=0s",
            "xyzzy",
            "clock:leader",
            "clock:drfit:leader",
            "clock:drift:by=20ms",
            "clock:drift:by=-1000ms/s",
            "loss:by=101%",
            "slow:by=0ms",
            "slow:by=80ms..20ms",
            "kill:by=20ms",
            "throttle:by=64KB",
            "hang:by=2s",
            "disk:flip:rolling",
            "all:leader",
        ]
        .into_iter()
        .map(|text| parse_list(text).unwrap_err().to_string())
        .collect();
        insta::assert_debug_snapshot!(errors);
        assert!(parse_list("none,kill").is_err());
    }
}

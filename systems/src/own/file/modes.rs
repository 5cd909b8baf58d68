//! `[modes.NAME]`: what each way of running the system promises, and what it gives up.

use histories::ModelName;
use nemesis::{FaultSpec, Layout};

use super::section::{Read, Section};
use crate::{Mode, Routing, Show};

const MODE_KEYS: &[&str] = &["about", "promise", "shows", "survives", "routing", "available-with-majority"];
const SHOW_KEYS: &[&str] = &["model", "under", "with"];
/// The kinds of fault under which a promise is kept unless the file says otherwise.
const SURVIVED: &[&str] = &["network", "kill", "pause"];
const KINDS: [&str; 5] = ["network", "kill", "pause", "clock", "power"];

/// The modes of a file; one, `default`, that promises nothing where it names none.
pub(super) fn read(modes: Option<&Section<'_>>, layout: Layout, led: bool) -> Read<Vec<Mode>> {
    let Some(section) = modes else { return Ok(vec![plain("default", layout, led)]) };
    let mut read = Vec::new();
    for name in section.keys() {
        if let Some(table) = section.table(&name, MODE_KEYS)? {
            read.push(mode(&name, &table, layout, led)?);
        }
    }
    if read.is_empty() {
        return Err(section.lacks("at least one mode, [modes.default]"));
    }
    Ok(read)
}

fn mode(name: &str, table: &Section<'_>, layout: Layout, led: bool) -> Read<Mode> {
    let survives = if table.has("survives") {
        table.parsed("survives", |text| {
            let known = KINDS.into_iter().find(|kind| *kind == text);
            known
                .ok_or_else(|| format!("no kind of fault is called {text:?}; there are {}", KINDS.join(", ")))
        })?
    } else {
        SURVIVED.to_vec()
    };
    let routing = match table.text("routing")?.as_deref() {
        None | Some("sticky") => Routing::Sticky,
        Some("roam") => Routing::Roam,
        Some(other) => return Err(table.error("routing", &format!("sticky or roam, not {other:?}"))),
    };
    Ok(Mode {
        about: table.text("about")?.unwrap_or_default(),
        promise: table.parsed("promise", str::parse::<ModelName>)?,
        shows: table.tables("shows", SHOW_KEYS)?.iter().map(show).collect::<Read<_>>()?,
        survives,
        routing,
        available_with_majority: table.flag("available-with-majority")?.unwrap_or(false),
        ..plain(name, layout, led)
    })
}

fn show(table: &Section<'_>) -> Read<Show> {
    let model = table.needed_text("model")?;
    let under = table.parsed("under", |text| FaultSpec::parse_list(text).map(|_| text.to_owned()))?;
    Ok(Show {
        model: model
            .parse()
            .map_err(|error: histories::UnknownModel| table.error("model", &error.to_string()))?,
        kinds: Vec::new(),
        under,
        with: table.texts("with")?,
        live: true,
    })
}

/// A mode that promises nothing.
pub(crate) fn plain(name: &str, layout: Layout, led: bool) -> Mode {
    let survives = Vec::from(SURVIVED);
    Mode { survives, routing: Routing::Sticky, led, layout, ..Mode::new(name, "") }
}

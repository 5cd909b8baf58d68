//! What there is to choose from, as a person reads it: a row an entry.

use crate::cli::layout::Screen;
use crate::report::grid::Grid;
use crate::report::listing::{
    FormatUse, GivenUp, Here, ListedFault, ListedMode, ListedRun, ListedSystem, Listing, Named,
};

pub(super) fn render(listing: &Listing, screen: Screen) -> String {
    let grid = grid(listing, screen.verbose);
    if grid.is_empty() { "nothing yet\n".to_owned() } else { format!("{}\n", grid.terminal(0, screen.width)) }
}

/// The same before it is laid out. Of faults `verbose` tells what they take and how they end.
pub(crate) fn grid(listing: &Listing, verbose: bool) -> Grid {
    match listing {
        Listing::Systems(systems) => {
            filled(&["system", "modes", "faults", "on this machine"], systems.iter().map(system))
        }
        Listing::Modes(modes) => {
            filled(&["mode", "nodes", "promises", "gives up", "about"], modes.iter().map(mode))
        }
        Listing::Suites(suites) => named("suite", suites),
        Listing::Workloads(workloads) => named("workload", workloads),
        Listing::Models(models) => named("model", models),
        Listing::Faults(faults) if verbose => effects(faults),
        Listing::Faults(faults) => filled(
            &["fault", "aims", "about"],
            faults.iter().map(|fault| vec![fault.form.clone(), fault.aims.join(" "), fault.about.clone()]),
        ),
        Listing::Bugs(bugs) => filled(
            &["bug", "families", "breaks"],
            bugs.iter().map(|bug| texts(&[bug.name, bug.families, bug.about])),
        ),
        Listing::Lies(lies) => filled(
            &["lie", "says", "of"],
            lies.iter().map(|lie| texts(&[lie.name, lie.about, &lie.functions.join(", ")])),
        ),
        Listing::Formats(formats) => filled(
            &["format", "for", "about"],
            formats.iter().map(|format| texts(&[&format.name, uses(format.uses), &format.about])),
        ),
        Listing::Keys(keys) => filled(
            &["key", "environment", "about"],
            keys.iter().map(|key| texts(&[key.name, key.environment.as_deref().unwrap_or(""), &key.about])),
        ),
        Listing::Figures(figures) => filled(
            &["figure", "is", "about"],
            figures.iter().map(|figure| {
                let words = figure.words.join(" or ");
                let is = if words.is_empty() { figure.is } else { &words };
                texts(&[figure.path, is, figure.about])
            }),
        ),
        Listing::Runs(runs) => {
            filled(&["folder", "outcome", "workload", "mode", "faults", "seed"], runs.iter().map(run))
        }
        Listing::Topics(topics) => filled(
            &["name", "what", "about"],
            topics.iter().map(|topic| texts(&[topic.name, topic.kind.name(), topic.about])),
        ),
        Listing::Anomalies(anomalies) => {
            filled(&["anomaly", "what happens"], anomalies.iter().map(|of| texts(&[&of.name, &of.about])))
        }
    }
}

fn filled(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Grid {
    let mut grid = Grid::new(header);
    rows.for_each(|row| grid.push(row));
    grid
}

fn texts(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

fn named(what: &str, entries: &[Named]) -> Grid {
    filled(&[what, "about"], entries.iter().map(|entry| texts(&[&entry.name, &entry.about])))
}

fn system(system: &ListedSystem) -> Vec<String> {
    let here = match &system.here {
        Here::Bundled => "part of this program".to_owned(),
        Here::Installed { program, version } => {
            format!("{} ({program})", version.as_deref().unwrap_or("unknown version"))
        }
        Here::Missing { install } => format!("no: {install}"),
    };
    vec![system.name.clone(), system.modes.to_string(), system.faults.join(", "), here]
}

fn mode(mode: &ListedMode) -> Vec<String> {
    let nodes = match mode.datacentres {
        1 => mode.nodes_each.to_string(),
        datacentres => format!("{datacentres} x {}", mode.nodes_each),
    };
    let or = |text: String, instead: &str| if text.is_empty() { instead.to_owned() } else { text };
    let gives_up: Vec<String> = mode.gives_up.iter().map(given_up).collect();
    vec![
        mode.name.clone(),
        nodes,
        or(mode.promises.join(", "), "nothing"),
        or(gives_up.join(", "), "-"),
        mode.about.clone(),
    ]
}

fn given_up(given: &GivenUp) -> String {
    let GivenUp { model, under } = given;
    if under.is_empty() { (*model).to_owned() } else { format!("{model} ({})", under.join(", ")) }
}

/// Every kind with what it takes, what shows that it had an effect, and how it ends.
fn effects(faults: &[ListedFault]) -> Grid {
    let rows = faults.iter().filter_map(|fault| {
        let effect = fault.effect.as_ref()?;
        Some(texts(&[&fault.name, effect.needs, effect.shown_by, effect.at_its_end]))
    });
    filled(&["fault", "needs to", "shown by", "at its end"], rows)
}

fn uses(uses: FormatUse) -> &'static str {
    match uses {
        FormatUse::Read => "read",
        FormatUse::ReadAndWrite => "read, write",
        FormatUse::Write => "write",
        FormatUse::Report => "--report",
    }
}

fn run(run: &ListedRun) -> Vec<String> {
    let ListedRun { folder, results } = run;
    let Some(results) = results else {
        return texts(&[folder, "no results", "-", "-", "-", "-"]);
    };
    let outcome = if results.finished { results.outcome.name() } else { "unfinished" };
    let (faults, seed) = (results.faults.join(","), results.seed.to_string());
    texts(&[folder, outcome, &results.workload, &results.mode, &faults, &seed])
}

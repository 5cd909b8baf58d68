//! What a suite may hold, as tables: its keys, and the figures that it can expect something of. docs/suites.md holds both.

use crate::cli::options::Options;
use crate::plan::expect::{FIGURES, Figure};
use crate::report::listing::{ListedFigure, ListedKey, Listing};

/// Every key of a suite and of a profile, with the environment variable that outranks it.
pub(crate) fn keys(cli: &clap::Command) -> Listing {
    // The flags of `run` are the keys, and what they say of themselves is what is true of the keys.
    let flags: Vec<&clap::Arg> =
        cli.find_subcommand("run").map(|run| run.get_arguments().collect()).unwrap_or_default();
    let key = |name: &'static str| {
        let flag = flags.iter().find(|flag| flag.get_id().as_str() == name.replace('-', "_"));
        let environment = flag.and_then(|flag| flag.get_env());
        let about = flag.and_then(|flag| flag.get_help()).map(ToString::to_string);
        ListedKey {
            name,
            environment: environment.map(|name| name.to_string_lossy().into_owned()),
            about: about.unwrap_or_default(),
        }
    };
    Listing::Keys(Options::KEYS.iter().copied().map(key).collect())
}

/// Every figure, with what it is compared with.
pub(crate) fn figures() -> Listing {
    let listed = FIGURES.iter().map(|entry| ListedFigure {
        path: entry.path,
        is: entry.figure.name(),
        words: if let Figure::Word(known) = entry.figure { known.to_vec() } else { Vec::new() },
        about: entry.about,
    });
    Listing::Figures(listed.collect())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::commands::line::Cli;
    use crate::report::grid::Grid;
    use crate::report::terminal;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/suites.md");

    /// The rows of a table, each name as code.
    fn rows(grid: &Grid) -> Vec<String> {
        let rows = grid.of_markdown();
        rows.lines().skip(2).map(|row| row.replacen("| ", "| `", 1).replacen(" | ", "` | ", 1)).collect()
    }

    /// `PARTITA_WRITE_SAMPLES=1` writes the two tables anew.
    #[test]
    fn the_document_has_every_key_every_variable_and_every_figure() {
        let mut text = std::fs::read_to_string(DOCUMENT).unwrap();
        for listing in [keys(&Cli::command()), figures()] {
            let (name, grid) = (listing.name(), terminal::listing(&listing, false));
            let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
            let (before, rest) = text.split_once(&begin).unwrap();
            let (held, after) = rest.split_once(&end).unwrap();
            let markdown = grid.of_markdown();
            let head = markdown.lines().take(2).map(str::to_owned);
            let table = head.chain(rows(&grid)).collect::<Vec<_>>().join("\n") + "\n";
            if std::env::var_os("PARTITA_WRITE_SAMPLES").is_none() {
                assert_eq!(held, table, "docs/suites.md, {name}");
            }
            text = format!("{before}{begin}{table}{end}{after}");
        }
        if std::env::var_os("PARTITA_WRITE_SAMPLES").is_some() {
            std::fs::write(DOCUMENT, &text).unwrap();
        }
        // The variables of flags that are no keys stand in the text.
        for command in Cli::command().get_subcommands() {
            for name in command.get_arguments().filter_map(clap::Arg::get_env) {
                let name = format!("`{}`", name.to_string_lossy());
                assert!(text.contains(name.trim_matches('`')), "docs/suites.md lacks {name}");
            }
        }
        for name in Cli::command().get_arguments().filter_map(clap::Arg::get_env) {
            assert!(text.contains(&*name.to_string_lossy()), "docs/suites.md lacks {}", name.display());
        }
    }

    #[test]
    fn every_key_says_what_it_is() {
        let csv = terminal::listing(&keys(&Cli::command()), false).csv();
        assert_eq!(csv.lines().count(), Options::KEYS.len() + 1);
        assert!(!csv.lines().any(|line| line.ends_with(',') || line.contains(",,")), "{csv}");
    }
}

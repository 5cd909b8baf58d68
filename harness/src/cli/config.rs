//! `partita.toml`: options by profile.
//!
//! Weaker than flags and the environment, stronger than a suite.

use std::path::{Path, PathBuf};

use histories::Diagnostic;
use systems::toml_file::Document;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::names::unknown;
use crate::cli::options::Options;

/// Where a configuration is looked for unless `--config` says otherwise.
pub(crate) const FILE: &str = "partita.toml";

/// The options of `profile`, over those of the profile `default`, if the file has one.
pub(crate) fn load(file: Option<&Path>, profile: Option<&str>) -> Result<Options, Diagnostic> {
    let path = file.map_or_else(|| PathBuf::from(FILE), Path::to_path_buf);
    let name = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&name, &text, profile),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => match profile {
            None => Ok(Options::default()),
            Some(profile) => Err(Diagnostic::whole_file(
                &name,
                format!("there is no such file, so no profile {profile:?} either"),
            )),
        },
        Err(error) => Err(Diagnostic::whole_file(&name, format!("cannot be read: {error}"))),
    }
}

fn parse(file: &str, text: &str, profile: Option<&str>) -> Result<Options, Diagnostic> {
    let mut document = Document::parse(file, text)?;
    document.check_keys(&document.root, &["profile"])?;
    let mut profiles = DeTable::new();
    if let Some((key, value)) = document.root.remove_entry("profile") {
        let DeValue::Table(table) = value.into_inner() else {
            return Err(document.error(key.span(), "profile is a table: [profile.ci]"));
        };
        profiles = table;
    }
    let mut chosen = None;
    let mut default = Options::default();
    let names: Vec<String> = profiles.keys().map(|key| key.get_ref().to_string()).collect();
    for (key, value) in profiles {
        // Every profile is read, so that a mistake in one shows before it is needed.
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            return Err(document.error(span, format!("a profile is a table: [profile.{}]", key.get_ref())));
        };
        document.check_keys(&table, Options::KEYS)?;
        let options: Options = document.decode(Spanned::new(span, table))?;
        if Some(key.get_ref().as_ref()) == profile {
            chosen = Some(options.clone());
        }
        if key.get_ref() == "default" {
            default = options;
        }
    }
    match (profile, chosen) {
        (None, _) => Ok(default),
        (Some(_), Some(options)) => Ok(options.over(default)),
        (Some(profile), None) => {
            let known: Vec<_> = names.iter().map(String::as_str).collect();
            Err(Diagnostic::whole_file(file, unknown("profile", profile, &known)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "[profile.default]\nclients = 4\ntime = \"5s\"\n\n[profile.ci]\ntime = \"30s\"\nseeds = 5\n";

    #[test]
    fn a_profile_lies_over_the_default_one() {
        let options = parse("partita.toml", TEXT, Some("ci")).unwrap();
        assert_eq!(options.clients, Some(4));
        assert_eq!(options.time.unwrap().to_string(), "30s");
        assert_eq!(parse("partita.toml", TEXT, None).unwrap().time.unwrap().to_string(), "5s");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let error = |text: &str, profile| parse("partita.toml", text, profile).unwrap_err().to_string();
        insta::assert_snapshot!(error(TEXT, Some("cii")), @r#"partita.toml: no profile is called "cii"; did you mean "ci"? Known: ci, default"#);
        insta::assert_snapshot!(error("[profile.ci]\nclient = 4\n", None), @r#"
        partita.toml:2:1: unknown key "client"
          help: did you mean "clients"?
        "#);
        insta::assert_snapshot!(error("[profile.ci]\ntime = 30\n", None), @r#"partita.toml:2:8: "30" is not a time; write 500ms, 30s, 2m or 1h"#);
        insta::assert_snapshot!(error("time = \"30s\"\n", None), @r#"
        partita.toml:1:1: unknown key "time"
          help: the keys here are profile
        "#);
    }

    #[test]
    fn no_file_is_no_configuration_unless_it_was_asked_for() {
        let missing = Path::new("/nonexistent/partita.toml");
        assert!(load(Some(missing), None).is_err());
    }
}

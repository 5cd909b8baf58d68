//! `partita schema`: JSON Schemas of everything that is printed or written as JSON.
//!
//! They are derived from the types that are serialised, so that they say what is there.

use std::io::Write;

use clap::Args;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::judge::outcome::RunOutcome;
use crate::report::doctor::Diagnosis;
use crate::report::json::{
    CertificateReport, ClientReport, Document, FileReport, FileStats, LessonsReport, ListingReport,
    ReplayedReport, SelftestReport, ShrunkReport,
};

#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// A command, or a file of a run's folder without `.json`; without it, all schemas by name.
    #[arg(value_name = "COMMAND|FILE")]
    name: Option<String>,
}

/// What a schema is of, and how it is derived.
type Named = (&'static str, fn() -> Schema);

const SCHEMAS: &[Named] = &[
    ("run", of::<Document<'static>>),
    ("compare", of::<Document<'static>>),
    ("hunt", of::<Document<'static>>),
    ("calibrate", of::<Document<'static>>),
    ("check", of::<FileReport<'static>>),
    ("stats", of::<FileStats<'static>>),
    ("selftest", of::<SelftestReport<'static>>),
    ("doctor", of::<Diagnosis>),
    ("verify", of::<CertificateReport<'static>>),
    ("probe", of::<ClientReport<'static>>),
    ("list", of::<ListingReport<'static>>),
    ("explain", of::<LessonsReport<'static>>),
    ("shrink", of::<ShrunkReport<'static>>),
    ("replay", of::<ReplayedReport<'static>>),
    ("results", of::<RunOutcome>),
    ("env", environment),
    ("schedule", schedule),
];

pub(crate) fn schema(args: &SchemaArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let shown = match &args.name {
        None => {
            let all = SCHEMAS.iter().map(|(name, schema)| ((*name).to_owned(), schema().to_value()));
            Value::Object(all.collect::<Map<_, _>>())
        }
        Some(name) => {
            let known: Vec<&str> = SCHEMAS.iter().map(|(known, _)| *known).collect();
            let found = SCHEMAS.iter().find(|(known, _)| known == name);
            let (_, schema) = found.ok_or_else(|| Failure::Usage(unknown("schema", name, &known)))?;
            schema().to_value()
        }
    };
    // Schemas have string keys only, so they always serialise.
    writeln!(out, "{}", serde_json::to_string_pretty(&shown).unwrap_or_default())?;
    Ok(Exit::Success)
}

fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// `env.json`: what ran, where, and how it was configured. `configuration` is a recipe that `partita replay` reads.
fn environment() -> Schema {
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Environment",
        "type": "object",
        "properties": {
            "partita": {"type": "string", "description": "The version of the program."},
            "arguments": {"type": "array", "items": {"type": "string"}},
            "sha256": {"type": "string", "description": "Of the program; empty where it could not be read."},
            "kernel": {"type": "string"},
            "cpus": {"type": "integer", "minimum": 0},
            "configuration_sha256": {"type": "string", "description": "Of the configuration and the version."},
            "configuration": {"type": "object", "description": "The run as a recipe, for `partita replay`."},
            "system": {
                "type": "object",
                "description": "The program that the nodes ran, where it is not this one.",
                "properties": {"program": {"type": "string"}, "version": {"type": ["string", "null"]}},
                "required": ["program", "version"]
            }
        },
        "required": ["partita", "arguments", "sha256", "kernel", "cpus", "configuration_sha256", "configuration"]
    })
}

/// `schedule.json`: the faults of a run as they were carried out.
fn schedule() -> Schema {
    json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Schedule",
        "type": "object",
        "properties": {
            "finished": {"type": "boolean", "description": "False while the run goes on, and where it was broken off."},
            "seed": {"type": ["integer", "null"], "minimum": 0},
            "steps": {
                "type": "array",
                "description": "What was done, in order; the value is that of the history's event.",
                "items": {
                    "type": "object",
                    "properties": {
                        "time": {"type": "integer", "minimum": 0, "description": "Nanoseconds since the run began."},
                        "step": {"type": "string", "description": "`begin`, `end` or `heal`."},
                        "value": {"type": "object"}
                    },
                    "required": ["time", "step", "value"]
                }
            },
            "faults": {
                "type": "array",
                "description": "The same as a script that `partita replay` follows.",
                "items": {"type": "object"}
            }
        },
        "required": ["finished", "seed", "steps", "faults"]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_describes_an_object_with_properties() {
        let mut out = Vec::new();
        schema(&SchemaArgs { name: None }, &mut out).unwrap();
        let all: Value = serde_json::from_slice(&out).unwrap();
        for (name, _) in SCHEMAS {
            assert_eq!(all[name]["type"], "object", "{name}");
            assert!(!all[name]["properties"].as_object().unwrap().is_empty(), "{name}");
        }
        assert!(all["results"]["properties"]["thin"].is_object(), "what is flattened is there");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let mut out = Vec::new();
        let refused = schema(&SchemaArgs { name: Some("chek".into()) }, &mut out);
        assert!(matches!(refused, Err(Failure::Usage(why)) if why.contains("\"check\"")));
    }
}

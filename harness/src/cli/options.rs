//! The options of a run as flags, environment, profiles and suites all spell them.
//!
//! Gives no defaults: an option that nobody set stays open until `plan` closes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use serde::Deserialize;
use systems::Routing;

use crate::cli::bounds;
use crate::cli::net::NetName;
use crate::cli::quantity::{BudgetLimits, Lengths, List, Seed, Seeds, Skew, Time, as_flag, as_flags};
use crate::cli::stage::StageName;

/// What a run can be told. Each field is a flag, `PARTITA_…` in the environment, and a key of a profile and a suite.
#[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[command(next_help_heading = "What to run")]
pub(crate) struct Options {
    /// The system under test, or several: names (see `partita list systems`), TOML files that describe one, or
    /// `maelstrom:COMMAND` for nodes that speak Maelstrom's protocol.
    #[arg(long, value_name = "NAME|FILE,…", env = "PARTITA_SYSTEM")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) system: Option<List>,

    /// The program that the system's nodes run, or the folder that it lies in. Default: it is looked for.
    #[arg(long, value_name = "PATH", env = "PARTITA_BINARY")]
    pub(crate) binary: Option<PathBuf>,

    /// Where the nodes of a system are that runs already: `host:port`, one for each node. Nothing is started then.
    #[arg(long, value_name = "HOST:PORT,…", env = "PARTITA_ENDPOINTS")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) endpoints: Option<List>,

    /// A TOML file with your own commands for faults on nodes that run already, `[faults.kill]` and others; with
    /// --endpoints.
    #[arg(long, value_name = "FILE", env = "PARTITA_FAULT_COMMANDS")]
    pub(crate) fault_commands: Option<PathBuf>,

    /// Replication modes: names, names with options, globs; `single/quorum[read=lease],'single/*-read'`.
    #[arg(long, value_name = "M,…", env = "PARTITA_MODE")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) mode: Option<List>,

    /// Workloads, each run by itself.
    #[arg(long, value_name = "W,…", env = "PARTITA_WORKLOAD")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) workload: Option<List>,

    /// Faults, all of them in each run: `partition:leader,kill:leader@3s`; `none`.
    #[arg(long, value_name = "F,…", env = "PARTITA_FAULTS")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) faults: Option<List>,

    /// Datacentres, for modes that span several.
    #[arg(long, value_name = "D", env = "PARTITA_DATACENTRES", value_parser = bounds::datacentres::parse)]
    #[serde(deserialize_with = "bounds::datacentres::deserialize")]
    pub(crate) datacentres: Option<u16>,

    /// Members of the cluster, in each datacentre.
    #[arg(long, value_name = "N", env = "PARTITA_NODES", value_parser = bounds::nodes::parse)]
    #[serde(deserialize_with = "bounds::nodes::deserialize")]
    pub(crate) nodes: Option<u16>,

    /// Concurrent clients.
    #[arg(long, value_name = "N", env = "PARTITA_CLIENTS", value_parser = bounds::clients::parse)]
    #[serde(deserialize_with = "bounds::clients::deserialize")]
    pub(crate) clients: Option<u32>,

    /// Operations a second over all clients, or `max`.
    #[arg(long, value_name = "R", env = "PARTITA_RATE")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) rate: Option<Rate>,

    /// Keys in use at a time. Default: as the workload likes.
    #[arg(long, value_name = "N", env = "PARTITA_KEYS", value_parser = bounds::keys::parse)]
    #[serde(deserialize_with = "bounds::keys::deserialize")]
    pub(crate) keys: Option<u16>,

    /// Steps of a transaction: `1..4`, or `3`. Default: 1..4.
    #[arg(long, value_name = "N..M", env = "PARTITA_TXN_LENGTH")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) txn_length: Option<Lengths>,

    /// How much more often transactions use each key than the next; 1 means all alike. Default: 2.
    #[arg(long, value_name = "S", env = "PARTITA_KEY_SKEW")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) key_skew: Option<Skew>,

    /// Writes of a key by transactions, after which another key takes its place. Default: 32.
    #[arg(long, value_name = "N", env = "PARTITA_WRITES_PER_KEY", value_parser = bounds::writes_per_key::parse)]
    #[serde(deserialize_with = "bounds::writes_per_key::deserialize")]
    pub(crate) writes_per_key: Option<u64>,

    /// Accounts of a bank. Default: 8.
    #[arg(long, value_name = "N", env = "PARTITA_ACCOUNTS", value_parser = bounds::accounts::parse)]
    #[serde(deserialize_with = "bounds::accounts::deserialize")]
    pub(crate) accounts: Option<u16>,

    /// What all accounts of a bank hold together. Default: 100.
    #[arg(long, value_name = "N", env = "PARTITA_TOTAL_AMOUNT", value_parser = bounds::total_amount::parse)]
    #[serde(deserialize_with = "bounds::total_amount::deserialize")]
    pub(crate) total_amount: Option<i64>,

    /// Lets accounts of a bank be overdrawn: `true` or `false` [default].
    #[arg(long, env = "PARTITA_NEGATIVE_BALANCES", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) negative_balances: Option<bool>,

    /// How long each run issues operations: `30s`.
    #[arg(long, value_name = "T", env = "PARTITA_TIME")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) time: Option<Time>,

    /// Ends a run early after this many operations.
    #[arg(long, value_name = "N", env = "PARTITA_OPS", value_parser = bounds::operations::parse)]
    #[serde(deserialize_with = "bounds::operations::deserialize")]
    pub(crate) ops: Option<u64>,

    /// A planted bug, to see it found (see `partita list bugs`). The store's own modes have it.
    #[arg(long, value_name = "NAME", env = "PARTITA_BUG")]
    pub(crate) bug: Option<String>,

    /// Which node a client talks to: one for life, or one per operation. Default: as the mode says.
    #[arg(long, value_name = "HOW", env = "PARTITA_ROUTING")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) routing: Option<RoutingName>,

    /// The seed of everything random: a number or a commit's hash. Default: drawn, and printed.
    #[arg(long, value_name = "N|SHA", env = "PARTITA_SEED")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) seed: Option<Seed>,

    /// Several seeds: a count `20` (from --seed on), a list `3,5,9` or a range `1..20`, both ends included.
    #[arg(long, value_name = "SEEDS", env = "PARTITA_SEEDS")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) seeds: Option<Seeds>,

    /// Where runs take place: `live`, real processes on this machine [default], or `sim`, virtual time.
    #[arg(long, value_name = "STAGE", env = "PARTITA_STAGE")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) stage: Option<StageName>,

    /// How live nodes are joined: `proxy`, on 127.0.0.1, or `netns`, in network namespaces of their own (no root needed);
    /// `auto` [default] is `proxy` unless a fault takes namespaces.
    #[arg(long, value_name = "HOW", env = "PARTITA_NET")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) net: Option<NetName>,

    /// Once the faults are healed, lose a minority and require progress of the others: `true` [default of simulated
    /// runs] or `false`.
    #[arg(long, env = "PARTITA_LIVENESS", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) liveness: Option<bool>,

    /// Folder under which each run gets one of its own.
    #[arg(long, value_name = "DIR", env = "PARTITA_OUT")]
    pub(crate) out: Option<PathBuf>,

    /// Keep the nodes' disks after a run.
    #[arg(long, env = "PARTITA_KEEP", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) keep: Option<bool>,

    /// Write no page (report.html) and no pictures into the folders of runs.
    #[arg(long, env = "PARTITA_NO_HTML", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub(crate) no_html: Option<bool>,

    /// What each check may use: `60s,4GiB`. Past it the verdict is unknown.
    #[arg(long, value_name = "TIME,SIZE", env = "PARTITA_BUDGET")]
    #[serde(deserialize_with = "as_flag")]
    pub(crate) budget: Option<BudgetLimits>,

    /// Reports beside the one on the terminal, to standard output or `=PATH`: json, markdown, junit, csv, github, sarif,
    /// perfetto or otlp (see `partita list formats`). May be given several times.
    #[arg(long, value_name = "FORMAT[=PATH]", env = "PARTITA_REPORT", value_delimiter = ',')]
    #[serde(deserialize_with = "as_flags")]
    pub(crate) report: Option<Vec<String>>,
}

impl Options {
    /// The keys of a TOML table of options.
    pub(crate) const KEYS: &[&str] = &[
        "system",
        "binary",
        "endpoints",
        "fault-commands",
        "mode",
        "workload",
        "faults",
        "datacentres",
        "nodes",
        "clients",
        "rate",
        "keys",
        "txn-length",
        "key-skew",
        "writes-per-key",
        "accounts",
        "total-amount",
        "negative-balances",
        "time",
        "ops",
        "bug",
        "routing",
        "seed",
        "seeds",
        "net",
        "stage",
        "liveness",
        "out",
        "keep",
        "no-html",
        "budget",
        "report",
    ];

    /// What is left of a suite's options for this system: what is said of modes of another says nothing of it. A suite that
    /// names none means the default one.
    #[must_use]
    pub(crate) fn told_for(self, system: Option<&List>, default: &str) -> Self {
        let default = List(vec![default.to_owned()]);
        if system.is_none_or(|system| system == self.system.as_ref().unwrap_or(&default)) {
            return self;
        }
        Self {
            mode: None,
            workload: None,
            faults: None,
            datacentres: None,
            nodes: None,
            bug: None,
            routing: None,
            ..self
        }
    }

    /// `self` where it says something, else `weaker`.
    #[must_use]
    pub(crate) fn over(self, weaker: Self) -> Self {
        // A seed given more strongly than a list of seeds is meant instead of the list.
        let seeds = match (self.seeds, self.seed) {
            (Some(seeds), _) => Some(seeds),
            (None, Some(_)) => weaker.seeds.filter(|seeds| matches!(seeds, Seeds::Count(_))),
            (None, None) => weaker.seeds,
        };
        Self {
            system: self.system.or(weaker.system),
            binary: self.binary.or(weaker.binary),
            endpoints: self.endpoints.or(weaker.endpoints),
            fault_commands: self.fault_commands.or(weaker.fault_commands),
            mode: self.mode.or(weaker.mode),
            workload: self.workload.or(weaker.workload),
            faults: self.faults.or(weaker.faults),
            datacentres: self.datacentres.or(weaker.datacentres),
            nodes: self.nodes.or(weaker.nodes),
            clients: self.clients.or(weaker.clients),
            rate: self.rate.or(weaker.rate),
            keys: self.keys.or(weaker.keys),
            txn_length: self.txn_length.or(weaker.txn_length),
            key_skew: self.key_skew.or(weaker.key_skew),
            writes_per_key: self.writes_per_key.or(weaker.writes_per_key),
            accounts: self.accounts.or(weaker.accounts),
            total_amount: self.total_amount.or(weaker.total_amount),
            negative_balances: self.negative_balances.or(weaker.negative_balances),
            time: self.time.or(weaker.time),
            ops: self.ops.or(weaker.ops),
            bug: self.bug.or(weaker.bug),
            routing: self.routing.or(weaker.routing),
            seed: self.seed.or(weaker.seed),
            seeds,
            stage: self.stage.or(weaker.stage),
            net: self.net.or(weaker.net),
            liveness: self.liveness.or(weaker.liveness),
            out: self.out.or(weaker.out),
            keep: self.keep.or(weaker.keep),
            no_html: self.no_html.or(weaker.no_html),
            budget: self.budget.or(weaker.budget),
            report: self.report.or(weaker.report),
        }
    }
}

/// Operations a second over all clients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate(pub(crate) Option<f64>);

impl Rate {
    const LEAST: f64 = 0.001;
    const MOST: f64 = 1e6;

    /// `None` where it is out of bounds.
    pub(crate) fn bounded(self) -> Option<Self> {
        self.0.is_none_or(|rate| (Self::LEAST..=Self::MOST).contains(&rate)).then_some(self)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self(None));
        }
        let rate = text.parse().map(|rate| Self(Some(rate))).ok().and_then(Self::bounded);
        rate.ok_or_else(|| {
            format!("{text:?} is no rate; write operations a second, 0.001 to 1000000, or max")
        })
    }
}

/// [`Routing`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoutingName(pub(crate) Routing);

impl FromStr for RoutingName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sticky" => Ok(Self(Routing::Sticky)),
            "roam" => Ok(Self(Routing::Roam)),
            other => Err(crate::cli::names::unknown("routing", other, &["sticky", "roam"])),
        }
    }
}

impl fmt::Display for RoutingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Routing::Sticky => "sticky",
            Routing::Roam => "roam",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_taken_from_toml_and_no_other_exists() {
        let text = r#"
            system = ["store", "etcd"]
            binary = "/usr/bin/etcd"
            endpoints = ["127.0.0.1:2379"]
            fault-commands = "faults.toml"
            mode = ["single/quorum[read=lease,sync=never]", "single/async"]
            workload = "register"
            faults = ["kill:leader"]
            datacentres = 2
            nodes = 3
            clients = 5
            rate = 100
            keys = 3
            txn-length = "1..4"
            key-skew = 2
            writes-per-key = 32
            accounts = 8
            total-amount = 100
            negative-balances = true
            time = "20s"
            ops = 10
            routing = "roam"
            seed = 1
            seeds = "1..3"
            stage = "live"
            net = "netns"
            liveness = false
            out = "runs"
            keep = true
            no-html = true
            budget = "60s,4GiB"
            report = ["json", "junit=out.xml"]
            bug = "vote-twice"
        "#;
        let options: Options = toml::from_str(text).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let mut keys: Vec<_> = table.keys().map(String::as_str).collect();
        let mut known = Options::KEYS.to_vec();
        keys.sort_unstable();
        known.sort_unstable();
        assert_eq!(keys, known);
        assert_eq!(options.mode.clone().unwrap().0[0], "single/quorum[read=lease,sync=never]");
        assert_eq!(options.rate, Some(Rate(Some(100.0))));
        assert_eq!(options.clone().over(Options::default()), options);
        assert_eq!(Options::default().over(options.clone()), options);
    }

    #[test]
    fn the_stronger_source_wins_and_a_seed_beats_a_weaker_list() {
        let strong = Options { nodes: Some(5), seed: Some(Seed(9)), ..Options::default() };
        let weak = Options {
            nodes: Some(3),
            clients: Some(2),
            seeds: Some(Seeds::These(vec![1, 2])),
            ..Options::default()
        };
        let merged = strong.over(weak);
        assert_eq!((merged.nodes, merged.clients, merged.seeds), (Some(5), Some(2), None));
    }

    #[test]
    fn an_unknown_stage_is_answered_with_the_nearest() {
        assert!("simm".parse::<StageName>().unwrap_err().contains("sim"));
    }
}

//! Options told again: as the flags that say the same.

use crate::cli::names::shell_quote;
use crate::cli::options::Options;
use crate::cli::quantity::List;

/// What flags, environment and profile said, as flags; the seed, and what changes no run, apart.
pub(crate) fn flags(options: &Options) -> Vec<String> {
    // Every field stands here, so that none is forgotten.
    let Options {
        system,
        binary,
        endpoints,
        fault_commands,
        mode,
        workload,
        faults,
        datacentres,
        nodes,
        clients,
        rate,
        keys,
        txn_length,
        key_skew,
        writes_per_key,
        accounts,
        total_amount,
        negative_balances,
        time,
        ops,
        bug,
        routing,
        stage,
        net,
        liveness,
        seed: _,
        seeds: _,
        out: _,
        keep: _,
        no_html: _,
        budget: _,
        report: _,
    } = options;
    let list = |list: &Option<List>| list.as_ref().map(|list| list.0.join(","));
    let rate = rate.map(|rate| rate.0.map_or_else(|| "max".to_owned(), |rate| rate.to_string()));
    let pairs = [
        ("system", list(system)),
        ("binary", binary.as_ref().map(|path| path.display().to_string())),
        ("endpoints", list(endpoints)),
        ("fault-commands", fault_commands.as_ref().map(|path| path.display().to_string())),
        ("mode", list(mode)),
        ("workload", list(workload)),
        ("faults", list(faults)),
        ("datacentres", text(datacentres.as_ref())),
        ("nodes", text(nodes.as_ref())),
        ("clients", text(clients.as_ref())),
        ("rate", rate),
        ("keys", text(keys.as_ref())),
        ("txn-length", text(txn_length.as_ref())),
        ("key-skew", key_skew.map(|skew| skew.0.to_string())),
        ("writes-per-key", text(writes_per_key.as_ref())),
        ("accounts", text(accounts.as_ref())),
        ("total-amount", text(total_amount.as_ref())),
        ("time", text(time.as_ref())),
        ("ops", text(ops.as_ref())),
        ("stage", text(stage.as_ref())),
        ("net", text(net.as_ref())),
        ("bug", bug.clone()),
        ("routing", text(routing.as_ref())),
    ];
    let flag = |(name, value): (&str, Option<String>)| {
        value.map(|value| format!("--{name} {}", shell_quote(&value)))
    };
    let switches = [("negative-balances", negative_balances), ("liveness", liveness)];
    let switch = |(name, value): (&str, &Option<bool>)| value.map(|value| format!("--{name}={value}"));
    pairs.into_iter().filter_map(flag).chain(switches.into_iter().filter_map(switch)).collect()
}

fn text(value: Option<&impl ToString>) -> Option<String> {
    value.map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn every_option_that_changes_a_run_is_told_again() {
        let given = "--system store --binary b --endpoints localhost:1 --fault-commands f.toml --mode single/quorum \
             --workload bank --faults kill:leader@3s --datacentres 2 --nodes 5 --clients 7 --rate 30 --keys 4 --txn-length 2..3 \
             --key-skew 1.5 --writes-per-key 9 --accounts 3 --total-amount 12 --negative-balances=true --time 7s \
             --ops 99 --stage sim --net proxy --bug stale-lease --routing roam --liveness=false";
        let read = |line: &str| {
            let words = std::iter::once("partita").chain(line.split_whitespace());
            Line::try_parse_from(words).expect("options").options
        };
        let options = read(given);
        let told = flags(&options).join(" ");
        assert_eq!(read(&told), options, "{told}");
        let names = given.split_whitespace().filter(|word| word.starts_with("--"));
        assert_eq!(names.count(), flags(&options).len(), "{told}");
    }
}

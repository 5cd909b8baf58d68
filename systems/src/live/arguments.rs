//! What a node is told when it is started: its command line, written and read here alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use histories::Node;
use nemesis::Layout;

/// The arguments of `partita node`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeArguments {
    /// `--node n1`: who it is.
    pub node: Node,
    /// `--datacentres 1 --nodes 3`: how many members there are in each datacentre.
    pub layout: Layout,
    /// `--mode single/quorum[read=lease]`.
    pub mode: String,
    /// `--disk DIR`: where its log is.
    pub disk: PathBuf,
    /// `--peer n2=127.0.0.1:4001`, once for each other member.
    pub peers: Vec<(Node, SocketAddr)>,
    /// `--listen 127.0.0.1:0`, the default: a port of the system's choice, said on standard output.
    pub listen: SocketAddr,
    /// `--seed 7`, for its time-outs.
    pub seed: u64,
}

impl NodeArguments {
    /// Reads what [`NodeArguments::to_arguments`] writes.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut node = None;
        let mut datacentres = 1;
        let mut nodes = None;
        let mut mode = None;
        let mut disk = None;
        let mut peers = Vec::new();
        let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut seed = 0;
        let mut rest = arguments.iter();
        while let Some(flag) = rest.next() {
            let value = || rest.as_slice().first().ok_or_else(|| format!("{flag} needs a value"));
            let wrong =
                |what: &str| format!("{flag} takes {what}, not {:?}", value().map_or("", |text| text));
            match flag.as_str() {
                "--node" => node = Some(value()?.parse()?),
                "--datacentres" => datacentres = value()?.parse().map_err(|_| wrong("a number"))?,
                "--nodes" => nodes = Some(value()?.parse().map_err(|_| wrong("a number"))?),
                "--mode" => mode = Some(value()?.clone()),
                "--disk" => disk = Some(PathBuf::from(value()?)),
                "--peer" => peers.push(peer(value()?).ok_or_else(|| wrong("n2=127.0.0.1:4001"))?),
                "--listen" => listen = value()?.parse().map_err(|_| wrong("an address and a port"))?,
                "--seed" => seed = value()?.parse().map_err(|_| wrong("a number"))?,
                other => return Err(unknown(other)),
            }
            rest.next();
        }
        let needs = |flag: &str| format!("a node needs {flag}");
        Ok(Self {
            node: node.ok_or_else(|| needs("--node"))?,
            layout: Layout { datacentres, nodes_each: nodes.ok_or_else(|| needs("--nodes"))? },
            mode: mode.ok_or_else(|| needs("--mode"))?,
            disk: disk.ok_or_else(|| needs("--disk"))?,
            peers,
            listen,
            seed,
        })
    }

    /// As a command line, after `node`.
    pub fn to_arguments(&self) -> Vec<String> {
        let Self { node, layout, mode, disk, peers, listen, seed } = self;
        let mut flags = vec![
            ("--node", node.to_string()),
            ("--datacentres", layout.datacentres.to_string()),
            ("--nodes", layout.nodes_each.to_string()),
            ("--mode", mode.clone()),
            ("--disk", disk.to_string_lossy().into_owned()),
            ("--listen", listen.to_string()),
            ("--seed", seed.to_string()),
        ];
        flags.extend(peers.iter().map(|(node, address)| ("--peer", format!("{node}={address}"))));
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}

fn peer(text: &str) -> Option<(Node, SocketAddr)> {
    let (node, address) = text.split_once('=')?;
    Some((node.parse().ok()?, address.parse().ok()?))
}

fn unknown(flag: &str) -> String {
    const FLAGS: [&str; 8] =
        ["--node", "--datacentres", "--nodes", "--mode", "--disk", "--peer", "--listen", "--seed"];
    let nearest = histories::nearest(flag, FLAGS);
    let hint = nearest.map(|known| format!("did you mean {known}? ")).unwrap_or_default();
    format!("unknown argument {flag:?}; {hint}There are {}", FLAGS.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let arguments = NodeArguments {
            node: Node(1),
            layout: Layout { datacentres: 2, nodes_each: 3 },
            mode: "single/quorum[read=lease]".into(),
            disk: "/tmp/a b".into(),
            peers: vec![
                (Node(0), "127.0.0.1:4001".parse().unwrap()),
                (Node(2), "127.0.0.1:4002".parse().unwrap()),
            ],
            listen: "127.0.0.1:0".parse().unwrap(),
            seed: 7,
        };
        assert_eq!(NodeArguments::parse(&arguments.to_arguments()), Ok(arguments));
    }

    #[test]
    fn an_error_says_what_was_expected() {
        let parse = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            NodeArguments::parse(&words).unwrap_err()
        };
        assert_eq!(parse("--nodes three"), "--nodes takes a number, not \"three\"");
        assert_eq!(parse("--peer n2"), "--peer takes n2=127.0.0.1:4001, not \"n2\"");
        assert_eq!(parse("--seed"), "--seed needs a value");
        assert_eq!(parse("--seed 1"), "a node needs --node");
        assert!(parse("--sed 1").contains("did you mean --seed?"));
    }
}

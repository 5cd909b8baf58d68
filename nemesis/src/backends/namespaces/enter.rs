//! How a program comes to run in namespaces of its own, and whether it can on this machine.

use std::process::{Command, Stdio};

use nix::unistd::geteuid;

/// What is missing on this machine, and what brings it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {remedy}")]
pub struct Missing {
    pub why: String,
    pub remedy: String,
}

/// Makes a place for the names of namespaces, and lets packets pass between them. Then it becomes the program.
const PREPARE: &str = "mount -t tmpfs tmpfs /run && ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward && \
                       exec \"$@\"";

/// The command line that runs what is put behind it in namespaces of its own. Where the one who waits for it is killed,
/// everything in them is, too.
pub fn entering() -> Vec<String> {
    let mut words = vec!["unshare"];
    if !geteuid().is_root() {
        // Root in there is this user out here.
        words.push("--map-root-user");
    }
    words.extend(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
    words.extend(["sh", "-c", PREPARE, "sh"]);
    words.into_iter().map(str::to_owned).collect()
}

/// What is tried, in order: what it is called, how, and the remedy where it fails.
const STEPS: [(&str, &str, &str); 4] = [
    (
        "a namespace that is linked to another",
        "ip netns add probe && ip link add v1 type veth peer name eth0 netns probe",
        "the kernel has to know veth (modprobe veth)",
    ),
    (
        "rules that drop and reject",
        "nft -f - <<'END'\n\
         table inet probe {\n counter c { }\n chain forward {\n type filter hook forward priority 0; policy accept;\n \
         ip saddr . ip daddr { 10.77.1.2 . 10.77.2.2 } counter name c drop\n \
         ip saddr 10.77.1.2 numgen random mod 100 < 5 drop\n \
         ip saddr 10.77.1.2 limit rate over 64000 bytes/second drop\n \
         ip saddr 10.77.1.2 meta l4proto tcp reject with tcp reset\n }\n}\nEND",
        "the kernel has to know nftables (modprobe nf_tables nft_numgen nft_limit nft_reject_inet)",
    ),
    (
        "an end to single connections",
        "nsenter --net=/run/netns/probe ss -H -t -K dst 10.77.1.2",
        "the kernel has to be built with CONFIG_INET_DIAG_DESTROY",
    ),
    ("commands in a namespace", "nsenter --net=/run/netns/probe true", "apt-get install util-linux"),
];

/// The programs that are needed, with the packages that bring them.
const TOOLS: [(&str, &str); 5] = [
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("ip", "iproute2"),
    ("ss", "iproute2"),
    ("nft", "nftables"),
];

/// Tries everything that the backend does, in namespaces of the probe's own.
pub fn probe() -> Result<(), Missing> {
    for (tool, package) in TOOLS {
        let asked = ["-c", "command -v \"$1\"", "sh", tool];
        let found = Command::new("sh").args(asked).stdout(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            let remedy = format!("apt-get install {package}");
            return Err(Missing { why: format!("{tool} is not in $PATH"), remedy });
        }
    }
    let steps: Vec<String> = STEPS.iter().map(|(_, command, _)| format!("{command}\necho done")).collect();
    let script = format!("set -e\necho done\n{}", steps.join("\n"));
    let mut words = entering();
    words.extend(["sh", "-c", &script].map(str::to_owned));
    let output = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| Missing { why: error.to_string(), remedy: NAMESPACES.to_owned() })?;
    let done = String::from_utf8_lossy(&output.stdout).lines().filter(|line| *line == "done").count();
    let complaint = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    match done.checked_sub(1) {
        None => Err(Missing {
            why: format!("namespaces cannot be made: {complaint}"),
            remedy: NAMESPACES.to_owned(),
        }),
        Some(step) => match STEPS.get(step) {
            None => Ok(()),
            Some((what, _, remedy)) => {
                Err(Missing { why: format!("{what}: {complaint}"), remedy: (*remedy).to_owned() })
            }
        },
    }
}

const NAMESPACES: &str = "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
                          user.max_user_namespaces; in a container --security-opt seccomp=unconfined)";

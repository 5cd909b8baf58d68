//! Tells which node dials where all nodes share one list of addresses: the socket at the other end of a connection
//! belongs to a process, and each process to a node. Needs Linux's `/proc`, and processes of this user (or root).

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use histories::Node;

use super::tree;

/// The processes of each node that runs.
#[derive(Debug, Default)]
pub(super) struct Dialers {
    roots: Mutex<BTreeMap<Node, Vec<u32>>>,
}

impl Dialers {
    /// From now on these processes, and what they fork, are `node`; none where it is dead.
    pub(super) fn set(&self, node: Node, processes: Vec<u32>) {
        self.lock().insert(node, processes);
    }

    /// Whose socket is bound to `near` and connected to `far`; `None` where no node has such a socket (any more).
    /// Blocks for some milliseconds.
    pub(super) fn find(&self, near: SocketAddr, far: SocketAddr) -> Option<Node> {
        let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
            .into_iter()
            .find_map(|path| inode_of(&fs::read_to_string(path).ok()?, near, far))?;
        let link = format!("socket:[{inode}]");
        let nodes = self.lock().clone();
        let has = |roots: &Vec<u32>| {
            // Most systems are one process a node: the rest of a tree is looked for only where the root has it not.
            roots.iter().any(|&root| holds(root, &link))
                || roots.iter().any(|&root| tree::members(root).into_iter().any(|id| holds(id, &link)))
        };
        nodes.into_iter().find(|(_, roots)| has(roots)).map(|(node, _)| node)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Node, Vec<u32>>> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a process has a descriptor that is `link`.
fn holds(id: u32, link: &str) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target == Path::new(link))
}

/// The inode of a socket in a table of the kernel's: fields 2 and 3 are its addresses, field 10 the inode.
fn inode_of(table: &str, near: SocketAddr, far: SocketAddr) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote) = (address(fields.next()?)?, address(fields.next()?)?);
        let inode = fields.nth(6)?.parse().ok()?;
        (local == near && remote == far && inode != 0).then_some(inode)
    })
}

/// `0100007F:1F90` is 127.0.0.1:8080: words of four bytes in the machine's order, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Option<Vec<u8>> = (0..ip.len() / 8)
        .map(|word| u32::from_str_radix(ip.get(word * 8..word * 8 + 8)?, 16).ok().map(u32::to_ne_bytes))
        .collect::<Option<Vec<[u8; 4]>>>()
        .map(|words| words.concat());
    let words = words?;
    let ip = match (<[u8; 4]>::try_from(words.as_slice()), <[u8; 16]>::try_from(words.as_slice())) {
        (Ok(four), _) => IpAddr::from(four),
        (_, Ok(sixteen)) => IpAddr::from(sixteen).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 0100007F:B26E 01 00000000:00000000 02:00000CEC 00000000  1000        0 419521 2 0 20\n";
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(inode_of(table, at("127.0.0.1:8080"), at("127.0.0.1:45678")), Some(419_521));
        assert_eq!(inode_of(table, at("127.0.0.1:8080"), at("127.0.0.1:45679")), None);
        let mapped = "0000000000000000FFFF00000100007F:1F90";
        assert_eq!(address(mapped), Some(at("127.0.0.1:8080")));
    }

    #[test]
    fn a_socket_is_found_by_the_process_that_has_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        let dialers = Dialers::default();
        let found = || dialers.find(far.peer_addr().unwrap(), far.local_addr().unwrap());
        assert_eq!(found(), None, "it is no node's yet");
        dialers.set(Node(2), vec![std::process::id()]);
        assert_eq!(found(), Some(Node(2)));
        drop(near);
    }
}

//! Ports for servers that cannot be told to take any free one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below are for well-known services.
const FIRST: u16 = 10_240;
/// Where the system's choice of ports for outgoing connections begins, unless it says otherwise.
const EPHEMERAL_DEFAULT: u16 = 32_768;
const ATTEMPTS_MAX: u32 = 1000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A port of loopback that is free now. It lies outside of the range from which the system takes ports for outgoing
/// connections, so that only another server could take it before the one that is to have it.
pub(crate) fn free() -> io::Result<SocketAddr> {
    let range = u32::from(ephemeral_from().saturating_sub(FIRST).max(1));
    // Harnesses that run side by side begin at different places.
    let begin = std::process::id().wrapping_mul(7919);
    for _ in 0..ATTEMPTS_MAX {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (begin.wrapping_add(step) % range) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if is_free(address) {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port of 127.0.0.1 is free"))
}

pub(super) fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

fn ephemeral_from() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(EPHEMERAL_DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_can_be_taken() {
        let (one, other) = (free().unwrap(), free().unwrap());
        assert_ne!(one, other);
        let taken = TcpListener::bind(one).unwrap();
        assert!(!is_free(one) && is_free(other));
        drop(taken);
    }
}

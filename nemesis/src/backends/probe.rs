//! What this machine can carry out, tried and never assumed.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::leftovers::{hold, kill};
use super::namespaces::{self, Missing};
use super::{faketime, tree};

const SIGNAL_MAX: Duration = Duration::from_secs(2);

/// Means to carry faults out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Proxies on 127.0.0.1.
    Proxy,
    /// Signals to processes.
    Process,
    /// Network namespaces and a router.
    Netns,
    /// A library before the system's own, for programs that ask it for the time.
    Faketime,
}

impl Backend {
    pub const ALL: [Self; 4] = [Self::Proxy, Self::Process, Self::Netns, Self::Faketime];

    pub fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Process => "process",
            Self::Netns => "netns",
            Self::Faketime => "libfaketime",
        }
    }

    /// Does what it does, to something of the probe's own; the error says what is missing.
    pub fn probe(self) -> Result<(), Missing> {
        let missing = |what: &str, remedy: &str| {
            let (what, remedy) = (what.to_owned(), remedy.to_owned());
            move |error: io::Error| Missing { why: format!("{what}: {error}"), remedy }
        };
        match self {
            Self::Proxy => carry().map_err(missing("connections on 127.0.0.1", "ip link set lo up")),
            Self::Process => signal().map_err(missing(
                "signals to a process, read back from /proc",
                "mount /proc, and use Linux 5.3 or later",
            )),
            Self::Netns => namespaces::probe(),
            Self::Faketime => faketime::probe(),
        }
    }
}

/// A byte to a listener and back.
fn carry() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.write_all(&[7])?;
    let mut byte = [0];
    far.read_exact(&mut byte)?;
    far.write_all(&byte)?;
    near.read_exact(&mut byte)
}

/// Stops a child, lets it go on, and kills it by a hold that is no number.
fn signal() -> io::Result<()> {
    let child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn()?;
    let mut child = Guard(child);
    let id = child.0.id();
    for (sent, shown) in [(Signal::SIGSTOP, true), (Signal::SIGCONT, false)] {
        tree::signal(id, sent)?;
        let began = Instant::now();
        while (tree::state(id)? == 'T') != shown {
            if began.elapsed() > SIGNAL_MAX {
                return Err(io::Error::other(format!("{sent} shows no effect")));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    kill(&hold(id).ok_or_else(|| io::Error::other("a process cannot be held by a descriptor"))?)?;
    child.0.wait().map(drop)
}

/// Ends the child whatever happens.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_and_signals_can_be_had_wherever_these_tests_run() {
        for backend in [Backend::Proxy, Backend::Process] {
            assert_eq!(backend.probe(), Ok(()), "{}", backend.name());
        }
    }
}

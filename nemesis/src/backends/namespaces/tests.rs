//! What nodes in namespaces see of faults, measured from outside on real sockets. The test runs itself again: in namespaces,
//! and there as a server in one node's and as a client in another's.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use histories::{Nanos, Node};

use super::{Network, entering, probe};
use crate::{Effect, FaultId, LinkChange};

const NAME: &str = "backends::namespaces::tests::links_between_namespaces_are_cut_and_broken";
const ROLE: &str = "NAMESPACES_ROLE";
const ADDRESS: &str = "NAMESPACES_ADDRESS";
const A: Node = Node(0);
const B: Node = Node(1);
/// A round trip that takes longer does not come.
const PATIENCE: Duration = Duration::from_millis(400);
/// After a cut the kernel sends again at longer and longer intervals.
const SOON: Duration = Duration::from_secs(20);
const BULK_BYTES: usize = 300_000;

#[test]
fn links_between_namespaces_are_cut_and_broken() {
    match std::env::var(ROLE).as_deref() {
        Ok("server") => serve(),
        Ok("client") => dial(),
        Ok(_) => measure(),
        Err(_) => {
            if let Err(missing) = probe() {
                let _ = writeln!(std::io::stderr(), "skipped: no namespaces here: {missing}");
                return;
            }
            let mut words = entering();
            words.push(std::env::current_exe().unwrap().display().to_string());
            let mut inside = Command::new(&words[0]);
            inside.args(&words[1..]).args(["--exact", NAME, "--nocapture"]).env(ROLE, "measure");
            let output = inside.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}");
            let _ = write!(std::io::stderr(), "{told}");
        }
    }
}

fn address() -> SocketAddr {
    std::env::var(ADDRESS).unwrap().parse().unwrap()
}

/// Sends back what comes, until it is killed.
fn serve() {
    let listener = TcpListener::bind(address()).unwrap();
    say("ready");
    for stream in listener.incoming() {
        std::thread::spawn(move || {
            let mut stream = stream.unwrap();
            let mut bytes = vec![0; 65_536];
            while let Ok(count @ 1..) = stream.read(&mut bytes) {
                if stream.write_all(&bytes[..count]).is_err() {
                    return;
                }
            }
        });
    }
}

/// Does what the lines of standard input say, and tells how it went.
fn dial() {
    let mut old = TcpStream::connect(address()).unwrap();
    say("ready");
    for line in std::io::stdin().lines() {
        let went = match line.unwrap().as_str() {
            "old" => round_trip(&mut old, 1, PATIENCE),
            "bulk" => round_trip(&mut old, BULK_BYTES, SOON),
            _ => TcpStream::connect_timeout(&address(), PATIENCE).and_then(|mut fresh| {
                round_trip(&mut fresh, 1, PATIENCE)?;
                old = fresh;
                Ok(())
            }),
        };
        say(match went {
            Ok(()) => "ok",
            Err(error) => match error.kind() {
                ErrorKind::ConnectionRefused => "refused",
                ErrorKind::WouldBlock | ErrorKind::TimedOut => "silence",
                _ => "reset",
            },
        });
    }
}

fn round_trip(stream: &mut TcpStream, bytes: usize, patience: Duration) -> std::io::Result<()> {
    stream.set_read_timeout(Some(patience))?;
    let mut writer = stream.try_clone()?;
    let sent = std::thread::spawn(move || writer.write_all(&vec![7; bytes]));
    stream.read_exact(&mut vec![0; bytes])?;
    sent.join().unwrap()
}

fn say(word: &str) {
    writeln!(std::io::stdout(), "\nsays {word}").unwrap();
}

/// This test in a namespace, in a role.
struct Actor {
    child: Child,
    told: BufReader<ChildStdout>,
    asked: ChildStdin,
}

impl Actor {
    fn start(node: Node, role: &str, address: SocketAddr) -> Self {
        let [program, namespace, dashes] = Network::inside(node);
        let mut child = Command::new(program)
            .args([namespace, dashes])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(ROLE, role)
            .env(ADDRESS, address.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, asked) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take().unwrap());
        let mut actor = Self { child, told, asked };
        assert_eq!(actor.hear(), "ready");
        actor
    }

    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.told.read_line(&mut line).unwrap(), 0, "it ended");
            if let Some(word) = line.trim().strip_prefix("says ") {
                return word.to_owned();
            }
        }
    }

    fn ask(&mut self, word: &str) -> String {
        writeln!(self.asked, "{word}").unwrap();
        self.hear()
    }

    /// Asks until the answer is this.
    fn insist(&mut self, word: &str, answer: &str) {
        let began = Instant::now();
        while self.ask(word) != answer {
            assert!(began.elapsed() < SOON, "{word} is never {answer}");
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn measure() {
    let network = Network::create(2).unwrap();
    let address = network.address(B, 0);
    let server = Actor::start(B, "server", address);
    let mut client = Actor::start(A, "client", address);
    assert_eq!(client.ask("old"), "ok");

    let cut = Effect::Cut { from: vec![B], to: vec![A] };
    let began = Instant::now();
    assert_eq!(network.begin(FaultId(1), &[cut]).unwrap(), Some(1));
    let took_cut = began.elapsed();
    assert_eq!((client.ask("old"), client.ask("new")), ("silence".to_owned(), "silence".to_owned()));
    let began = Instant::now();
    let report = network.end(FaultId(1)).unwrap().unwrap();
    let _ = writeln!(std::io::stderr(), "cut {took_cut:?}, heal {:?}: {report}", began.elapsed());
    assert!(report.packets >= 2 && report.was_felt(), "{report}");
    client.insist("new", "ok");

    let mut link = |fault: u64, change, old: &str, new: &str| {
        let effect = Effect::Link { from: vec![A], to: vec![B], change };
        assert_eq!(network.begin(FaultId(fault), &[effect]).unwrap(), Some(1));
        assert_eq!(client.ask("old"), old, "an old connection under {change}");
        assert_eq!(client.ask("new"), new, "a new connection under {change}");
        let report = network.end(FaultId(fault)).unwrap().unwrap();
        assert!(report.was_felt(), "{change}: {report}");
        client.insist("new", "ok");
    };
    link(2, LinkChange::Refuse, "reset", "refused");
    link(3, LinkChange::Hang, "reset", "silence");
    link(4, LinkChange::HalfOpen, "silence", "ok");
    link(5, LinkChange::Lose { percent: 100 }, "silence", "silence");
    link(6, LinkChange::Reset { every: Nanos::from_secs(30) }, "reset", "ok");

    let narrow =
        |kb_per_s| Effect::Link { from: vec![A], to: vec![B], change: LinkChange::Throttle { kb_per_s } };
    network.begin(FaultId(7), &[narrow(100)]).unwrap();
    let began = Instant::now();
    assert_eq!(client.ask("bulk"), "ok");
    let took = began.elapsed();
    // What one second carries may pass at once.
    assert!(took > Duration::from_millis(1500), "300 KB at 100 KB/s took {took:?}");
    assert!(network.end(FaultId(7)).unwrap().unwrap().was_felt());
    assert_eq!(network.end_all().unwrap().links, 0);
    drop((server, client));
}

//! Conformance of the proxies, on real sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use histories::Node;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{LinkReport, PeerUse, PortUse, Proxies, Wiring};
use crate::{Effect, FaultId, LinkChange};

pub(super) const A: Node = Node(0);
pub(super) const B: Node = Node(1);
/// What must not come did not come within this time; what must come has far longer.
pub(super) const QUIET: Duration = Duration::from_millis(80);
pub(super) const SOON: Duration = Duration::from_secs(5);

/// Two nodes with one client; node B is a listener of the test.
pub(super) struct Bench {
    pub(super) proxies: Proxies,
    pub(super) node: TcpListener,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let proxies = Proxies::open(&Wiring::one_port(2, 1)).unwrap();
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        proxies.point(B, &[node.local_addr().unwrap()], Vec::new());
        proxies.admit(B).unwrap();
        Self { proxies, node }
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.proxies.peer_address(A, B, 0).unwrap()
    }

    fn client(&self) -> SocketAddr {
        self.proxies.client_address(0, B, 0).unwrap()
    }

    /// A connection through a proxy, seen from both ends.
    pub(super) async fn connect(&self, to: SocketAddr) -> (TcpStream, TcpStream) {
        let near = TcpStream::connect(to).await.unwrap();
        let (far, _) = timeout(SOON, self.node.accept()).await.unwrap().unwrap();
        (near, far)
    }

    fn cut(&self, fault: u64, from: Node, to: Node) {
        assert_eq!(
            self.proxies.begin(FaultId(fault), &Effect::Cut { from: vec![from], to: vec![to] }),
            Some(1)
        );
    }

    pub(super) fn end(&self, fault: u64) -> LinkReport {
        self.proxies.end(FaultId(fault)).unwrap()
    }
}

pub(super) async fn arrives(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    timeout(SOON, stream.read_exact(&mut bytes)).await.expect("arrives in time").unwrap();
    assert_eq!(bytes, expected);
}

pub(super) async fn nothing_arrives(stream: &mut TcpStream) {
    let mut byte = [0];
    assert!(timeout(QUIET, stream.read(&mut byte)).await.is_err(), "something came through a cut");
}

pub(super) async fn closes(stream: &mut TcpStream) {
    let mut byte = [0];
    let end = timeout(SOON, stream.read(&mut byte)).await.expect("closes in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn bytes_and_ends_pass_both_ways() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    near.write_all(b"ping").await.unwrap();
    arrives(&mut far, b"ping").await;
    near.shutdown().await.unwrap();
    closes(&mut far).await;
    far.write_all(b"pong").await.unwrap();
    arrives(&mut near, b"pong").await;
    drop(far);
    closes(&mut near).await;
}

#[tokio::test]
async fn a_cut_holds_one_direction_of_every_connection_and_a_heal_brings_the_bytes_in_order() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    bench.cut(1, A, B);
    near.write_all(b"one").await.unwrap();
    nothing_arrives(&mut far).await;
    near.write_all(b"two").await.unwrap();
    far.write_all(b"back").await.unwrap();
    arrives(&mut near, b"back").await;
    let report = bench.end(1);
    assert_eq!((report.cut, report.counts.streams, report.counts.connections), (1, 1, 0));
    assert!(report.counts.bytes >= 3, "{report}");
    arrives(&mut far, b"onetwo").await;

    bench.cut(2, B, A);
    far.write_all(b"answer").await.unwrap();
    nothing_arrives(&mut near).await;
    near.write_all(b"request").await.unwrap();
    arrives(&mut far, b"request").await;
    assert!(bench.end(2).was_felt());
    arrives(&mut near, b"answer").await;
}

#[tokio::test]
async fn a_slow_link_is_late_one_way_and_keeps_order_and_bandwidth() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    let late = Duration::from_millis(60);
    let change = LinkChange::Slow { by: late.into() };
    let slow = Effect::Link { from: vec![A], to: vec![B, A], change };
    assert_eq!(bench.proxies.begin(FaultId(1), &slow), Some(1));
    bench.proxies.lengthen(A, B, late);

    let began = Instant::now();
    near.write_all(b"request").await.unwrap();
    arrives(&mut far, b"request").await;
    assert!(began.elapsed() >= 2 * late, "what is slow for good and a fault add up: {:?}", began.elapsed());
    far.write_all(b"answer").await.unwrap();
    arrives(&mut near, b"answer").await;

    // Far more than fits into a buffer a delay: were each chunk waited for, it would take ten times as long.
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|i| (i % 251) as u8).collect();
    let sent = bytes.clone();
    let began = Instant::now();
    let writer = tokio::spawn(async move {
        near.write_all(&sent).await.unwrap();
        near
    });
    arrives(&mut far, &bytes).await;
    assert!(began.elapsed() < 60 * late, "4 MB took {:?}", began.elapsed());
    let mut near = writer.await.unwrap();

    near.write_all(b"under way").await.unwrap();
    tokio::time::sleep(late / 3).await;
    let report = bench.end(1);
    assert_eq!((report.cut, report.slow, report.was_felt()), (0, 1, true));
    assert_eq!(report.counts.late_bytes, 7 + 4_000_000 + 9, "and nothing of the way back");
    near.write_all(b", and after").await.unwrap();
    near.shutdown().await.unwrap();
    arrives(&mut far, b"under way, and after").await;
    closes(&mut far).await;
}

#[tokio::test]
async fn what_is_under_way_when_a_cut_comes_is_held_by_it() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    bench.proxies.lengthen(A, B, Duration::from_millis(60));
    near.write_all(b"under way").await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    bench.cut(1, A, B);
    nothing_arrives(&mut far).await;
    let report = bench.end(1);
    assert_eq!((report.counts.streams, report.counts.bytes), (1, 9));
    arrives(&mut far, b"under way").await;
}

#[tokio::test]
async fn streams_cannot_lose_double_or_reorder() {
    let bench = Bench::new().await;
    for change in [LinkChange::Lose { percent: 5 }, LinkChange::Duplicate { percent: 5 }] {
        let effect = Effect::Link { from: vec![A], to: vec![B], change };
        assert_eq!(bench.proxies.begin(FaultId(1), &effect), None);
    }
}

#[tokio::test]
async fn a_stream_far_larger_than_every_buffer_survives_a_cut_whole() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|i| (i % 251) as u8).collect();
    bench.cut(1, A, B);
    let sent = bytes.clone();
    let writer = tokio::spawn(async move {
        near.write_all(&sent).await.unwrap();
        near
    });
    nothing_arrives(&mut far).await;
    assert!(!writer.is_finished(), "the sender's buffers fill up behind a cut");
    bench.end(1);
    arrives(&mut far, &bytes).await;
    writer.await.unwrap();
}

#[tokio::test]
async fn cuts_are_counted_by_fault() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    bench.cut(1, A, B);
    bench.cut(2, A, B);
    near.write_all(b"x").await.unwrap();
    bench.end(1);
    nothing_arrives(&mut far).await;
    assert_eq!(bench.proxies.end(FaultId(1)), None);
    bench.end(2);
    arrives(&mut far, b"x").await;
}

#[tokio::test]
async fn a_connection_made_during_a_cut_hangs_and_then_goes_on() {
    let bench = Bench::new().await;
    bench.cut(1, B, A);
    let mut near = TcpStream::connect(bench.peer()).await.unwrap();
    near.write_all(b"late").await.unwrap();
    assert!(timeout(QUIET, bench.node.accept()).await.is_err(), "a handshake needs both ways");
    assert_eq!(bench.end(1).counts.connections, 1);
    let (mut far, _) = timeout(SOON, bench.node.accept()).await.unwrap().unwrap();
    arrives(&mut far, b"late").await;
}

#[tokio::test]
async fn clients_are_cut_both_ways_and_peers_are_not() {
    let bench = Bench::new().await;
    let (mut client, mut served) = bench.connect(bench.client()).await;
    let (mut peer, mut heard) = bench.connect(bench.peer()).await;
    assert_eq!(bench.proxies.begin(FaultId(1), &Effect::CutClients { nodes: vec![B] }), Some(1));
    client.write_all(b"request").await.unwrap();
    nothing_arrives(&mut served).await;
    served.write_all(b"answer").await.unwrap();
    nothing_arrives(&mut client).await;
    peer.write_all(b"peer").await.unwrap();
    arrives(&mut heard, b"peer").await;
    let report = bench.proxies.end_all();
    assert_eq!((report.cut, report.counts.streams), (1, 2));
    arrives(&mut served, b"request").await;
    arrives(&mut client, b"answer").await;
}

#[tokio::test]
async fn a_dead_node_closes_everything_refuses_clients_and_comes_back_elsewhere() {
    let bench = Bench::new().await;
    let (mut client, _served) = bench.connect(bench.client()).await;
    let (mut peer, _heard) = bench.connect(bench.peer()).await;
    let door = bench.client();
    bench.cut(1, A, B);
    peer.write_all(b"held").await.unwrap();
    bench.proxies.node_died(B);
    closes(&mut client).await;
    closes(&mut peer).await;
    assert_eq!(bench.proxies.client_address(0, B, 0), None);
    // The listener's task owns its socket and closes it as it is dropped, soon but not at once.
    let refused = async { while TcpStream::connect(door).await.is_ok() {} };
    timeout(SOON, refused).await.expect("refuses clients");
    bench.end(1);
    closes(&mut TcpStream::connect(bench.peer()).await.unwrap()).await;

    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    bench.proxies.point(B, &[elsewhere.local_addr().unwrap()], Vec::new());
    bench.proxies.admit(B).unwrap();
    let bench = Bench { node: elsewhere, ..bench };
    for address in [bench.client(), bench.peer()] {
        let (mut near, mut far) = bench.connect(address).await;
        near.write_all(b"again").await.unwrap();
        arrives(&mut far, b"again").await;
    }
}

#[tokio::test]
async fn what_a_dead_node_had_sent_into_a_cut_dies_with_it() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    bench.cut(1, A, B);
    near.write_all(b"last words").await.unwrap();
    nothing_arrives(&mut far).await;
    bench.proxies.node_died(A);
    bench.end(1);
    closes(&mut far).await;
}

#[tokio::test]
async fn small_requests_pass_by_the_thousand() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.client()).await;
    let echo = tokio::spawn(async move {
        let mut bytes = [0; 64];
        while far.read_exact(&mut bytes).await.is_ok() {
            far.write_all(&bytes).await.unwrap();
        }
    });
    let began = std::time::Instant::now();
    for _ in 0..2000 {
        near.write_all(&[7; 64]).await.unwrap();
        arrives(&mut near, &[7; 64]).await;
    }
    drop(near);
    echo.await.unwrap();
    let limit = Duration::from_secs(20);
    assert!(began.elapsed() < limit, "2,000 round trips took {:?}", began.elapsed());
}

#[tokio::test]
async fn where_all_share_an_address_the_process_that_dials_tells_the_link() {
    let ports = vec![PortUse { clients: true, peers: PeerUse::OneForAll }];
    let proxies = Proxies::open(&Wiring { nodes: 2, clients: 1, ports }).unwrap();
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxies.point(B, &[node.local_addr().unwrap()], Vec::new());
    let shared = proxies.shared_address(B, 0).unwrap();
    let mut stranger = TcpStream::connect(shared).await.unwrap();
    closes(&mut stranger).await;
    // This process is node A.
    proxies.point(A, &["127.0.0.1:1".parse().unwrap()], vec![std::process::id()]);
    let bench = Bench { proxies, node };
    let (mut near, mut far) = bench.connect(shared).await;
    near.write_all(b"ping").await.unwrap();
    arrives(&mut far, b"ping").await;
    bench.cut(1, A, B);
    near.write_all(b"held").await.unwrap();
    nothing_arrives(&mut far).await;
    far.write_all(b"back").await.unwrap();
    arrives(&mut near, b"back").await;
    assert_eq!(bench.end(1).counts.bytes, 4);
    arrives(&mut far, b"held").await;
    // Now it is node B, which is never cut from itself.
    bench.proxies.point(A, &["127.0.0.1:1".parse().unwrap()], Vec::new());
    bench.proxies.point(B, &[bench.node.local_addr().unwrap()], vec![std::process::id()]);
    bench.cut(2, A, B);
    let (mut near, mut far) = bench.connect(shared).await;
    near.write_all(b"self").await.unwrap();
    arrives(&mut far, b"self").await;
}

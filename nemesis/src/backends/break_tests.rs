//! What links do beside cutting and delaying, measured from outside on real sockets.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::tests::{A, B, Bench, QUIET, SOON, arrives, closes, nothing_arrives};
use super::{PeerUse, PortUse, Proxies, Wiring};
use crate::{Effect, FaultId, LinkChange};

fn begin(bench: &Bench, fault: u64, change: LinkChange) {
    let effect = Effect::Link { from: vec![A], to: vec![B], change };
    assert_eq!(bench.proxies.begin(FaultId(fault), &effect), Some(1));
}

async fn is_reset(stream: &mut TcpStream) {
    let read = timeout(SOON, stream.read(&mut [0])).await.expect("is reset in time");
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_narrow_link_carries_so_much_a_second_over_all_its_connections() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    let (mut other, mut other_far) = bench.connect(bench.peer()).await;
    begin(&bench, 1, LinkChange::Throttle { kb_per_s: 200 });
    begin(&bench, 2, LinkChange::Throttle { kb_per_s: 100 });
    let bytes = vec![7; 25_000];
    let began = Instant::now();
    near.write_all(&bytes).await.unwrap();
    other.write_all(&bytes).await.unwrap();
    tokio::join!(arrives(&mut far, &bytes), arrives(&mut other_far, &bytes));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(480), "50 KB at 100 KB/s took {took:?}");
    far.write_all(&bytes).await.unwrap();
    arrives(&mut near, &bytes).await;
    bench.end(2);
    let report = bench.end(1);
    assert_eq!((report.narrow, report.counts.waited_bytes), (1, 50_000), "and nothing of the way back");
    let bytes = vec![8; 2_000_000];
    let writer = tokio::spawn({
        let bytes = bytes.clone();
        async move { near.write_all(&bytes).await }
    });
    arrives(&mut far, &bytes).await;
    writer.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unsteady_link_is_late_by_another_time_each_time_and_keeps_order() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    begin(&bench, 1, LinkChange::Jitter { by: Duration::from_millis(30).into() });
    let mut took = Vec::new();
    for number in 0..16_u8 {
        let began = Instant::now();
        near.write_all(&[number]).await.unwrap();
        arrives(&mut far, &[number]).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    assert!(took[15] >= took[0] + Duration::from_millis(5), "{took:?}");
    let numbers: Vec<u8> = (0..100).collect();
    for number in &numbers {
        near.write_all(&[*number]).await.unwrap();
        tokio::task::yield_now().await;
    }
    arrives(&mut far, &numbers).await;
    let report = bench.end(1);
    assert_eq!((report.slow, report.counts.late_bytes), (1, 116));
}

#[tokio::test]
async fn a_reset_ends_every_connection_again_and_again() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    begin(&bench, 1, LinkChange::Reset { every: Duration::from_millis(100).into() });
    is_reset(&mut near).await;
    is_reset(&mut far).await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    near.write_all(b"between").await.unwrap();
    arrives(&mut far, b"between").await;
    is_reset(&mut near).await;
    is_reset(&mut far).await;
    let report = bench.end(1);
    assert_eq!((report.broken, report.counts.resets, report.was_felt()), (1, 2, true), "{report}");
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    nothing_arrives(&mut near).await;
    near.write_all(b"after").await.unwrap();
    arrives(&mut far, b"after").await;
}

#[tokio::test]
async fn who_refuses_resets_what_there_is_and_is_found_at_the_same_address_afterwards() {
    let bench = Bench::new().await;
    let address = bench.peer();
    let (mut near, mut far) = bench.connect(address).await;
    begin(&bench, 1, LinkChange::Refuse);
    begin(&bench, 2, LinkChange::Refuse);
    is_reset(&mut near).await;
    is_reset(&mut far).await;
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(SOON, refused).await.expect("refuses");
    let error = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(bench.end(1).was_felt());
    assert!(TcpStream::connect(address).await.is_err(), "the other fault refuses still");
    bench.end(2);
    let accepted = async { while TcpStream::connect(address).await.is_err() {} };
    timeout(SOON, accepted).await.expect("accepts again");
    drop(timeout(SOON, bench.node.accept()).await.unwrap());
    let (mut near, mut far) = bench.connect(address).await;
    near.write_all(b"again").await.unwrap();
    arrives(&mut far, b"again").await;
}

#[tokio::test]
async fn a_new_connection_hangs_until_the_end() {
    let bench = Bench::new().await;
    let (mut near, _far) = bench.connect(bench.peer()).await;
    begin(&bench, 1, LinkChange::Hang);
    is_reset(&mut near).await;
    let mut near = TcpStream::connect(bench.peer()).await.unwrap();
    near.write_all(b"hello").await.unwrap();
    assert!(timeout(QUIET, bench.node.accept()).await.is_err(), "it reaches nobody");
    let report = bench.end(1);
    assert_eq!((report.counts.resets, report.counts.connections), (1, 1), "{report}");
    let (mut far, _) = timeout(SOON, bench.node.accept()).await.unwrap().unwrap();
    arrives(&mut far, b"hello").await;
}

#[tokio::test]
async fn the_sending_end_of_a_half_open_connection_is_told_at_the_end_of_the_fault() {
    let bench = Bench::new().await;
    let (mut near, mut far) = bench.connect(bench.peer()).await;
    begin(&bench, 1, LinkChange::HalfOpen);
    is_reset(&mut far).await;
    near.write_all(b"hello?").await.unwrap();
    nothing_arrives(&mut near).await;
    let (mut fresh, mut fresh_far) = bench.connect(bench.peer()).await;
    fresh.write_all(b"new ones work").await.unwrap();
    arrives(&mut fresh_far, b"new ones work").await;
    let report = bench.end(1);
    assert_eq!(report.counts.half_open, 1, "{report}");
    is_reset(&mut near).await;
    fresh.write_all(b"still").await.unwrap();
    arrives(&mut fresh_far, b"still").await;
}

#[tokio::test]
async fn behind_a_shared_address_one_link_refuses_and_the_others_do_not() {
    let ports = vec![PortUse { clients: true, peers: PeerUse::OneForAll }];
    let proxies = Proxies::open(&Wiring { nodes: 2, clients: 1, ports }).unwrap();
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = node.local_addr().unwrap();
    proxies.point(B, &[address], Vec::new());
    proxies.point(A, &["127.0.0.1:1".parse().unwrap()], vec![std::process::id()]);
    let shared = proxies.shared_address(B, 0).unwrap();
    let bench = Bench { proxies, node };
    begin(&bench, 1, LinkChange::Refuse);
    is_reset(&mut TcpStream::connect(shared).await.unwrap()).await;
    assert_eq!(bench.end(1).counts.refused, 1);
    begin(&bench, 2, LinkChange::Refuse);
    // Now it is node B that dials itself.
    bench.proxies.point(A, &["127.0.0.1:1".parse().unwrap()], Vec::new());
    bench.proxies.point(B, &[address], vec![std::process::id()]);
    let (mut near, mut far) = bench.connect(shared).await;
    near.write_all(b"self").await.unwrap();
    arrives(&mut far, b"self").await;
    bench.end(2);
    drop(far);
    closes(&mut near).await;
}

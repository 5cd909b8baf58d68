//! A member alone, over real HTTP.

use std::time::Duration;

use histories::Node;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::http::HttpRequest;
use crate::store::single::Options;
use nemesis::Layout;

const LIMIT: Duration = Duration::from_secs(10);

fn arguments(disk: &std::path::Path) -> NodeArguments {
    NodeArguments {
        node: Node(0),
        layout: Layout::single(1),
        mode: "single/quorum".into(),
        disk: disk.to_owned(),
        peers: Vec::new(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        seed: 1,
    }
}

/// Every node of these tests has this one.
fn token() -> Token {
    Token::read(&b"0123456789\n"[..]).unwrap().unwrap()
}

/// A member that leads itself.
async fn alone(disk: &std::path::Path) -> Serving {
    let serving = serve(&arguments(disk), token(), Options::default()).await.unwrap();
    let ready = async {
        while !exchange(serving.address, "GET /status HTTP/1.1\r\n", "").await.1.contains("\"ready\":true") {}
    };
    tokio::time::timeout(LIMIT, ready).await.expect("a member alone elects itself");
    serving
}

/// One request on a connection of its own, byte for byte; the status and everything that came back.
async fn exchange(address: SocketAddr, head: &str, body: &str) -> (u16, String) {
    exchange_with(address, head, "x-partita-token: 0123456789\r\n", body).await
}

async fn exchange_with(address: SocketAddr, head: &str, more: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let text = format!("{head}{more}host: n1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    // A node may answer and close before it has read what is too long anyway.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.expect("answers in time");
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer)
}

#[tokio::test]
async fn every_operation_is_served_and_survives_a_restart() {
    let disk = tempfile::tempdir().unwrap();
    let serving = alone(disk.path()).await;
    let at = serving.address;
    for (head, body, expected) in [
        ("PUT /kv/x HTTP/1.1\r\n", r#"{"value":3}"#, r#""value":null"#),
        ("GET /kv/x HTTP/1.1\r\n", "", r#""value":3"#),
        ("POST /kv/x/cas HTTP/1.1\r\n", r#"{"from":3,"to":4}"#, "200 OK"),
        ("POST /kv/x/cas HTTP/1.1\r\n", r#"{"from":3,"to":5}"#, r#""definite":true,"seen":4"#),
        ("POST /kv/l/append HTTP/1.1\r\n", r#"{"value":1}"#, "200 OK"),
        ("POST /kv/s/add HTTP/1.1\r\n", r#"{"value":1}"#, "200 OK"),
        ("POST /kv/c/increment HTTP/1.1\r\n", r#"{"by":2}"#, "200 OK"),
        ("GET /kv/l?level=index HTTP/1.1\r\n", "", r#""value":[1]"#),
        ("GET /dump HTTP/1.1\r\n", "", r#""x":{"value":4"#),
    ] {
        let (_, answer) = exchange(at, head, body).await;
        assert!(answer.contains(expected), "{head}{body}: {answer}");
    }
    serving.server.abort();
    serving.actor.abort();
    assert!(serving.actor.await.is_err());
    let again = alone(disk.path()).await;
    let (status, answer) = exchange(again.address, "GET /kv/x HTTP/1.1\r\n", "").await;
    assert!(status == 200 && answer.contains(r#""value":4"#), "{answer}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_for_certain() {
    let disk = tempfile::tempdir().unwrap();
    let serving = alone(disk.path()).await;
    let long = format!(r#"{{"value":"{}"}}"#, "x".repeat(crate::live::wire::BODY_BYTES_MAX));
    for (head, body, expected) in [
        ("PUT /kv/x HTTP/1.1\r\n", "3", 400),
        ("PUT /kv/x HTTP/1.1\r\n", r#"{"value":1,"other":2}"#, 400),
        ("PUT /kv/x HTTP/1.1\r\n", r#"{"value":1.5}"#, 400),
        ("PUT /kv/x HTTP/1.1\r\n", &long, 413),
        ("POST /kv/x/cas HTTP/1.1\r\n", r#"{"from":1}"#, 400),
        ("POST /kv/x/explode HTTP/1.1\r\n", "{}", 400),
        ("GET /kv/x?level=high HTTP/1.1\r\n", "", 400),
        ("GET /kv/x?after=-1 HTTP/1.1\r\n", "", 400),
        ("GET /kv/%FF HTTP/1.1\r\n", "", 400),
        ("GET /nowhere HTTP/1.1\r\n", "", 404),
        ("DELETE /kv/x HTTP/1.1\r\n", "", 405),
        ("POST /clock HTTP/1.1\r\n", r#"{"offset_ms":1}"#, 400),
        ("POST /peer HTTP/1.1\r\n", "", 400),
        ("POST /peer?from=n2 HTTP/1.1\r\n", "nonsense\n", 400),
    ] {
        let (status, answer) = exchange(serving.address, head, body).await;
        let shown = answer.get(..answer.len().min(400));
        assert_eq!(status, expected, "{head}{shown:?}");
        assert!(answer.contains(r#""definite":true"#), "{head}{shown:?}");
    }
    let (_, answer) = exchange(serving.address, "GET /kv/x HTTP/1.1\r\n", "").await;
    assert!(answer.contains(r#""value":null"#), "none of it happened: {answer}");
}

#[tokio::test]
async fn its_clock_is_set_and_read_back_and_its_metrics_are_told() {
    let disk = tempfile::tempdir().unwrap();
    let serving = alone(disk.path()).await;
    let body = r#"{"offset_ms":-700,"drift_ms_per_s":0,"strobe_ms":0}"#;
    let (status, answer) = exchange(serving.address, "POST /clock HTTP/1.1\r\n", body).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#"{"before_ms":0.0,"after_ms":-700.0,"drift_ms_per_s":0}"#), "{answer}");
    let (status, answer) = exchange(serving.address, "GET /metrics HTTP/1.1\r\n", "").await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("\npartita_leads{node=\"n1\"} 1\n"), "{answer}");
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let disk = tempfile::tempdir().unwrap();
    let listen = taken.local_addr().unwrap();
    let error = run(NodeArguments { listen, ..arguments(disk.path()) }, token()).await.unwrap_err();
    assert!(matches!(error, NodeError::PortInUse { address } if address == listen), "{error}");
    assert!(error.to_string().contains("is in use by another process"), "{error}");
}

#[tokio::test]
async fn an_unknown_mode_names_the_nearest() {
    let disk = tempfile::tempdir().unwrap();
    let mode = "single/quorom".to_owned();
    let error = run(NodeArguments { mode, ..arguments(disk.path()) }, token()).await.unwrap_err();
    assert!(error.to_string().contains("single/quorum"), "{error}");
}

#[tokio::test]
async fn who_has_no_token_is_refused_everywhere() {
    let disk = tempfile::tempdir().unwrap();
    let serving = alone(disk.path()).await;
    let clock = r#"{"offset_ms":-700,"drift_ms_per_s":0,"strobe_ms":0}"#;
    for (head, body) in [
        ("PUT /kv/x HTTP/1.1\r\n", r#"{"value":3}"#),
        ("GET /kv/x HTTP/1.1\r\n", ""),
        ("POST /kv/x/add HTTP/1.1\r\n", r#"{"value":3}"#),
        ("POST /clock HTTP/1.1\r\n", clock),
        ("POST /peer?from=n2 HTTP/1.1\r\n", ""),
        ("GET /status HTTP/1.1\r\n", ""),
        ("GET /dump HTTP/1.1\r\n", ""),
        ("GET /metrics HTTP/1.1\r\n", ""),
        ("GET /nowhere HTTP/1.1\r\n", ""),
    ] {
        for more in ["", "x-partita-token: 012345678\r\n", "x-partita-token: 0123456780\r\n"] {
            let (status, answer) = exchange_with(serving.address, head, more, body).await;
            assert_eq!(status, 401, "{head}{more}{answer}");
        }
    }
    let (_, answer) = exchange(serving.address, "GET /kv/x HTTP/1.1\r\n", "").await;
    assert!(answer.contains(r#""value":null"#), "none of it happened: {answer}");
}

#[tokio::test]
async fn a_kept_link_serves_many_requests() {
    let disk = tempfile::tempdir().unwrap();
    let serving = alone(disk.path()).await;
    let mut link = token().link();
    for _ in 0..50 {
        let (status, body) = link.send(serving.address, HttpRequest::get("/kv/x"), LIMIT).await.unwrap();
        assert_eq!(status, 200, "{body:?}");
    }
}

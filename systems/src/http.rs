//! An HTTP/1.1 client that sends a request at most once. It never retries, follows no redirect and knows no proxy of the
//! environment.
//!
//! One thing below it may look like a re-send and is none: where the kept connection turns out to be closed before a
//! request was started on it, the request goes out on a new one. Nothing of it had been written; the tests count what
//! arrives.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect, retry};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Put,
    Post,
}

/// A request before it is any library's type of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpRequest {
    pub(crate) method: Method,
    /// With its query.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl HttpRequest {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: Method::Get, path: path.to_owned(), body: Vec::new() }
    }

    pub(crate) fn post(path: &str, body: Vec<u8>) -> Self {
        Self { method: Method::Post, path: path.to_owned(), body }
    }
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Not a byte of the request left: it certainly did not happen.
    NotSent(String),
    TimedOut,
    /// The connection broke, or the answer made no sense, after the request may have left.
    Broken(String),
}

/// A kept connection to one address, made when it is needed.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Goes with every request: name and value.
    header: Option<(&'static str, String)>,
    client: Option<Client>,
}

impl Link {
    /// With a header of every request.
    pub(crate) fn with_header(name: &'static str, value: String) -> Self {
        Self { header: Some((name, value)), client: None }
    }

    /// Sends `request` to `address` at most once. After anything but an answer the connection is closed, so that a late
    /// answer is nobody's.
    pub(crate) async fn send(
        &mut self,
        address: SocketAddr,
        request: HttpRequest,
        limit: Duration,
    ) -> Result<(u16, Bytes), Loss> {
        let client = if let Some(client) = &self.client {
            client
        } else {
            let made = at_most_once().build();
            self.client.insert(made.map_err(|error| Loss::NotSent(chain(&error)))?)
        };
        let answered = async {
            let mut request = http_request(client, address, request);
            if let Some((name, value)) = &self.header {
                request = request.header(*name, value);
            }
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok((status, response.bytes().await?))
        };
        match tokio::time::timeout(limit, answered).await {
            Ok(answer) => answer.map_err(|error| loss(&error)),
            Err(_) => Err(Loss::TimedOut),
        }
    }
}

/// Every client needs the provider, whether it ever speaks TLS or not: without it the library panics.
fn provide_cryptography() {
    // A second call finds the provider installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What every client of ours is made of: it sends a request at most once, to where it was told.
pub(crate) fn at_most_once() -> ClientBuilder {
    provide_cryptography();
    Client::builder()
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .pool_max_idle_per_host(1)
}

fn http_request(client: &Client, address: SocketAddr, request: HttpRequest) -> RequestBuilder {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Put => reqwest::Method::PUT,
        Method::Post => reqwest::Method::POST,
    };
    client.request(method, format!("http://{address}{}", request.path)).body(request.body)
}

/// Without a connection, or without a request that makes sense, nothing was sent; else nobody knows.
pub(crate) fn loss(error: &reqwest::Error) -> Loss {
    let text = chain(error);
    if error.is_connect() || error.is_builder() { Loss::NotSent(text) } else { Loss::Broken(text) }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// What a server does with each request that arrives, over all of its connections.
    #[derive(Clone, Copy)]
    enum Does {
        Answer,
        AnswerThenClose,
        Close,
        Nothing,
    }

    /// A raw server that counts every connection and every request that arrives at it.
    async fn counted(script: &'static [Does]) -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::new(AtomicUsize::new(0));
        let connected = Arc::new(AtomicUsize::new(0));
        let (counter, connections) = (Arc::clone(&arrived), Arc::clone(&connected));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    while stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {
                        if !bytes.ends_with(b"the end") {
                            continue;
                        }
                        bytes.clear();
                        let does = script.get(counter.fetch_add(1, Ordering::SeqCst)).copied();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        match does.unwrap_or(Does::Close) {
                            Does::Answer => stream.write_all(answer).await.unwrap(),
                            Does::AnswerThenClose => {
                                stream.write_all(answer).await.unwrap();
                                return;
                            }
                            Does::Close => return,
                            Does::Nothing => {}
                        }
                    }
                });
            }
        });
        (address, arrived, connected)
    }

    async fn server(script: &'static [Does]) -> (SocketAddr, Arc<AtomicUsize>) {
        let (address, arrived, _) = counted(script).await;
        (address, arrived)
    }

    fn put() -> HttpRequest {
        HttpRequest { method: Method::Put, path: "/kv/x".into(), body: b"the end".to_vec() }
    }

    #[tokio::test]
    async fn a_request_that_is_never_answered_arrives_once_and_nobody_knows() {
        let (address, arrived) = server(&[Does::Close]).await;
        let lost = Link::default().send(address, put(), LIMIT).await.unwrap_err();
        assert!(matches!(lost, Loss::Broken(_)), "{lost:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(arrived.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn nor_does_it_arrive_twice_on_a_connection_that_was_kept() {
        let (address, arrived, connected) = counted(&[Does::Answer, Does::Close]).await;
        let mut link = Link::default();
        assert_eq!(link.send(address, put(), LIMIT).await.unwrap(), (200, Bytes::from("ok")));
        let lost = link.send(address, put(), LIMIT).await.unwrap_err();
        assert!(matches!(lost, Loss::Broken(_)), "{lost:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(arrived.load(Ordering::SeqCst), 2);
        assert_eq!(connected.load(Ordering::SeqCst), 1, "the connection was kept");
    }

    #[tokio::test]
    async fn a_connection_closed_while_idle_is_made_anew_and_each_request_arrives_at_most_once() {
        let (address, arrived) = server(&[Does::AnswerThenClose; 40]).await;
        let mut link = Link::default();
        for round in 0..40 {
            // Every other time the close is a race with the next request: whoever loses, no request may arrive twice.
            if round % 2 == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let before = arrived.load(Ordering::SeqCst);
            let outcome = link.send(address, put(), LIMIT).await;
            let more = arrived.load(Ordering::SeqCst) - before;
            match outcome {
                Ok(_) => assert_eq!(more, 1),
                Err(Loss::NotSent(_)) => assert_eq!(more, 0),
                Err(Loss::Broken(_) | Loss::TimedOut) => assert!(more <= 1),
            }
        }
        assert!(arrived.load(Ordering::SeqCst) >= 15, "an idle connection that was closed costs no request");
    }

    #[tokio::test]
    async fn after_a_time_out_the_late_answer_is_nobodys() {
        let (address, arrived) = server(&[Does::Nothing, Does::Answer]).await;
        let mut link = Link::default();
        let lost = link.send(address, put(), Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(lost, Loss::TimedOut);
        assert_eq!(link.send(address, put(), LIMIT).await.unwrap().0, 200);
        assert_eq!(arrived.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_refused_connection_sent_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let lost = Link::default().send(address, put(), LIMIT).await.unwrap_err();
        assert!(matches!(&lost, Loss::NotSent(text) if text.contains("refused")), "{lost:?}");
    }
}

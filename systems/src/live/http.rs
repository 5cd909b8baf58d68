//! An HTTP/1.1 connection that sends a request at most once. It never retries, follows no redirect, knows no proxy of the
//! environment, and has no pool that might send again behind its user's back.
//!
//! It is built on a bare connection and not on an HTTP client: those send a request again, on another connection, when
//! the one from the pool turns out to be closed, and cannot all be told not to.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, poll_immediate, select};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::wire::{HttpRequest, Method};
use crate::store::codec::Loss;

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A kept connection to one address, made when it is needed.
#[derive(Debug, Default)]
pub(crate) struct Link {
    open: Option<Open>,
}

struct Open {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    /// Carries the bytes; it moves only while it is polled, so there is no task to be left behind.
    driver: Pin<Box<Driver>>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Link {
    /// Sends `request` to `address` at most once. After anything but an answer the connection is closed, so that a late
    /// answer is nobody's.
    pub(crate) async fn send(
        &mut self,
        address: SocketAddr,
        request: HttpRequest,
        limit: Duration,
    ) -> Result<(u16, Bytes), Loss> {
        let deadline = Instant::now() + limit;
        let request = http_request(address, request).map_err(|error| Loss::NotSent(error.to_string()))?;
        let mut open = match self.kept(address).await {
            Some(open) => open,
            None => match timeout_at(deadline, connect(address)).await {
                Ok(connected) => connected.map_err(Loss::NotSent)?,
                Err(_) => return Err(Loss::NotSent("timed out before a connection was made".to_owned())),
            },
        };
        let answer = timeout_at(deadline, open.exchange(request)).await.unwrap_or(Err(Loss::TimedOut))?;
        self.open = Some(open);
        Ok(answer)
    }

    /// The connection of the last request, if it is still good.
    async fn kept(&mut self, address: SocketAddr) -> Option<Open> {
        let mut open = self.open.take().filter(|open| open.address == address)?;
        // One look at the socket: a node that has closed it meanwhile has said so there.
        let ended = poll_immediate(&mut open.driver).await.is_some();
        (!ended && open.sender.is_ready()).then_some(open)
    }
}

async fn connect(address: SocketAddr) -> Result<Open, String> {
    let told = |what: &str, error: &dyn std::fmt::Display| format!("{what} {address}: {error}");
    let stream = TcpStream::connect(address).await.map_err(|error| told("cannot connect to", &error))?;
    stream.set_nodelay(true).map_err(|error| told("cannot set up", &error))?;
    let (sender, driver) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| told("cannot set up", &error))?;
    Ok(Open { address, sender, driver: Box::pin(driver) })
}

impl Open {
    async fn exchange(&mut self, request: hyper::Request<Full<Bytes>>) -> Result<(u16, Bytes), Loss> {
        let Self { sender, driver, .. } = self;
        let exchange = std::pin::pin!(async {
            let response = sender.try_send_request(request).await.map_err(|mut error| {
                // The request comes back only where the connection never took it up.
                let unsent = error.take_message().is_some();
                let text = chain(error.error());
                if unsent { Loss::NotSent(text) } else { Loss::Broken(text) }
            })?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| Loss::Broken(chain(&error)))?;
            Ok((status, body.to_bytes()))
        });
        match select(driver, exchange).await {
            Either::Right((answer, _)) => answer,
            // The connection has ended. What it had read is still handed over, or its error.
            Either::Left((_, mut exchange)) => match futures::poll!(&mut exchange) {
                Poll::Ready(answer) => answer,
                Poll::Pending => Err(Loss::Broken("the connection ended without an answer".to_owned())),
            },
        }
    }
}

fn http_request(
    address: SocketAddr,
    request: HttpRequest,
) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Put => hyper::Method::PUT,
        Method::Post => hyper::Method::POST,
    };
    hyper::Request::builder()
        .method(method)
        .uri(request.path)
        .header(hyper::header::HOST, address.to_string())
        .body(Full::new(Bytes::from(request.body)))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
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

    /// A raw server that counts every request that arrives at it.
    async fn server(script: &'static [Does]) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&arrived);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
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
        let (address, arrived) = server(&[Does::Answer, Does::Close]).await;
        let mut link = Link::default();
        assert_eq!(link.send(address, put(), LIMIT).await.unwrap(), (200, Bytes::from("ok")));
        let lost = link.send(address, put(), LIMIT).await.unwrap_err();
        assert!(matches!(lost, Loss::Broken(_)), "{lost:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(arrived.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_connection_closed_while_idle_is_made_anew_and_each_request_arrives_at_most_once() {
        let (address, arrived) = server(&[Does::AnswerThenClose; 40]).await;
        let mut link = Link::default();
        for round in 0..40 {
            // The close is a race with the next request: whoever loses, no request may arrive twice.
            if round % 2 == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
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
        assert!(arrived.load(Ordering::SeqCst) >= 20, "an idle connection that was closed costs no request");
    }

    #[tokio::test]
    async fn after_a_time_out_the_late_answer_is_nobodys() {
        let (address, arrived) = server(&[Does::Nothing, Does::Answer]).await;
        let mut link = Link::default();
        let lost = link.send(address, put(), Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(lost, Loss::TimedOut);
        assert!(link.open.is_none());
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

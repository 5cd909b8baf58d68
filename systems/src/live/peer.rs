//! The link from this node to another: one long streaming request, a line of JSON for each message. One way only: nothing
//! of the other direction depends on it. It never promises delivery: what does not fit, or waits while the link is
//! down, is lost.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use histories::Node;

use super::token::Token;

/// Messages that may wait; then the next are lost.
pub(crate) const QUEUE_MAX: usize = 1024;
const BACK_OFF: Duration = Duration::from_millis(50);
/// Small, so that little lies in a link that is cut and little is late when it heals.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// Carries what is queued to `address` for as long as somebody may queue more.
pub(crate) async fn carry(from: Node, address: SocketAddr, token: Token, mut queue: Receiver<Bytes>) {
    while !queue.is_closed() {
        // A link that breaks is nothing to report: the replica hears no more, which is what it is made for.
        let _ = stream(from, address, &token, &mut queue).await;
        tokio::time::sleep(BACK_OFF).await;
        while queue.try_recv().is_ok() {}
    }
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

async fn stream(
    from: Node,
    address: SocketAddr,
    token: &Token,
    queue: &mut Receiver<Bytes>,
) -> Result<(), Broken> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.set_nodelay(true)?;
    let stream = socket.connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Room for one chunk: while the link takes nothing, messages wait in the queue and then are lost.
    let (chunks, body) = channel::<Bytes>(1);
    let body = futures::stream::unfold(body, async |mut body| {
        let chunk = body.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(chunk)), body))
    });
    let request = hyper::Request::post(format!("/peer?from={from}"))
        .header(hyper::header::HOST, address.to_string())
        .header(Token::HEADER, token.as_str())
        .body(StreamBody::new(body))?;
    tokio::select! {
        ended = connection => ended?,
        // The other side answers only when it will hear no more.
        answer = sender.send_request(request) => {
            answer?;
        }
        () = forward(queue, &chunks) => {}
    }
    Ok(())
}

/// Everything that is queued, in chunks as large as they get.
async fn forward(queue: &mut Receiver<Bytes>, chunks: &Sender<Bytes>) {
    while let Some(first) = queue.recv().await {
        let mut more = queue.try_recv();
        if more.is_err() {
            if chunks.send(first).await.is_err() {
                return;
            }
            continue;
        }
        let mut chunk = BytesMut::from(first.as_ref());
        while let Ok(message) = more {
            chunk.extend_from_slice(&message);
            more = if chunk.len() < CHUNK_BYTES { queue.try_recv() } else { break };
        }
        if chunks.send(chunk.freeze()).await.is_err() {
            return;
        }
    }
}

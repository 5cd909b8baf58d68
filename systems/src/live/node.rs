//! One member of the reference store as an operating-system process: log, replica, HTTP.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::serve::ListenerExt;
use histories::Nanos;
use nemesis::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::actor::{Actor, Event};
use super::arguments::NodeArguments;
use super::disk::{Disk, DiskError, Log};
use super::token::Token;
use super::{peer, server};
use crate::store::{self, Member, Now, Protocol, Replica, Visit};

/// A node cannot start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("{0}")]
    Mode(String),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{address} is in use by another process; leave --listen out, or give port 0, for a free one")]
    PortInUse { address: SocketAddr },
    #[error("cannot {what}: {error}")]
    Io { what: &'static str, error: io::Error },
    #[error("a node reads its run's token, a line, from standard input, and there was none")]
    NoToken,
    #[error("the replica failed; what it said is above")]
    Replica,
}

impl NodeError {
    /// What the process exits with: always a failure of the harness, never a verdict.
    pub const EXIT_CODE: u8 = 3;
}

/// Events that may wait before whoever brings more has to wait, too.
const EVENTS_MAX: usize = 4096;

/// Runs a member until it is killed, on a runtime of its own: one thread for the node, one for its disk. The run's token
/// comes by standard input.
pub fn run_blocking(arguments: NodeArguments) -> Result<(), NodeError> {
    let wrap = |error| NodeError::Io { what: "start", error };
    let token = Token::read(io::stdin().lock()).map_err(wrap)?.ok_or(NodeError::NoToken)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrap)?;
    runtime.block_on(run(arguments, token))
}

/// Runs a member until its disk or its replica fails. Says `listening ADDRESS` on standard output once it serves.
async fn run(arguments: NodeArguments, token: Token) -> Result<(), NodeError> {
    let (_, store) = store::mode(&arguments.mode).map_err(NodeError::Mode)?;
    store.validate(arguments.layout).map_err(NodeError::Mode)?;
    let serving = store.visit(Serve(&arguments, token)).await?;
    announce(serving.address).map_err(|error| NodeError::Io { what: "say where it listens", error })?;
    serving.until_failure().await
}

/// A member at work.
struct Serving {
    address: SocketAddr,
    server: JoinHandle<io::Result<()>>,
    actor: JoinHandle<Result<(), DiskError>>,
}

impl Serving {
    async fn until_failure(self) -> Result<(), NodeError> {
        let failed = |_| NodeError::Replica;
        tokio::select! {
            served = self.server => {
                served.map_err(failed)?.map_err(|error| NodeError::Io { what: "serve", error })
            }
            ended = self.actor => ended.map_err(failed)?.map_err(NodeError::Disk),
        }
    }
}

/// Starts a member of whichever protocol the mode is of.
struct Serve<'a>(&'a NodeArguments, Token);

impl<'a> Visit for Serve<'a> {
    type Out = BoxFuture<'a, Result<Serving, NodeError>>;

    fn visit<P: Protocol>(self, protocol: P) -> Self::Out {
        Box::pin(serve(self.0, self.1, protocol))
    }
}

/// Starts a member, from what is on disk.
async fn serve<P: Protocol>(
    arguments: &NodeArguments,
    token: Token,
    protocol: P,
) -> Result<Serving, NodeError> {
    let (log, recovered) = Log::open::<<P::Replica as Replica>::Record>(&arguments.disk)?;
    if recovered.torn {
        say(&format!(
            "the log's last write was cut short; dropped what follows byte {}",
            recovered.valid_len
        ));
    }
    let listener = listen(arguments.listen).await?;
    let address = listener.local_addr().map_err(|error| NodeError::Io { what: "listen", error })?;
    let (events, incoming) = mpsc::channel(EVENTS_MAX);
    let reports = events.clone();
    let disk = Disk::start(log, protocol.sync(), move |report| {
        // The node is stopping if nobody hears it.
        let _ = reports.blocking_send(Event::Persisted(report));
    })
    .map_err(|error| NodeError::Io { what: "start the disk's thread", error })?;
    let member = Member { node: arguments.node, layout: arguments.layout };
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map(Nanos::from).unwrap_or_default();
    let now = Now { monotonic: Nanos::ZERO, wall };
    let replica = protocol.recover(member, arguments.seed, recovered.records, now);
    let actor = Actor::new(replica, disk, connect_peers(arguments, &token));
    let actor = tokio::spawn(actor.run(incoming));
    let listener = listener.tap_io(|stream| {
        // Without it answers are late, which is not worth the node's life.
        let _ = stream.set_nodelay(true);
    });
    let server = tokio::spawn(axum::serve(listener, server::router(events, token)).into_future());
    Ok(Serving { address, server, actor })
}

fn connect_peers(
    arguments: &NodeArguments,
    token: &Token,
) -> BTreeMap<histories::Node, mpsc::Sender<bytes::Bytes>> {
    let links = arguments.peers.iter().map(|&(node, address)| {
        let (queue, queued) = mpsc::channel(peer::QUEUE_MAX);
        tokio::spawn(peer::carry(arguments.node, address, token.clone(), queued));
        (node, queue)
    });
    links.collect()
}

async fn listen(address: SocketAddr) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => NodeError::PortInUse { address },
        _ => NodeError::Io { what: "listen", error },
    })
}

fn announce(address: SocketAddr) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "listening {address}")?;
    output.flush()
}

/// For the node's log.
fn say(text: &str) {
    // Nothing of the node hangs on its log.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;

//! A proxy before a node that does what a bad network or a broken server would: it loses answers, sends them late, answers
//! nonsense or hangs up. It counts what a client sends.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What is done with what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meddling {
    /// It is passed on, and so is the answer.
    Pass,
    /// It is passed on, and the connection closes when the answer comes.
    LoseAnswer,
    /// It is passed on, and the answer comes so much later.
    Late(Duration),
    /// It is not passed on; the answer is none.
    Nonsense,
    /// It is not passed on, and the connection closes.
    HangUp,
}

/// What a client has sent since the count began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Connections on which anything came.
    pub(super) connections: u64,
    /// Pieces that name the key in question and had come before, byte for byte.
    pub(super) repeated: u64,
}

#[derive(Debug)]
struct State {
    meddling: Meddling,
    sent: Sent,
    /// What a request names that is not to be sent twice.
    key: String,
    /// Pieces that name it, since the count began.
    pieces: BTreeSet<Vec<u8>>,
    /// Counts the counts, so that each connection is counted once in each.
    count: u64,
}

type Shared = Arc<Mutex<State>>;
/// Where the node is now, `None` while it is dead.
pub(super) type Real = Arc<dyn Fn() -> Option<SocketAddr> + Send + Sync>;

/// A running meddler. Dropping it closes every connection.
pub(super) struct Meddler {
    pub(super) address: SocketAddr,
    state: Shared,
    task: JoinHandle<()>,
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Meddler {
    pub(super) async fn open(real: Real) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = State {
            meddling: Meddling::Pass,
            sent: Sent::default(),
            key: String::new(),
            pieces: BTreeSet::new(),
            count: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let task = tokio::spawn(accept(listener, real, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// Meddles so from now on, and counts from here; what names `key` is not to come twice.
    pub(super) fn set(&self, meddling: Meddling, key: &str) {
        let mut state = lock(&self.state);
        key.clone_into(&mut state.key);
        state.pieces.clear();
        state.meddling = meddling;
        state.sent = Sent::default();
        state.count += 1;
    }

    pub(super) fn sent(&self) -> Sent {
        lock(&self.state).sent
    }
}

impl State {
    /// A piece of what a client sends.
    fn look_at(&mut self, piece: &[u8]) {
        let key = self.key.as_bytes();
        let names_it = !key.is_empty() && piece.windows(key.len()).any(|window| window == key);
        if names_it && !self.pieces.insert(piece.to_owned()) {
            self.sent.repeated += 1;
        }
    }
}

fn lock(state: &Shared) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, real: Real, state: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let Some(real) = real() else { continue };
        connections.spawn(carry(near, real, Arc::clone(&state)));
    }
}

async fn carry(near: TcpStream, real: SocketAddr, state: Shared) -> io::Result<()> {
    let far = TcpStream::connect(real).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (mut from_client, mut to_client) = near.into_split();
    let (mut from_node, mut to_node) = far.into_split();
    let asked = async {
        let mut counted = None;
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let length = from_client.read(&mut bytes).await?;
            if length == 0 {
                return Ok::<bool, io::Error>(false);
            }
            let meddling = {
                let mut state = lock(&state);
                if counted != Some(state.count) {
                    counted = Some(state.count);
                    state.sent.connections += 1;
                }
                state.look_at(&bytes[..length]);
                state.meddling
            };
            match meddling {
                Meddling::Nonsense => return Ok(true),
                Meddling::HangUp => return Ok(false),
                Meddling::Pass | Meddling::LoseAnswer | Meddling::Late(_) => {
                    to_node.write_all(&bytes[..length]).await?;
                }
            }
        }
    };
    let answered = async {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let length = from_node.read(&mut bytes).await?;
            let meddling = lock(&state).meddling;
            match meddling {
                _ if length == 0 => return Ok::<(), io::Error>(()),
                Meddling::LoseAnswer => return Ok(()),
                Meddling::Late(by) => tokio::time::sleep(by).await,
                Meddling::Pass | Meddling::Nonsense | Meddling::HangUp => {}
            }
            to_client.write_all(&bytes[..length]).await?;
        }
    };
    tokio::select! {
        nonsense = asked => {
            if nonsense? {
                to_client.write_all(b"\x15\x03nonsense\r\n\r\n{]\n").await?;
            }
            Ok(())
        }
        answered = answered => answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each byte with the next one.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_u8(byte + 1).await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn it_passes_on_loses_and_counts() {
        let server = server().await;
        let meddler = Meddler::open(Arc::new(move || Some(server))).await.unwrap();
        let mut kept = TcpStream::connect(meddler.address).await.unwrap();
        let mut ask = async |byte| {
            kept.write_u8(byte).await?;
            kept.read_u8().await
        };
        meddler.set(Meddling::Pass, "\x07");
        assert_eq!(ask(1).await.unwrap(), 2);
        assert_eq!(ask(2).await.unwrap(), 3);
        assert_eq!(meddler.sent(), Sent { connections: 1, repeated: 0 });
        assert_eq!((ask(7).await.unwrap(), ask(7).await.unwrap()), (8, 8));
        assert_eq!(meddler.sent(), Sent { connections: 1, repeated: 1 }, "the same came twice");
        meddler.set(Meddling::Late(Duration::from_millis(20)), "");
        assert_eq!(meddler.sent(), Sent::default());
        assert_eq!(ask(3).await.unwrap(), 4);
        assert_eq!(meddler.sent(), Sent { connections: 1, repeated: 0 });
        meddler.set(Meddling::LoseAnswer, "");
        assert!(ask(4).await.is_err(), "the answer is lost");
        for meddling in [Meddling::HangUp, Meddling::Nonsense] {
            meddler.set(meddling, "");
            let mut fresh = TcpStream::connect(meddler.address).await.unwrap();
            fresh.write_u8(5).await.unwrap();
            assert_ne!(fresh.read_u8().await.ok(), Some(6), "the node was not asked");
            assert_eq!(meddler.sent(), Sent { connections: 1, repeated: 0 });
        }
    }
}

//! Ends of connections that a fault brings about, told by a gate to the connections that pass it. Touches no socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::gate::Gate;

/// What is done to the connections that pass a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Both ends are reset.
    Reset,
    /// The end that the gate leads to is reset, and the other is told nothing.
    HalfOpen,
}

/// A break and how many there have been, so that the same one again is another.
pub(super) type Told = (u64, Option<Break>);

/// The gates of one connection, as it listens to them.
pub(super) struct Breaks {
    forward: watch::Receiver<Told>,
    backward: watch::Receiver<Told>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Both ends are, for the sake of the gate of the dialling direction, or of the other.
    Reset { ahead: bool },
    /// The end that was dialled is gone.
    FarIsGone,
    /// The end that dialled is gone.
    NearIsGone,
}

impl Breaks {
    /// From now on: what was told before does not concern a new connection.
    pub(super) fn new(forward: &Gate, backward: &Gate) -> Self {
        Self { forward: forward.breaks(), backward: backward.breaks() }
    }

    pub(super) async fn next(&mut self) -> Broken {
        let (told, ahead) = tokio::select! {
            told = next(&mut self.forward) => (told, true),
            told = next(&mut self.backward) => (told, false),
        };
        match (told, ahead) {
            (Break::Reset, ahead) => Broken::Reset { ahead },
            (Break::HalfOpen, true) => Broken::FarIsGone,
            (Break::HalfOpen, false) => Broken::NearIsGone,
        }
    }
}

async fn next(told: &mut watch::Receiver<Told>) -> Break {
    loop {
        if told.changed().await.is_err() {
            // The gate is gone, and everything with it.
            return std::future::pending().await;
        }
        if let (_, Some(how)) = *told.borrow_and_update() {
            return how;
        }
    }
}

/// Resets the connections of a gate again and again, until it is dropped.
#[derive(Debug)]
pub(super) struct Storm(JoinHandle<()>);

impl Storm {
    pub(super) fn new(gate: &Arc<Gate>, every: Duration) -> Self {
        let gate = Arc::clone(gate);
        Self(tokio::spawn(async move {
            loop {
                gate.break_connections(Break::Reset);
                tokio::time::sleep(every).await;
            }
        }))
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.0.abort();
    }
}

//! Carries bytes of one connection, each direction through its gate. It never drops a byte of a stream that goes on, and
//! none overtakes another: behind a closed gate it stops reading, and the sender's buffers fill up as they do when
//! packets are lost; on a slow link bytes wait for their time, and the next are read meanwhile.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

use super::gate::Gate;
use crate::Dice;

const CHUNK_BYTES: usize = 64 * 1024;
/// What may be under way on a slow link: at 200 ms still 80 MB a second.
const UNDER_WAY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Carries both directions until both ends have closed, or one has broken.
pub(super) async fn carry(
    near: &mut TcpStream,
    far: &mut TcpStream,
    forward: &Gate,
    backward: &Gate,
) -> io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    tokio::try_join!(pump(near_read, far_write, forward), pump(far_read, near_write, backward))?;
    Ok(())
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, gate: &Gate) -> io::Result<()> {
    // Grown on demand: most connections carry a few hundred bytes at a time.
    let mut chunk = vec![0; CHUNK_BYTES / 16];
    let mut under_way = UnderWay::default();
    let mut dice = Dice::new(gate.counters.stream());
    loop {
        // Narrow links take little at a time, and no more while that is under way.
        let most = gate.pace.slice().unwrap_or(CHUNK_BYTES).min(chunk.len());
        tokio::select! {
            read = from.read(&mut chunk[..most]), if under_way.takes_more(gate) => {
                let count = read?;
                let bytes = chunk.get(..count).unwrap_or_default();
                let (delay, passed) = (gate.delay_by(&mut dice), gate.pace.pass(count, Instant::now()));
                if delay.is_zero() && passed.is_none() && under_way.is_empty() {
                    if !pass(bytes, &mut to, gate).await? {
                        return Ok(());
                    }
                } else {
                    if !delay.is_zero() {
                        gate.counters.late(count);
                    }
                    if passed.is_some() {
                        gate.counters.waited(count);
                    }
                    under_way.push(passed.unwrap_or_else(Instant::now) + delay, bytes);
                }
                if count == chunk.len() && count < CHUNK_BYTES {
                    chunk.resize(count * 2, 0);
                }
            }
            bytes = under_way.arrived() => {
                if !pass(&bytes, &mut to, gate).await? {
                    return Ok(());
                }
            }
        }
    }
}

/// Writes what has come to the gate, no bytes for the end of the stream; false where that was it.
async fn pass(bytes: &[u8], to: &mut WriteHalf<'_>, gate: &Gate) -> io::Result<bool> {
    if !gate.is_open() {
        // It is known what is held, so that the cut can tell. It waits here, and nothing more is read.
        gate.counters.blocked(bytes.len());
        gate.opened().await;
    }
    if bytes.is_empty() {
        // Only this direction has ended; the other may still have an answer to bring.
        to.shutdown().await?;
        return Ok(false);
    }
    to.write_all(bytes).await?;
    Ok(true)
}

/// Bytes on a slow link, each with the time at which they arrive.
#[derive(Default)]
struct UnderWay {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    ended: bool,
}

impl UnderWay {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    fn takes_more(&self, gate: &Gate) -> bool {
        let most = match gate.pace.slice() {
            // What the link holds while it is slow, and a slice that waits for its turn.
            Some(slice) => slice.saturating_add(gate.pace.carried_in(gate.delay())),
            None => UNDER_WAY_BYTES_MAX,
        };
        !self.ended && self.bytes < most.min(UNDER_WAY_BYTES_MAX)
    }

    /// No bytes are the end of the stream.
    fn push(&mut self, arrives: Instant, bytes: &[u8]) {
        // A link that has just become faster lets nothing overtake what is under way.
        let before = self.chunks.back().map(|&(before, _)| before);
        self.chunks.push_back((before.map_or(arrives, |before| before.max(arrives)), bytes.to_vec()));
        self.bytes += bytes.len();
        self.ended = bytes.is_empty();
    }

    /// Waits for the next bytes to arrive; nothing is lost where it is not waited for to the end.
    async fn arrived(&mut self) -> Vec<u8> {
        let Some(&(arrives, _)) = self.chunks.front() else { return std::future::pending().await };
        sleep_until(arrives).await;
        let (_, bytes) = self.chunks.pop_front().unwrap_or((arrives, Vec::new()));
        self.bytes -= bytes.len();
        bytes
    }
}

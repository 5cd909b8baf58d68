//! Carries bytes of one connection, each direction through its gate. It never drops a byte of a stream that goes on:
//! behind a closed gate it stops reading, and the sender's buffers fill up as they do when packets are lost.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::gate::Gate;

const CHUNK_BYTES: usize = 64 * 1024;

/// Carries both directions until both ends have closed, or one has broken.
pub(super) async fn carry(
    mut near: TcpStream,
    mut far: TcpStream,
    forward: Arc<Gate>,
    backward: Arc<Gate>,
) -> io::Result<()> {
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    tokio::try_join!(pump(near_read, far_write, &forward), pump(far_read, near_write, &backward))?;
    Ok(())
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, gate: &Gate) -> io::Result<()> {
    // Grown on demand: most connections carry a few hundred bytes at a time.
    let mut chunk = vec![0; CHUNK_BYTES / 16];
    loop {
        let count = from.read(&mut chunk).await?;
        if !gate.is_open() {
            // One chunk is read, so that the cut can tell that it held something. It waits here, and nothing more is read.
            gate.count_blocked(count);
            gate.opened().await;
        }
        if count == 0 {
            // Only this direction has ended; the other may still have an answer to bring.
            return to.shutdown().await;
        }
        to.write_all(chunk.get(..count).unwrap_or_default()).await?;
        if count == chunk.len() && count < CHUNK_BYTES {
            chunk.resize(count * 2, 0);
        }
    }
}

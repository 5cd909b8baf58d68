//! One connection, made when it is needed. It never sends a command twice: after anything but an answer the connection is
//! closed, so that a late answer is nobody's, and nothing of the crate reconnects by itself.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, RedisError, Value};

pub(super) use crate::drivers::lost::Lost;

#[derive(Default)]
pub(super) struct Session {
    /// The connection, and to where.
    kept: Option<(SocketAddr, MultiplexedConnection)>,
}

impl Session {
    /// Sends a command to `address` at most once, and waits for the answer for so long.
    pub(super) async fn ask(
        &mut self,
        address: SocketAddr,
        command: &Cmd,
        limit: Duration,
    ) -> Result<Value, Lost> {
        let until = Instant::now() + limit;
        // Taken out, so that a call which is given up leaves no connection with an answer under way.
        let mut connection = match self.kept.take() {
            Some((to, connection)) if to == address => connection,
            _ => connect(address, limit).await?,
        };
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, connection.req_packed_command(command)).await {
            Ok(Ok(Value::ServerError(error))) => {
                self.kept = Some((address, connection));
                Err(Lost::Refused(RedisError::from(error).to_string()))
            }
            Ok(Ok(value)) => {
                self.kept = Some((address, connection));
                Ok(value)
            }
            Ok(Err(error)) if error.code().is_some() => {
                self.kept = Some((address, connection));
                Err(Lost::Refused(error.to_string()))
            }
            Ok(Err(error)) => Err(Lost::Unknown(error.to_string())),
            Err(_) => Err(Lost::Unknown("no answer within the deadline".to_owned())),
        }
    }
}

async fn connect(address: SocketAddr, limit: Duration) -> Result<MultiplexedConnection, Lost> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(None);
    let connected = async {
        let client = redis::Client::open((address.ip().to_string(), address.port()))?;
        client.get_multiplexed_async_connection_with_config(&config).await
    };
    match tokio::time::timeout(limit, connected).await {
        Ok(connection) => connection.map_err(|error| Lost::NotSent(error.to_string())),
        Err(_) => Err(Lost::NotSent("no connection within the deadline".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    /// A raw server that counts the SETs that arrive, answers all else, and does with a SET what it is told.
    async fn counted(answer: Option<&'static [u8]>) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arrived = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&arrived);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                        let commands = text.matches('*').count();
                        let sets = text.matches("\r\nSET\r\n").count();
                        counter.fetch_add(sets, Ordering::SeqCst);
                        for _ in 0..commands - sets {
                            stream.write_all(b"+OK\r\n").await.unwrap();
                        }
                        match answer {
                            Some(answer) if sets > 0 => stream.write_all(answer).await.unwrap(),
                            None if sets > 0 => return,
                            _ => {}
                        }
                    }
                });
            }
        });
        (address, arrived)
    }

    fn set() -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg("x").arg("1");
        command
    }

    #[tokio::test]
    async fn a_command_arrives_once_whatever_becomes_of_it() {
        // The connection breaks before the answer.
        let (address, arrived) = counted(None).await;
        let lost = Session::default().ask(address, &set(), LIMIT).await.unwrap_err();
        assert!(matches!(lost, Lost::Unknown(_)), "{lost:?}");
        tokio::time::sleep(LIMIT).await;
        assert_eq!(arrived.load(Ordering::SeqCst), 1);
        // No answer at all.
        let (address, arrived) = counted(Some(b"")).await;
        let lost = Session::default().ask(address, &set(), LIMIT).await.unwrap_err();
        assert!(matches!(lost, Lost::Unknown(_)), "{lost:?}");
        assert_eq!(arrived.load(Ordering::SeqCst), 1);
        // A refusal, after which the connection is used again.
        let (address, arrived) =
            counted(Some(b"-READONLY You can't write against a read only replica.\r\n")).await;
        let mut session = Session::default();
        for _ in 0..2 {
            let lost = session.ask(address, &set(), LIMIT).await.unwrap_err();
            assert!(matches!(&lost, Lost::Refused(why) if why.contains("read only")), "{lost:?}");
        }
        assert_eq!(arrived.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_refused_connection_sent_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let lost = Session::default().ask(address, &set(), LIMIT).await.unwrap_err();
        assert!(matches!(lost, Lost::NotSent(_)), "{lost:?}");
    }
}

//! One connection, made when it is needed. It never sends a statement twice: after anything but an answer the connection is
//! closed, so that a late answer is nobody's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

/// Why a statement was not carried out, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nothing of it left.
    NotSent(String),
    /// The server said that it did not do it.
    Refused(String),
    /// It may have been done.
    Unknown(String),
}

impl Lost {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::NotSent(text) | Self::Refused(text) | Self::Unknown(text) => text,
        }
    }
}

#[derive(Default)]
pub(super) struct Session {
    kept: Option<Kept>,
}

/// An open connection, and to where.
struct Kept {
    to: SocketAddr,
    client: Client,
    carrier: JoinHandle<()>,
    prepared: BTreeMap<&'static str, Statement>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

impl Session {
    /// Carries out a statement at most once, and waits for so long. Every cell is a text; one that is null is left out.
    pub(super) async fn ask(
        &mut self,
        address: SocketAddr,
        text: &'static str,
        parameters: &[String],
        limit: Duration,
    ) -> Result<Vec<Vec<String>>, Lost> {
        let until = Instant::now() + limit;
        // Taken out, so that a call which is given up leaves no connection with an answer under way.
        let mut kept = match self.kept.take() {
            Some(kept) if kept.to == address && !kept.client.is_closed() => kept,
            _ => connect(address, limit).await?,
        };
        let left = || until.saturating_duration_since(Instant::now());
        if !kept.prepared.contains_key(text) {
            let prepared = tokio::time::timeout(left(), kept.client.prepare(text)).await;
            let prepared = prepared.map_err(|_| Lost::NotSent("not prepared by the deadline".to_owned()))?;
            let prepared = prepared.map_err(|error| Lost::NotSent(chain(&error)))?;
            kept.prepared.insert(text, prepared);
        }
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect();
        let Some(statement) = kept.prepared.get(text) else {
            return Err(Lost::NotSent("not prepared".to_owned()));
        };
        match tokio::time::timeout(left(), kept.client.query(statement, &parameters)).await {
            Ok(Ok(rows)) => {
                self.kept = Some(kept);
                let cells = |row: &tokio_postgres::Row| {
                    (0..row.len())
                        .filter_map(|cell| row.try_get::<_, Option<String>>(cell).ok().flatten())
                        .collect()
                };
                Ok(rows.iter().map(cells).collect())
            }
            Ok(Err(error)) if is_definite(&error) => {
                self.kept = Some(kept);
                Err(Lost::Refused(chain(&error)))
            }
            Ok(Err(error)) => Err(Lost::Unknown(chain(&error))),
            Err(_) => Err(Lost::Unknown("no answer by the deadline".to_owned())),
        }
    }

    /// Carries out statements without parameters or answers.
    pub(super) async fn run(&mut self, address: SocketAddr, text: &str, limit: Duration) -> Result<(), Lost> {
        let until = Instant::now() + limit;
        let kept = match self.kept.take() {
            Some(kept) if kept.to == address && !kept.client.is_closed() => kept,
            _ => connect(address, limit).await?,
        };
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, kept.client.batch_execute(text)).await {
            Ok(Ok(())) => {
                self.kept = Some(kept);
                Ok(())
            }
            Ok(Err(error)) => Err(Lost::Unknown(chain(&error))),
            Err(_) => Err(Lost::Unknown("no answer by the deadline".to_owned())),
        }
    }
}

async fn connect(address: SocketAddr, limit: Duration) -> Result<Kept, Lost> {
    let connected = async {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        // Small requests and answers wait for nothing.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut config = Config::new();
        config.user("postgres").dbname("postgres");
        let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(|error| chain(&error))?;
        let carrier = tokio::spawn(async move {
            // What breaks it is told to whoever waits for an answer.
            let _ = connection.await;
        });
        Ok(Kept { to: address, client, carrier, prepared: BTreeMap::new() })
    };
    match tokio::time::timeout(limit, connected).await {
        Ok(connection) => connection.map_err(Lost::NotSent),
        Err(_) => Err(Lost::NotSent("no connection by the deadline".to_owned())),
    }
}

/// Whether the server says that a statement was not carried out and never will be. Classes 08 (connection), 57 (an
/// operator ended it, perhaps while it waited for a standby) and 58 (system), and 40003, say nothing.
fn is_definite(error: &Error) -> bool {
    error.code().is_some_and(|code| definite_state(code.code()))
}

fn definite_state(state: &str) -> bool {
    !["08", "57", "58", "XX"].iter().any(|class| state.starts_with(class)) && state != "40003"
}

/// An error with its causes.
fn chain(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} ({})", told.message(), told.code().code());
    }
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certainly_did_not_happen_is_refused() {
        for state in ["40001", "25006", "23505", "42P01", "22003"] {
            assert!(definite_state(state), "{state}");
        }
        for state in ["57P01", "57014", "08006", "58000", "40003", "XX000"] {
            assert!(!definite_state(state), "{state}");
        }
    }
}

//! One connection, made when it is needed. Each statement is sent once: after anything but an answer the connection is closed, so
//! that a late answer is not taken for the next statement's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, NoTls};

pub(super) use crate::drivers::lost::Lost;
use crate::drivers::sql::Statement;

/// Rows of cells.
pub(super) type Rows = Vec<Vec<String>>;

#[derive(Default)]
pub(super) struct Session {
    kept: Option<Kept>,
}

/// An open connection, and to where.
struct Kept {
    to: SocketAddr,
    client: Client,
    carrier: JoinHandle<()>,
    prepared: BTreeMap<&'static str, tokio_postgres::Statement>,
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
    ) -> Result<Rows, Lost> {
        let until = Instant::now() + limit;
        // Taken out, so that a call which is given up leaves no connection with an answer under way.
        let mut kept = self.take(address, limit).await?;
        match kept.query(text, parameters, until).await {
            Ok(rows) => {
                self.kept = Some(kept);
                Ok(rows)
            }
            Err(Lost::Refused(why)) => {
                self.kept = Some(kept);
                Err(Lost::Refused(why))
            }
            Err(lost) => Err(lost),
        }
    }

    /// Carries out a transaction at most once and waits for so long: `next` gives its statements, each when the rows of those
    /// before it are there, and its end, or says why it is to be given up. Whatever happens before the server is asked to
    /// commit, it did not commit: the connection is closed, and with it the transaction.
    pub(super) async fn transact(
        &mut self,
        address: SocketAddr,
        next: impl Fn(&[Rows]) -> Result<Option<Statement>, String>,
        limit: Duration,
    ) -> Result<Vec<Rows>, Lost> {
        let until = Instant::now() + limit;
        let mut kept = self.take(address, limit).await?;
        kept.execute("BEGIN", until).await.map_err(Lost::before_commit)?;
        let mut told: Vec<Rows> = Vec::new();
        loop {
            let asked = match next(&told) {
                Ok(Some(Statement { text, parameters, .. })) => kept.query(text, &parameters, until).await,
                Ok(None) => break,
                Err(why) => Err(Lost::Refused(why)),
            };
            match asked {
                Ok(rows) => told.push(rows),
                Err(lost) => {
                    let refused = matches!(lost, Lost::Refused(_));
                    // The server has ended it; the connection is as good as before.
                    if refused && kept.execute("ROLLBACK", until).await.is_ok() {
                        self.kept = Some(kept);
                    }
                    return Err(lost.before_commit());
                }
            }
        }
        let committed = kept.execute("COMMIT", until).await;
        if !matches!(committed, Err(Lost::Unknown(_) | Lost::NotSent(_))) {
            self.kept = Some(kept);
        }
        committed.map(|()| told)
    }

    async fn take(&mut self, address: SocketAddr, limit: Duration) -> Result<Kept, Lost> {
        match self.kept.take() {
            Some(kept) if kept.to == address && !kept.client.is_closed() => Ok(kept),
            _ => connect(address, limit).await,
        }
    }

    /// Carries out statements without parameters or answers.
    pub(super) async fn run(&mut self, address: SocketAddr, text: &str, limit: Duration) -> Result<(), Lost> {
        let until = Instant::now() + limit;
        let kept = self.take(address, limit).await?;
        match kept.execute(text, until).await {
            Ok(()) => {
                self.kept = Some(kept);
                Ok(())
            }
            Err(lost) => Err(Lost::Unknown(lost.into_text())),
        }
    }
}

impl Kept {
    /// Every cell is a text; one that is null is left out.
    async fn query(
        &mut self,
        text: &'static str,
        parameters: &[String],
        until: Instant,
    ) -> Result<Rows, Lost> {
        let left = || until.saturating_duration_since(Instant::now());
        if !self.prepared.contains_key(text) {
            let prepared = tokio::time::timeout(left(), self.client.prepare(text)).await;
            let prepared = prepared.map_err(|_| Lost::NotSent("not prepared by the deadline".to_owned()))?;
            let prepared = prepared.map_err(|error| Lost::NotSent(chain(&error)))?;
            self.prepared.insert(text, prepared);
        }
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect();
        let Some(statement) = self.prepared.get(text) else {
            return Err(Lost::NotSent("not prepared".to_owned()));
        };
        let cells = |row: &tokio_postgres::Row| {
            (0..row.len()).filter_map(|cell| row.try_get::<_, Option<String>>(cell).ok().flatten()).collect()
        };
        let answered = tokio::time::timeout(left(), self.client.query(statement, &parameters)).await;
        answer(answered).map(|rows| rows.iter().map(cells).collect())
    }

    /// Statements without parameters or answers.
    async fn execute(&self, text: &str, until: Instant) -> Result<(), Lost> {
        let left = until.saturating_duration_since(Instant::now());
        answer(tokio::time::timeout(left, self.client.batch_execute(text)).await)
    }
}

fn answer<T, E>(answered: Result<Result<T, Error>, E>) -> Result<T, Lost> {
    match answered {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if is_definite(&error) => Err(Lost::Refused(chain(&error))),
        Ok(Err(error)) => Err(Lost::Unknown(chain(&error))),
        Err(_) => Err(Lost::Unknown("no answer by the deadline".to_owned())),
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

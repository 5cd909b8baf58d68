//! One connection, made when it is needed. Each statement is sent once: after anything but an answer the connection is closed, so
//! that a late answer is not taken for the next statement's.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder, Params, Row, Value};

pub(super) use crate::drivers::lost::Lost;
use crate::drivers::sql::Statement;

/// Rows of cells.
pub(super) type Rows = Vec<Vec<String>>;

/// Codes of errors by which the server says that it did not do a statement, or has rolled its transaction back: another transaction
/// got in between (1020, 1205, 1213), a key is there (1062), the table is not (1146), and the node is not in the primary component
/// and does nothing (1047). Of others it is not known: 1180, for one, is an error while a transaction was committed.
const DEFINITE: [u16; 7] = [1020, 1047, 1062, 1064, 1146, 1205, 1213];
/// The database that holds the workload's tables.
pub(super) const DATABASE: &str = "partita";

#[derive(Default)]
pub(super) struct Session {
    /// The connection, and to where.
    kept: Option<(SocketAddr, Conn)>,
}

impl Session {
    /// Carries out a statement at most once, and waits for so long. Every cell is a text; one that is null is left out. A statement
    /// that has no rows answers with one for each row that it changed or found as it wanted it.
    pub(super) async fn ask(
        &mut self,
        address: SocketAddr,
        text: &str,
        parameters: &[String],
        limit: Duration,
    ) -> Result<Rows, Lost> {
        let until = Instant::now() + limit;
        // Taken out, so that a call which is given up leaves no connection with an answer under way.
        let mut connection = self.take(address, limit).await?;
        let asked = query(&mut connection, text, parameters, until).await;
        if matches!(asked, Ok(_) | Err(Lost::Refused(_))) {
            self.kept = Some((address, connection));
        }
        asked
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
        let mut connection = self.take(address, limit).await?;
        simple(&mut connection, "BEGIN", until).await.map_err(Lost::before_commit)?;
        let mut told: Vec<Rows> = Vec::new();
        loop {
            let asked = match next(&told) {
                Ok(Some(Statement { text, parameters, .. })) => {
                    query(&mut connection, text, &parameters, until).await
                }
                Ok(None) => break,
                Err(why) => Err(Lost::Refused(why)),
            };
            match asked {
                Ok(rows) => told.push(rows),
                Err(lost) => {
                    let refused = matches!(lost, Lost::Refused(_));
                    if refused && simple(&mut connection, "ROLLBACK", until).await.is_ok() {
                        self.kept = Some((address, connection));
                    }
                    return Err(lost.before_commit());
                }
            }
        }
        let committed = simple(&mut connection, "COMMIT", until).await;
        if matches!(committed, Ok(()) | Err(Lost::Refused(_))) {
            self.kept = Some((address, connection));
        }
        committed.map(|()| told)
    }

    async fn take(&mut self, address: SocketAddr, limit: Duration) -> Result<Conn, Lost> {
        match self.kept.take() {
            Some((to, connection)) if to == address && !connection.is_disconnected() => Ok(connection),
            _ => connect(address, limit).await,
        }
    }
}

async fn connect(address: SocketAddr, limit: Duration) -> Result<Conn, Lost> {
    let options = OptsBuilder::default()
        .ip_or_hostname(address.ip().to_string())
        .tcp_port(address.port())
        .user(Some("root"))
        .db_name(Some(DATABASE))
        .client_found_rows(true)
        .tcp_nodelay(true)
        // Asked of the server otherwise, by two statements.
        .max_allowed_packet(Some(16 << 20))
        .wait_timeout(Some(28_800))
        .prefer_socket(false);
    match tokio::time::timeout(limit, Conn::new(options)).await {
        Ok(connection) => connection.map_err(|error| Lost::NotSent(error.to_string())),
        Err(_) => Err(Lost::NotSent("no connection by the deadline".to_owned())),
    }
}

async fn query(
    connection: &mut Conn,
    text: &str,
    parameters: &[String],
    until: Instant,
) -> Result<Rows, Lost> {
    let asked = async {
        let parameters: Params = match parameters {
            [] => Params::Empty,
            some => Params::Positional(some.iter().map(Value::from).collect()),
        };
        let mut result = connection.exec_iter(text, parameters).await?;
        if result.is_empty() {
            let changed = result.affected_rows();
            return Ok((0..changed).map(|_| vec!["1".to_owned()]).collect());
        }
        let rows: Vec<Row> = result.collect().await?;
        Ok(rows.into_iter().map(cells).collect())
    };
    bounded(asked, until).await
}

async fn simple(connection: &mut Conn, text: &str, until: Instant) -> Result<(), Lost> {
    bounded(connection.query_drop(text), until).await
}

async fn bounded<T>(asked: impl Future<Output = Result<T, Error>>, until: Instant) -> Result<T, Lost> {
    let left = until.saturating_duration_since(Instant::now());
    match tokio::time::timeout(left, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Error::Server(error))) if DEFINITE.contains(&error.code) => {
            Err(Lost::Refused(error.to_string()))
        }
        Ok(Err(error)) => Err(Lost::Unknown(error.to_string())),
        Err(_) => Err(Lost::Unknown("no answer by the deadline".to_owned())),
    }
}

fn cells(row: Row) -> Vec<String> {
    let text = |value: Value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        other => Some(other.as_sql(true)),
    };
    row.unwrap().into_iter().filter_map(text).collect()
}

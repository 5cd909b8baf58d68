//! A client of PostgreSQL: it asks its node whether that is the primary, and the primary for everything but reads that any
//! node may answer. It never sends a statement twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Function, Hints, Node, Op};
use nemesis::BoxFuture;

use super::controller::Topology;
use super::launcher::SERVER;
use super::session::{Lost, Rows, Session};
use super::statements::{DIALECT, SCHEMA, SCHEMA_GONE};
use crate::client::back_off;
use crate::cluster::Doors;
use crate::drivers::lost::failed;
use crate::drivers::sql::{self, Table, transactions, transfer};
use crate::{Client, Completion, Reply};

/// How long a node's word on whether it is the primary is taken for true.
const ROLE_KNOWN: Duration = Duration::from_millis(100);
const ROLE: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END";
const SCHEMA_MAX: Duration = Duration::from_secs(20);

pub(super) struct PostgresClient {
    doors: Doors,
    table: Table,
    /// Any node answers reads.
    reads_any: bool,
    topology: Arc<Topology>,
    sessions: BTreeMap<Node, Session>,
    /// The primary according to a node, and when that was found out.
    primary: Option<(Node, Node, Instant)>,
}

impl PostgresClient {
    pub(super) fn new(doors: Doors, table: Table, reads_any: bool, topology: Arc<Topology>) -> Self {
        Self { doors, table, reads_any, topology, sessions: BTreeMap::new(), primary: None }
    }

    async fn ask(
        &mut self,
        node: Node,
        text: &'static str,
        parameters: &[String],
        until: Instant,
    ) -> Result<Vec<Vec<String>>, Lost> {
        let address = self.doors.address(node, SERVER);
        let address =
            address.ok_or_else(|| Lost::NotSent(format!("{node} is dead, connections are refused")))?;
        let left = until.saturating_duration_since(Instant::now());
        self.sessions.entry(node).or_default().ask(address, text, parameters, left).await
    }

    /// The primary as `node` has it: itself, or the one that was promoted last. The error says why that is not known.
    async fn primary(&mut self, node: Node, until: Instant) -> Result<Node, String> {
        if let Some((by, primary, since)) = self.primary
            && by == node
            && since.elapsed() < ROLE_KNOWN
        {
            return Ok(primary);
        }
        self.primary = None;
        let role = self.ask(node, ROLE, &[], until).await;
        let role = role.map_err(|lost| format!("{node}: {}", lost.into_text()))?;
        let leads = role.first().and_then(|row| row.first()).is_some_and(|role| role == "primary");
        let primary = if leads { node } else { self.topology.primary().0 };
        self.primary = Some((node, primary, Instant::now()));
        Ok(primary)
    }

    async fn once(&mut self, node: Node, op: &Op, until: Instant) -> Completion {
        if matches!(op.function, Function::Txn | Function::Transfer) {
            return self.transaction(node, op, until).await;
        }
        let statement = match DIALECT.statement(self.table, op) {
            Ok(statement) => statement,
            Err(why) => return failed(why),
        };
        let is_read = op.only_looks();
        let (serving, hints) = match self.serving(node, op, until).await {
            Ok(serving) => serving,
            Err(why) => return failed(why),
        };
        let unclear = |why| if is_read { failed(why) } else { Completion::Info(why) };
        let rows = match self.ask(serving, statement.text, &statement.parameters, until).await {
            Ok(rows) => rows,
            Err(lost) => {
                self.primary = None;
                return match lost {
                    Lost::NotSent(why) | Lost::Refused(why) => failed(why),
                    Lost::Unknown(why) => unclear(why),
                };
            }
        };
        match sql::understood(op, statement.answer, &rows) {
            Ok(Some(value)) => Completion::Ok(Reply { value, hints }),
            Ok(None) => Completion::Fail { error: "another value".to_owned(), seen: None, hints },
            Err(nonsense) => unclear(nonsense),
        }
    }

    /// Who answers an operation, and what its completion says of that. The error says why that is not known.
    async fn serving(&mut self, node: Node, op: &Op, until: Instant) -> Result<(Node, Hints), String> {
        let local = op.function == Function::Dump || (op.only_looks() && self.reads_any);
        let serving = if local { node } else { self.primary(node, until).await? };
        Ok((serving, Hints { served_by: (serving != node).then_some(serving), ..Hints::NONE }))
    }

    /// A transaction, statement by statement, each of which waits for the answer to the one before.
    async fn transaction(&mut self, node: Node, op: &Op, until: Instant) -> Completion {
        let transfers = op.function == Function::Transfer;
        let statements = match transactions::statements(&DIALECT, self.table, op) {
            _ if transfers => Vec::new(),
            Ok(statements) => statements,
            Err(why) => return failed(why),
        };
        let (serving, hints) = match self.serving(node, op, until).await {
            Ok(serving) => serving,
            Err(why) => return failed(why),
        };
        let Some(address) = self.doors.address(serving, SERVER) else {
            return failed(format!("{serving} is dead, connections are refused"));
        };
        let left = until.saturating_duration_since(Instant::now());
        let session = self.sessions.entry(serving).or_default();
        let next = |rows: &[Rows]| {
            if transfers {
                transfer::next(&DIALECT, op, rows)
            } else {
                Ok(statements.get(rows.len()).cloned())
            }
        };
        match session.transact(address, next, left).await {
            Ok(_) if transfers => Completion::Ok(Reply { value: op.value.clone(), hints }),
            Ok(rows) => match transactions::understood(op, &statements, &rows) {
                Ok(value) => Completion::Ok(Reply { value, hints }),
                Err(nonsense) => Completion::Info(nonsense),
            },
            Err(Lost::Refused(why)) => failed(why),
            Err(Lost::NotSent(why)) => {
                self.primary = None;
                failed(why)
            }
            Err(Lost::Unknown(why)) => {
                self.primary = None;
                if op.only_looks() { failed(why) } else { Completion::Info(why) }
            }
        }
    }

    async fn run(&mut self, text: &str) -> Result<(), String> {
        let (primary, _) = self.topology.primary();
        let address = self.doors.address(primary, SERVER);
        let address = address.ok_or_else(|| format!("{primary} is dead"))?;
        let session = self.sessions.entry(primary).or_default();
        session.run(address, text, SCHEMA_MAX).await.map_err(Lost::into_text)
    }
}

impl Client for PostgresClient {
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.run(SCHEMA))
    }

    fn tear_down(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.run(SCHEMA_GONE))
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let sent = Instant::now();
            let completion = self.once(node, op, sent + deadline).await;
            // That a compare-and-set found another value is an answer, and no reason to wait.
            if !matches!(&completion, Completion::Fail { error, .. } if error == "another value") {
                back_off(&completion, sent, deadline).await;
            }
            completion
        })
    }
}

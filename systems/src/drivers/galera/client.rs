//! A client of a Galera cluster: each node answers everything by itself. Each statement is sent once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use histories::{Function, Hints, Node, Op};
use nemesis::BoxFuture;

use super::launcher::SERVER;
use super::session::{DATABASE, Lost, Rows, Session};
use super::statements::{DIALECT, SCHEMA};
use crate::client::back_off;
use crate::cluster::Doors;
use crate::drivers::lost::failed;
use crate::drivers::sql::{self, Table, transactions, transfer};
use crate::{Client, Completion, Reply};

const SCHEMA_MAX: Duration = Duration::from_secs(20);
const ANOTHER_VALUE: &str = "another value";

pub(super) struct GaleraClient {
    doors: Doors,
    table: Table,
    sessions: BTreeMap<Node, Session>,
}

impl GaleraClient {
    pub(super) fn new(doors: Doors, table: Table) -> Self {
        Self { doors, table, sessions: BTreeMap::new() }
    }

    async fn once(&mut self, node: Node, op: &Op, limit: Duration) -> Result<Completion, Lost> {
        let address = self.doors.address(node, SERVER);
        let address =
            address.ok_or_else(|| Lost::NotSent(format!("{node} is dead, connections are refused")))?;
        let session = self.sessions.entry(node).or_default();
        let ok = |value| Completion::Ok(Reply { value, hints: Hints::NONE });
        match op.function {
            Function::Transfer => {
                session.transact(address, |rows| transfer::next(&DIALECT, op, rows), limit).await?;
                Ok(ok(op.value.clone()))
            }
            Function::Txn => {
                let statements = transactions::statements(&DIALECT, self.table, op).map_err(Lost::Refused)?;
                let next = |rows: &[Rows]| Ok(statements.get(rows.len()).cloned());
                let rows = session.transact(address, next, limit).await?;
                transactions::understood(op, &statements, &rows).map(ok).map_err(Lost::Unknown)
            }
            _ => {
                let statement = DIALECT.statement(self.table, op).map_err(Lost::Refused)?;
                let rows = session.ask(address, statement.text, &statement.parameters, limit).await?;
                let value = sql::understood(op, statement.answer, &rows).map_err(Lost::Unknown)?;
                Ok(value.map_or_else(|| failed(ANOTHER_VALUE.to_owned()), ok))
            }
        }
    }
}

impl Client for GaleraClient {
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let address = self.doors.address(Node(0), SERVER).ok_or("the first node is dead")?;
            let session = self.sessions.entry(Node(0)).or_default();
            for text in SCHEMA {
                session.ask(address, text, &[], SCHEMA_MAX).await.map_err(Lost::into_text)?;
            }
            Ok(())
        })
    }

    fn tear_down(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let address = self.doors.address(Node(0), SERVER).ok_or("the first node is dead")?;
            let session = self.sessions.entry(Node(0)).or_default();
            let gone = format!("DROP DATABASE {DATABASE}");
            session.ask(address, &gone, &[], SCHEMA_MAX).await.map(drop).map_err(Lost::into_text)
        })
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let sent = Instant::now();
            let completion = self.once(node, op, deadline).await;
            let completion = completion.unwrap_or_else(|lost| lost.into_completion(op.only_looks()));
            // That a compare-and-set found another value is an answer, and no reason to wait.
            if !matches!(&completion, Completion::Fail { error, .. } if error == ANOTHER_VALUE) {
                back_off(&completion, sent, deadline).await;
            }
            completion
        })
    }
}

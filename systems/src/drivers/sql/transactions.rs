//! Transactions of several statements: what each step asks, and what the rows of all of them say together. Pure.

use histories::{Micro, Op, Value};

use super::{Dialect, Statement, Table, json, value_of};

/// The statements of a transaction, in order; the error says which step there is none for.
pub(in crate::drivers) fn statements(
    dialect: &Dialect,
    table: Table,
    op: &Op,
) -> Result<Vec<Statement>, String> {
    let shape = || format!("a transaction is a list of micro-operations, this is {}", op.value);
    let micros = op.value.micros().ok_or_else(shape)?;
    micros.map(|micro| statement_of(dialect, table, &micro.map_err(|_| shape())?)).collect()
}

fn statement_of(dialect: &Dialect, table: Table, micro: &Micro<'_>) -> Result<Statement, String> {
    let key = match &*micro.key {
        Value::Text(text) => text.to_string(),
        other => json(other),
    };
    dialect.step(table, micro.function, key, &micro.value)
}

/// The micro-operations with what was read; the error says what makes no sense.
pub(in crate::drivers) fn understood(
    op: &Op,
    statements: &[Statement],
    rows: &[Vec<Vec<String>>],
) -> Result<Value, String> {
    let micros = op.value.micros().into_iter().flatten().flatten();
    let told = micros.zip(statements.iter().zip(rows)).map(|(micro, (statement, rows))| {
        let value =
            if micro.function == "r" { value_of(statement.answer, rows)? } else { micro.value.into_owned() };
        Ok(Value::list([micro.function.into(), micro.key.into_owned(), value]))
    });
    told.collect::<Result<Vec<Value>, String>>().map(Value::list)
}

#[cfg(test)]
mod tests {
    use histories::Function;

    use super::*;
    use crate::drivers::postgres::DIALECT;

    fn transaction(micros: &str) -> Op {
        Op::global(Function::Txn, serde_json::from_str(micros).unwrap())
    }

    #[test]
    fn each_step_is_a_statement_of_its_own() {
        let told = [
            (Table::Lists, r#"[["r",1,null],["append",1,7]]"#),
            (Table::Registers, r#"[["r","x",null],["w","x",7]]"#),
            (Table::Registers, r#"[["append","x",7]]"#),
            (Table::Registers, "3"),
        ]
        .map(|(table, micros)| match statements(&DIALECT, table, &transaction(micros)) {
            Ok(statements) => statements
                .iter()
                .map(|statement| format!("{} {:?}", statement.text, statement.parameters))
                .collect::<Vec<_>>()
                .join("\n"),
            Err(why) => why,
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn rows_are_what_was_read() {
        let op = transaction(r#"[["r",1,null],["append",1,7],["r",2,null]]"#);
        let statements = statements(&DIALECT, Table::Lists, &op).unwrap();
        let row = |cell: &str| vec![vec![cell.to_owned()]];
        let told = understood(&op, &statements, &[row("[3,4]"), Vec::new(), Vec::new()]).unwrap();
        assert_eq!(serde_json::to_string(&told).unwrap(), r#"[["r",1,[3,4]],["append",1,7],["r",2,null]]"#);
        assert!(understood(&op, &statements, &[row("oops"), Vec::new(), Vec::new()]).is_err());
    }
}

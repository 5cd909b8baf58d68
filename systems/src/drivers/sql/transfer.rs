//! Transfers between accounts, which are registers: both balances are read, and then both are written. A database that lets
//! another transaction in between loses money or makes some. Pure.

use histories::{Op, Value};

use super::{Dialect, Statement, json, value_of};

/// A transfer as it was asked for.
struct Transfer {
    accounts: [String; 2],
    amount: i64,
    overdraft: bool,
}

/// `[from, to, amount]`, or a map of these that may say `"overdraft": true`.
fn parsed(value: &Value) -> Option<Transfer> {
    let (from, to, amount, overdraft) = match (value.as_list(), value.as_map()) {
        (Some([from, to, amount]), _) => (from, to, amount, false),
        (_, Some(map)) => {
            let overdraft = map.get("overdraft") == Some(&Value::Bool(true));
            (map.get("from")?, map.get("to")?, map.get("amount")?, overdraft)
        }
        _ => return None,
    };
    let accounts = [from.as_text()?.to_owned(), to.as_text()?.to_owned()];
    Some(Transfer { accounts, amount: amount.as_int()?, overdraft })
}

/// The next statement of the transaction after those that brought these rows; `None` where it is to be committed. The error says why
/// it is not.
pub(in crate::drivers) fn next(
    dialect: &Dialect,
    op: &Op,
    rows: &[Vec<Vec<String>>],
) -> Result<Option<Statement>, String> {
    let transfer =
        parsed(&op.value).ok_or_else(|| format!("a transfer is [from, to, amount], this is {}", op.value))?;
    let name = |place: usize| transfer.accounts[place].clone();
    let balance = |place: usize| -> Result<i64, String> {
        let value = value_of(super::Answer::Value, rows.get(place).map_or(&[], Vec::as_slice))?;
        value.as_int().ok_or_else(|| format!("there is no account {}", name(place)))
    };
    let write = |place: usize, held: Option<i64>| {
        let held = held.ok_or_else(|| "the amount is out of bounds".to_owned())?;
        let parameters = vec![name(place), json(&Value::Int(held))];
        Ok(Some(Statement { text: dialect.write, parameters, answer: super::Answer::Done }))
    };
    match rows.len() {
        place @ (0 | 1) => {
            let answer = super::Answer::Value;
            Ok(Some(Statement { text: dialect.read_register, parameters: vec![name(place)], answer }))
        }
        2 => {
            let left = balance(0)?.checked_sub(transfer.amount);
            if !transfer.overdraft && left.is_some_and(|left| left < 0) {
                return Err(format!("{} holds too little", name(0)));
            }
            write(0, left)
        }
        3 => write(1, balance(1)?.checked_add(transfer.amount)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use histories::Function;

    use super::*;
    use crate::drivers::postgres::DIALECT;

    fn told(value: &str, rows: &[&str]) -> Result<Option<Vec<String>>, String> {
        let op = Op::global(Function::Transfer, serde_json::from_str(value).unwrap());
        let rows: Vec<Vec<Vec<String>>> = rows
            .iter()
            .map(|cell| if cell.is_empty() { Vec::new() } else { vec![vec![(*cell).to_owned()]] })
            .collect();
        next(&DIALECT, &op, &rows).map(|statement| statement.map(|statement| statement.parameters))
    }

    #[test]
    fn both_accounts_are_read_and_then_written() {
        let asked = r#"["a","b",3]"#;
        let words = |words: &[&str]| Ok(Some(words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()));
        assert_eq!(told(asked, &[]), words(&["a"]));
        assert_eq!(told(asked, &["5"]), words(&["b"]));
        assert_eq!(told(asked, &["5", "1"]), words(&["a", "2"]));
        assert_eq!(told(asked, &["5", "1", ""]), words(&["b", "4"]));
        assert_eq!(told(asked, &["5", "1", "", ""]), Ok(None));
        assert!(told(asked, &["2", "1"]).unwrap_err().contains("too little"));
        assert!(told(asked, &["", "1"]).unwrap_err().contains("no account a"));
        assert!(told("[1,2]", &[]).is_err());
        let overdraft = r#"{"from":"a","to":"b","amount":3,"overdraft":true}"#;
        assert_eq!(told(overdraft, &["2", "1"]), words(&["a", "-1"]));
    }
}

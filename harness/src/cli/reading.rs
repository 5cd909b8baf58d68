//! Flags that say how history files are to be understood, shared by the commands that read them.
//!
//! Reads nothing itself.

use clap::Args;
use histories::read::{self, Format, Meter};
use histories::view::{Object, View};
use histories::{Accounts, Conflict, Nanos, Order, Value};

use crate::cli::quantity::Time;

/// How files of other tools are to be understood.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReadingArgs {
    /// The format of the input, where its content shall not tell.
    #[arg(long = "as", value_name = "FORMAT")]
    read_as: Option<Format>,

    /// Values are `[key value]` tuples of Jepsen's independent keys.
    #[arg(long)]
    independent: bool,

    /// What columns of a table are, such as `client_id=process,start_ns=begin,op_id=-`; - is for what is not looked at.
    #[arg(long, value_name = "NAME=COLUMN,…", value_delimiter = ',', value_parser = column)]
    columns: Vec<(String, String)>,

    /// What the real-time order is taken from: time, or the place in the file [default: time where every event of a client
    /// has one, else place].
    #[arg(long, value_name = "ORDER")]
    order: Option<Order>,

    /// The same as `--order place`.
    #[arg(long, conflicts_with = "order")]
    ignore_times: bool,
}

impl ReadingArgs {
    pub(crate) fn options(&self, meter: Meter) -> read::Options {
        let (format, independent) = (self.read_as, self.independent);
        let order = if self.ignore_times { Some(Order::Place) } else { self.order };
        let columns = self.columns.clone();
        read::Options { format, independent, order, columns, meter, ..read::Options::default() }
    }
}

/// What of a history is looked at, and what it is taken for.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ViewArgs {
    /// What keys hold, where the operations do not tell: register, kv, list, set, counter, queue, stack, mutex or txn.
    #[arg(long, value_name = "OBJECT")]
    object: Option<Object>,

    /// What becomes of concurrent writes, where the file's header does not tell: home, lww (by wall time: the hint
    /// `version`), lww-hlc, version-vector, merge or crdt.
    #[arg(long, value_name = "POLICY")]
    conflict: Option<Conflict>,

    /// What every register or counter holds before the first write [default: nothing, which reads as null; a counter: 0].
    #[arg(long, value_name = "VALUE", value_parser = value, allow_negative_numbers = true)]
    initial: Option<Value>,

    /// All accounts of a bank [default: those that transfers name and every read shows].
    #[arg(long, value_name = "ACCOUNT,…", value_delimiter = ',')]
    accounts: Vec<String>,

    /// What the accounts of a bank hold together [default: what was read before the first transfer, or most often].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    total_amount: Option<i64>,

    /// Accounts of a bank may hold less than nothing.
    #[arg(long)]
    negative_balances: bool,

    /// Look at this key alone.
    #[arg(long, value_name = "K")]
    key: Option<String>,

    /// Leave out reads that ended before this time of the run. Writes stay: later reads rest on them.
    #[arg(long, value_name = "TIME")]
    from: Option<Time>,

    /// Look at the history up to this time of the run.
    #[arg(long, value_name = "TIME")]
    to: Option<Time>,
}

impl ViewArgs {
    pub(crate) fn view(&self) -> View {
        let nanos = |time: &Option<Time>| time.as_ref().map(|time| Nanos::from(time.0));
        View {
            object: self.object,
            conflict: self.conflict,
            bank: Accounts {
                accounts: self.accounts.clone(),
                total_amount: self.total_amount,
                negative_balances: self.negative_balances,
            },
            initial: self.initial.clone().filter(|value| !value.is_null()),
            key: self.key.clone(),
            from: nanos(&self.from),
            to: nanos(&self.to),
        }
    }
}

fn column(text: &str) -> Result<(String, String), String> {
    let (name, column) = text.rsplit_once('=').ok_or("a column is NAME=COLUMN, such as client_id=process")?;
    Ok((name.trim().to_owned(), column.trim().to_owned()))
}

/// JSON where it is JSON, text where it is not.
fn value(text: &str) -> Result<Value, String> {
    if text == "nil" {
        return Ok(Value::Null);
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // `01` is a text, as it is in files.
        Err(_) if text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Value::text(text))
        }
        Err(_) if text.parse::<f64>().is_ok() => Err(format!("{text} is no 64-bit integer")),
        Err(_) => Ok(Value::text(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_where_it_is_json() {
        assert_eq!(value("-3"), Ok(Value::Int(-3)));
        assert_eq!(value("[1,\"a\"]"), Ok(Value::list([Value::Int(1), Value::text("a")])));
        assert_eq!(value("01"), Ok(Value::text("01")));
        assert_eq!(value("abc"), Ok(Value::text("abc")));
        assert_eq!(value("nil"), Ok(Value::Null));
        assert!(value("99999999999999999999").is_err());
    }
}

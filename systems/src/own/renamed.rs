//! Gives keys names of the run's own, in a database that goes on after the run: what an earlier run left there is no
//! value of this one's.

use std::sync::Arc;
use std::time::Duration;

use histories::{Function, Key, Node, Op, Value};
use nemesis::BoxFuture;

use crate::{Client, Completion};

/// A client whose keys all begin with a prefix; its caller sees them without.
pub(super) struct RenamedClient {
    inner: Box<dyn Client>,
    prefix: Arc<str>,
}

impl RenamedClient {
    pub(super) fn new(inner: Box<dyn Client>, prefix: Arc<str>) -> Self {
        Self { inner, prefix }
    }

    fn renamed(&self, op: &Op) -> Op {
        let key = op.key.as_ref().map(|key| Key::from(format!("{}{}", self.prefix, key.as_str())));
        let value = match op.function {
            Function::Txn => with_keys(&op.value, |key| match key {
                Value::Text(text) => Value::text(format!("{}{text}", self.prefix)),
                other => Value::text(format!("{}{other}", self.prefix)),
            }),
            _ => op.value.clone(),
        };
        Op { function: op.function.clone(), key, value }
    }
}

/// A transaction with other keys; what is none stays as it is.
fn with_keys(value: &Value, mut rename: impl FnMut(&Value) -> Value) -> Value {
    let Some(micros) = value.micros() else { return value.clone() };
    let renamed = micros.map(|micro| {
        let micro = micro.ok()?;
        Some(Value::list([Value::text(micro.function), rename(&micro.key), micro.value.into_owned()]))
    });
    renamed.collect::<Option<Vec<Value>>>().map_or_else(|| value.clone(), Value::list)
}

/// The answer to `asked` with the keys that were asked for.
fn as_asked(completion: Completion, asked: &Op) -> Completion {
    match completion {
        Completion::Ok(mut reply) if asked.function == Function::Txn => {
            let micros = asked.value.micros().into_iter().flatten().flatten();
            let mut keys = micros.map(|micro| micro.key.into_owned());
            reply.value = with_keys(&reply.value, |key| keys.next().unwrap_or_else(|| key.clone()));
            Completion::Ok(reply)
        }
        other => other,
    }
}

impl Client for RenamedClient {
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        self.inner.set_up()
    }

    fn tear_down(&mut self) -> BoxFuture<'_, Result<(), String>> {
        self.inner.tear_down()
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let renamed = self.renamed(op);
            as_asked(self.inner.call(node, &renamed, deadline).await, op)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::Reply;

    /// Remembers what it is asked, and answers with that.
    struct Echo(Arc<Mutex<Vec<Op>>>);

    impl Client for Echo {
        fn call<'a>(&'a mut self, _: Node, op: &'a Op, _: Duration) -> BoxFuture<'a, Completion> {
            self.0.lock().unwrap().push(op.clone());
            let reply = Reply { value: op.value.clone(), ..Reply::default() };
            Box::pin(async move { Completion::Ok(reply) })
        }
    }

    #[tokio::test]
    async fn a_database_sees_the_runs_own_keys_and_the_caller_its_own() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut client = RenamedClient::new(Box::new(Echo(Arc::clone(&asked))), "run-".into());
        let micro =
            |function: &str, key: Value, value: Value| Value::list([Value::text(function), key, value]);
        let txn = |keys: [Value; 2]| {
            let [one, other] = keys;
            Value::list([micro("r", one, Value::Null), micro("append", other, Value::Int(5))])
        };
        let named = txn([Value::text("x"), Value::Int(3)]);
        let operations = [
            Op::write("r0", 7),
            Op::global(Function::Txn, named.clone()),
            Op::global(Function::Generate, Value::Null),
        ];
        for op in &operations {
            let Completion::Ok(reply) = client.call(Node(0), op, Duration::from_secs(1)).await else {
                panic!("it answers")
            };
            assert_eq!(reply.value, op.value);
        }
        let seen = asked.lock().unwrap();
        assert_eq!(seen[0], Op::write("run-r0", 7));
        assert_eq!(seen[1].value, txn([Value::text("run-x"), Value::text("run-3")]));
        assert_eq!(seen[2], operations[2]);
    }
}

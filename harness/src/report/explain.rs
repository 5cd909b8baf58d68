//! Anomalies as a person reads them, in the manner of a compiler's errors.
//!
//! Plain text: colour is laid over it by who prints it.

use std::fmt;

use checkers::{Anomaly, EdgeReason, Side, Step};
use histories::{FaultWindow, Function, History, Operation, Outcome, Spot, Value, brief_name, printable};

use crate::judge::anomaly::{Told, ToldAction, ToldEdge};
use crate::judge::findings::Explanation;

/// Values are shown up to so many characters.
const VALUE_CHARACTERS_MAX: usize = 60;
/// A longer cell does not widen its column.
const CELL_CHARACTERS_MAX: usize = 36;
/// So many lines of operations are shown.
const LINES_MAX: usize = 24;
/// So many operations that are like another one are counted and not shown.
const ALIKE_MIN: usize = 3;
/// So many faults in force are named.
const FAULTS_MAX: usize = 4;

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [name, rest] = parts(self.history, self.operation);
        write!(f, "{name} {rest}")
    }
}

impl fmt::Display for ToldAction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&action(self.history, self.operation))
    }
}

/// `client 2 read x = 3, which client 1 wrote`.
impl fmt::Display for ToldEdge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = |id| format!("client {}", self.history.operation(id).process);
        let (from, to) = (client(self.edge.from), client(self.edge.to));
        match &self.edge.reason {
            EdgeReason::Session => write!(f, "{from} ran both, in this order"),
            EdgeReason::RealTime => {
                write!(f, "what {from} did had returned before what {to} did was invoked")
            }
            EdgeReason::WriteRead { key, value } => {
                write!(f, "{to} read {} = {}, which {from} wrote", brief_name(key), shown(value))
            }
            EdgeReason::WriteWrite { key, older, newer, shown_by } => {
                let key = brief_name(key);
                write!(f, "{key} = {} comes before {key} = {}", shown(older), shown(newer))?;
                match shown_by {
                    Some(reader) => write!(f, ": {} knew the one and yet read the other", client(*reader)),
                    None => Ok(()),
                }
            }
            EdgeReason::ReadWrite { key, seen, newer } => {
                let (key, seen, newer) = (brief_name(key), shown(seen), shown(newer));
                write!(f, "{from} saw {key} = {seen}, which {to} replaced by {newer}")
            }
            EdgeReason::SameValue { key, value } => {
                write!(f, "both have {} = {}", brief_name(key), shown(value))
            }
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&anomaly(self.history, self.file, self.anomaly, self.help))
    }
}

/// The rule, the place, the operations line by line, the facts, the fault in force, and what to do next.
pub(crate) fn anomaly(history: &History, file: &str, anomaly: &Anomaly, help: Option<&str>) -> String {
    let mut lines = vec![format!("error[{}]: {}", anomaly.kind, anomaly.summary)];
    let place = anomaly.steps.last().and_then(|step| spot_of(history, step));
    match place {
        Some(spot) => lines.push(format!("  --> {file}:{spot}")),
        None => lines.push(format!("  --> {file}")),
    }
    lines.extend(steps(history, &anomaly.steps));
    lines.extend(anomaly.facts.iter().map(|fact| format!("  = {fact}")));
    lines.extend(anomaly.not_rechecked.iter().map(|why| format!("  = not re-checked: {why}")));
    lines.extend(faults(&checkers::fault_in_force(history, anomaly)));
    lines.extend(help.map(|help| format!("  = help: {help}")));
    // Nodes, errors and the file itself have names that others gave.
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

/// The event of a step that its line in an explanation shows.
pub(crate) fn event_of(operation: &Operation, side: Side) -> u32 {
    match side {
        Side::Completed if operation.has_completion() => operation.reply_event,
        Side::Completed | Side::Invoked => operation.call_event,
    }
}

fn spot_of(history: &History, step: &Step) -> Option<Spot> {
    history.spot(event_of(history.operation(step.operation), step.side))
}

/// The first faults are what a lost write fell to, the last what a stale read hid behind; of many, those between are
/// counted only.
fn faults(windows: &[FaultWindow]) -> Vec<String> {
    let line = |window: &FaultWindow| format!("  = fault: {window}");
    if windows.len() <= FAULTS_MAX {
        return windows.iter().map(line).collect();
    }
    let (first, rest) = windows.split_at(FAULTS_MAX / 2);
    let (between, last) = rest.split_at(rest.len() - FAULTS_MAX / 2);
    let between = std::iter::once(format!("  = fault: … and {} between", between.len()));
    first.iter().map(line).chain(between).chain(last.iter().map(line)).collect()
}

/// One line a step, its columns aligned. What is alike is counted, and of a long list the middle is left out.
fn steps(history: &History, steps: &[Step]) -> Vec<String> {
    let mut rows: Vec<Row> = Vec::new();
    let mut steps: Vec<&Step> = steps.iter().collect();
    if steps.iter().all(|step| spot_of(history, step).is_some()) {
        steps.sort_by_key(|step| event_of(history.operation(step.operation), step.side));
    }
    for step in steps {
        let cells = cells(history, step);
        match rows.iter_mut().find(|row| row.is_like(&cells)) {
            Some(row) => row.others.push(cells),
            None => rows.push(Row { cells, others: Vec::new() }),
        }
    }
    let rows: Vec<Row> = rows.into_iter().flat_map(Row::told_apart).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            // A value as long as a list pushes what follows it to the right in its own line alone.
            let needed = Some(cell.chars().count()).filter(|&characters| characters <= CELL_CHARACTERS_MAX);
            *width = (*width).max(needed.unwrap_or(0));
        }
    }
    let mut lines: Vec<String> = rows.iter().flat_map(|row| row.lines(widths)).collect();
    if lines.len() > LINES_MAX {
        let left_out = lines.len() - (LINES_MAX - 1);
        let gap = format!("{:1$} | … {left_out} more", "", widths[0]);
        lines.splice(LINES_MAX / 2..LINES_MAX / 2 + left_out, [gap]);
    }
    lines
}

/// Operations that are alike: each did the same, with the same outcome, and proves the same.
struct Row {
    cells: [String; 6],
    others: Vec<[String; 6]>,
}

impl Row {
    fn is_like(&self, cells: &[String; 6]) -> bool {
        let told =
            |[_, outcome, _, action, _, rest]: &[String; 6]| (outcome.clone(), action.clone(), rest.clone());
        told(&self.cells) == told(cells)
    }

    /// A few are better told one by one.
    fn told_apart(self) -> Vec<Self> {
        if self.others.len() >= ALIKE_MIN {
            return vec![self];
        }
        std::iter::once(self.cells)
            .chain(self.others)
            .map(|cells| Self { cells, others: Vec::new() })
            .collect()
    }

    fn lines(&self, widths: [usize; 6]) -> Vec<String> {
        let [line, outcome, client, action, time, rest] = &self.cells;
        let [line_width, outcome_width, client_width, action_width, time_width, _] = widths;
        let text = format!(
            "{line:>line_width$} | {outcome:outcome_width$}  {client:client_width$}  {action:action_width$}  \
             {time:time_width$}  {rest}"
        );
        let others = self.others.last().map(|last| {
            let to = if last[0] == "-" { String::new() } else { format!(", to line {}", last[0]) };
            format!("{:line_width$} | … and {} more like it{to}", "", self.others.len())
        });
        std::iter::once(text.trim_end().to_owned()).chain(others).collect()
    }
}

fn cells(history: &History, step: &Step) -> [String; 6] {
    let operation = &*history.as_recorded(step.operation);
    let line = spot_of(history, step).map_or_else(|| "-".to_owned(), |spot| spot.to_string());
    let time = match step.side {
        _ if !history.has_real_time() => String::new(),
        Side::Invoked => format!("invoked   {}", operation.invoked),
        Side::Completed if operation.has_completion() => format!("completed {}", operation.completed),
        Side::Completed => format!("invoked   {}, never completed", operation.invoked),
    };
    let node = operation.node.map(|node| format!("at {}", printable(history.node_name(node))));
    let rest = [node.unwrap_or_default(), step.note.clone()];
    let rest = rest.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ");
    [
        line,
        operation.outcome.name().to_owned(),
        format!("client {}", operation.process),
        action(history, operation),
        time,
        rest,
    ]
}

/// `write x 5`, `read  x -> 3`, `cas   x 3 => 5`.
fn action(history: &History, operation: &Operation) -> String {
    let [name, rest] = parts(history, operation);
    format!("{name:5} {rest}")
}

/// The operation's name, and its key and values.
fn parts(history: &History, operation: &Operation) -> [String; 2] {
    let key =
        operation.key.map_or_else(String::new, |key| format!("{} ", brief_name(history.key(key).as_str())));
    let detail = detail(operation, VALUE_CHARACTERS_MAX);
    [printable(operation.function.name()).into_owned(), format!("{key}{detail}")]
}

/// What an operation does with its key, `5`, `-> 3`, `3 => 5`, each value up to so many characters.
pub(crate) fn detail(operation: &Operation, value_characters_max: usize) -> String {
    let shown = |value: &Value| cut(value, value_characters_max);
    let (call, reply) = (shown(operation.call()), shown(operation.reply()));
    match (&operation.function, operation.outcome, operation.call().as_pair()) {
        (Function::Txn, ..) => checkers::told(operation),
        (Function::Cas, Outcome::Fail, Some((from, to))) if operation.seen().is_some() => {
            format!("{} => {}, found {reply}", shown(from), shown(to))
        }
        (Function::Cas, _, Some((from, to))) => format!("{} => {}", shown(from), shown(to)),
        (_, Outcome::Ok, _) if operation.call().is_null() => format!("-> {reply}"),
        (_, Outcome::Ok, _) if operation.call() != operation.reply() && !operation.reply().is_null() => {
            format!("{call} -> {reply}")
        }
        _ if operation.call().is_null() => "-> ?".to_owned(),
        _ => call,
    }
}

/// The same where every column counts: single spaces, and nothing that a terminal would take for a command.
pub(crate) fn brief(history: &History, operation: &Operation) -> String {
    let action = action(history, operation);
    printable(&action.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

fn shown(value: &Value) -> String {
    cut(value, VALUE_CHARACTERS_MAX)
}

fn cut(value: &Value, characters_max: usize) -> String {
    let text = value.to_string();
    if text.len() <= characters_max || text.chars().count() <= characters_max {
        return text;
    }
    let head: String = text.chars().take(characters_max - 1).collect();
    format!("{head}…")
}

#[cfg(test)]
pub(crate) mod tests {
    use checkers::Witness;
    use histories::{AnomalyKind, KeyId, ModelName, OperationId};

    use super::*;

    /// A stale read behind a cut, as a file.
    pub(crate) const STALE: &str = r#"{"partita":1,"suite":"quick","system":"store","mode":"single/async","workload":"register","nodes":["n1","n2","n3"],"seed":7}
{"index":0,"time":13900000000,"process":1,"type":"invoke","f":"write","key":"x","value":3,"node":"n1"}
{"index":1,"time":13910000000,"process":1,"type":"ok","f":"write","key":"x","value":3,"node":"n1"}
{"index":2,"time":13950000000,"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"partition:halves","what":"cut n1,n2 | n3"}}
{"index":3,"time":13951000000,"process":"nemesis","type":"info","f":"begin","value":{"fault":1,"name":"partition:halves","what":"cut n1,n2 | n3","applied":"installed","evidence":"6 links"}}
{"index":4,"time":14100000000,"process":1,"type":"invoke","f":"write","key":"x","value":5,"node":"n1"}
{"index":5,"time":14201000000,"process":1,"type":"ok","f":"write","key":"x","value":5,"node":"n1"}
{"index":6,"time":14202000000,"process":4,"type":"invoke","f":"read","key":"x","value":null,"node":"n3"}
{"index":7,"time":14203000000,"process":4,"type":"ok","f":"read","key":"x","value":3,"node":"n3"}
{"index":8,"time":14300000000,"process":2,"type":"invoke","f":"cas","key":"x","value":[3,9],"node":"n2"}
"#;

    pub(crate) fn stale_history() -> History {
        histories::read::read(STALE.as_bytes(), "stale.jsonl").unwrap()
    }

    pub(crate) fn stale_anomaly() -> Anomaly {
        let step = |operation, side, note: &str| Step {
            operation: OperationId(operation),
            side,
            note: note.to_owned(),
        };
        Anomaly {
            kind: AnomalyKind::StaleRead,
            not_rechecked: None,
            edges: Vec::new(),
            summary: "client 4 read x = 3 after client 1's write of x = 5 was acknowledged".into(),
            key: Some(KeyId::new(0)),
            steps: vec![step(1, Side::Completed, "overwrites 3"), step(2, Side::Invoked, "")],
            facts: vec![
                "3 was overwritten: the write of 5 began after the write of 3 had been acknowledged".into(),
            ],
            witness: Witness {
                model: ModelName::Linearizable,
                operations: vec![OperationId(1), OperationId(2)],
            },
        }
    }

    #[test]
    fn an_anomaly_reads_like_a_compilers_error() {
        let help = Some("partita run quick --seed 7");
        insta::assert_snapshot!(anomaly(&stale_history(), "stale.jsonl", &stale_anomaly(), help));
    }

    #[test]
    fn an_operation_without_completion_says_so() {
        let mut with_cas = stale_anomaly();
        with_cas.steps[0] = Step { operation: OperationId(3), side: Side::Completed, note: String::new() };
        insta::assert_snapshot!(anomaly(&stale_history(), "stale.jsonl", &with_cas, None));
    }

    #[test]
    fn a_history_that_was_never_in_a_file_has_no_line_numbers() {
        let text =
            anomaly(&History::default(), "memory", &Anomaly { steps: vec![], ..stale_anomaly() }, None);
        assert!(text.contains("--> memory\n"), "{text}");
    }

    #[test]
    fn of_many_faults_the_first_and_the_last_are_named() {
        let window = |number: u64| FaultWindow {
            fault: number,
            name: format!("kill:{number}"),
            what: "kill n1".into(),
            from: histories::Nanos::from_secs(number),
            in_force: histories::Nanos::from_secs(number),
            to: histories::Nanos::MAX,
            applied: None,
            ended: None,
        };
        let lines = |count| faults(&(0..count).map(window).collect::<Vec<_>>());
        assert_eq!(lines(4).len(), 4);
        insta::assert_snapshot!(lines(7).join("\n"), @r"
        = fault: kill:0: kill n1 since 0.000 s
        = fault: kill:1: kill n1 since 1.000 s
        = fault: … and 3 between
        = fault: kill:5: kill n1 since 5.000 s
        = fault: kill:6: kill n1 since 6.000 s
        ");
    }

    #[test]
    fn long_values_are_cut() {
        let long = Value::text("a".repeat(200));
        assert_eq!(shown(&long).chars().count(), VALUE_CHARACTERS_MAX);
    }
}

//! What a client's write comes to at the datacentre that takes it.
//!
//! Never changes anything: it says what the change will be, or why there is none.

use histories::Value;

use super::cell::{Cell, merge};
use super::change::Effect;
use super::options::{Cart, Conflict, Options, Register};
use crate::store::single::{Data, Outcome, changed, decide};
use crate::store::{Command, VersionVector};

/// Versions of a key that one datacentre takes before a write has to quote some.
pub(super) const SIBLINGS_MAX: usize = 64;

fn refused<T>(error: String) -> Result<T, Outcome> {
    Err(Outcome::Refused { error, seen: None })
}

/// The effect of `command` on what the key holds, `quoted` being the versions that its client has read; none where it
/// changes nothing.
pub(super) fn effect(
    options: &Options,
    cell: Option<&Cell>,
    command: &Command,
    quoted: &VersionVector,
) -> Result<Option<Effect>, Outcome> {
    if let Command::Cas { .. } = command {
        return refused(
            "no datacentre can compare and set what all may write: only conflict=home can".to_owned(),
        );
    }
    match options.conflict {
        Conflict::Home | Conflict::Lww | Conflict::LwwHlc => last(cell, command),
        Conflict::VersionVector => version(cell, command, quoted),
        Conflict::Merge => merged(options, cell, command),
        Conflict::Crdt => crdt(options, cell, command, quoted),
    }
}

/// The whole of what the key holds from now on.
fn last(cell: Option<&Cell>, command: &Command) -> Result<Option<Effect>, Outcome> {
    let current = match cell {
        Some(Cell::Last { data, .. }) => Some(data),
        _ => None,
    };
    Ok(decide(command, current)?.map(|change| Effect::Last(changed(current, &change))))
}

fn version(
    cell: Option<&Cell>,
    command: &Command,
    quoted: &VersionVector,
) -> Result<Option<Effect>, Outcome> {
    let Command::Write { value, .. } = command else {
        return refused("siblings are kept of registers only".to_owned());
    };
    if let Some(Cell::Versions(versions)) = cell
        && quoted.is_empty()
        && versions.len() >= SIBLINGS_MAX
    {
        return refused(format!("{} siblings are there: read them, and quote what is read", versions.len()));
    }
    let data = (*value != Value::Null).then(|| Data::Register(value.clone()));
    Ok(Some(Effect::Version { data, quoted: quoted.clone() }))
}

/// Carts and sets by their merge, the rest as a data type or by the last write.
fn merged(options: &Options, cell: Option<&Cell>, command: &Command) -> Result<Option<Effect>, Outcome> {
    let sum = command.key().is_some_and(|key| options.cart_of(key) == Cart::Sum);
    match command {
        Command::Add { .. } | Command::Remove { .. } => replaced(options, cell, command),
        Command::Count { .. } if !sum => replaced(options, cell, command),
        Command::Append { .. } | Command::Increment { .. } | Command::Count { .. } => typed(cell, command),
        Command::Read { .. }
        | Command::Write { .. }
        | Command::Cas { .. }
        | Command::Txn { .. }
        | Command::Commit(_) => last(cell, command),
    }
}

/// The merged siblings with the change, in place of all of them.
fn replaced(options: &Options, cell: Option<&Cell>, command: &Command) -> Result<Option<Effect>, Outcome> {
    let Some(key) = command.key() else { return Ok(None) };
    let (current, quoted) = match cell {
        Some(Cell::Versions(versions)) => (merge(versions, options.cart_of(key)), versions.context().clone()),
        Some(cell) => return refused(format!("{key} holds a {}", cell.kind())),
        None => (None, VersionVector::default()),
    };
    let current = current.as_ref();
    Ok(decide(command, current)?
        .map(|change| Effect::Version { data: Some(changed(current, &change)), quoted }))
}

fn crdt(
    options: &Options,
    cell: Option<&Cell>,
    command: &Command,
    quoted: &VersionVector,
) -> Result<Option<Effect>, Outcome> {
    match command {
        Command::Write { key, .. } if options.register_of(key) == Register::Mv => {
            version(cell, command, quoted)
        }
        Command::Read { .. } | Command::Write { .. } | Command::Cas { .. } => last(cell, command),
        command => typed(cell, command),
    }
}

/// A change of a replicated data type.
fn typed(cell: Option<&Cell>, command: &Command) -> Result<Option<Effect>, Outcome> {
    let (effect, wanted) = match command {
        Command::Increment { by, .. } => (Effect::Counted { item: None, by: *by }, "counter"),
        Command::Count { item, by, .. } => {
            (Effect::Counted { item: Some(item.as_str().into()), by: *by }, "cart")
        }
        Command::Append { value, .. } => (Effect::Appended(value.clone()), "list"),
        Command::Add { value, .. } => (Effect::Added(value.clone()), "set"),
        Command::Remove { value, .. } => {
            let added = match cell {
                Some(Cell::Set(set)) => set.of(value),
                _ => Vec::new(),
            };
            (Effect::Removed { value: value.clone(), added: added.into() }, "set")
        }
        Command::Read { .. }
        | Command::Write { .. }
        | Command::Cas { .. }
        | Command::Txn { .. }
        | Command::Commit(_) => return Ok(None),
    };
    match (cell, command.key()) {
        (Some(cell), Some(key)) if cell.kind() != wanted => {
            refused(format!("{key} holds a {}, not a {wanted}", cell.kind()))
        }
        _ => Ok(Some(effect)),
    }
}

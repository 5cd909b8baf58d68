//! A process with everything below it. Many systems fork, and their children have process groups and sessions of their
//! own, so only the parents' numbers in `/proc` say what belongs together.
//!
//! The root is a child that was not reaped, so its number is its own. A stopped parent reaps nothing, so while a tree is
//! stopped from the root downwards the numbers of its members stay theirs, too.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::watchdog;

/// The numbers of `root` and of everything below it, parents before their children.
pub(super) fn members(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that has ended meanwhile is no member.
        if let Ok((_, parent)) = state_and_parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(parent) = tree.get(next) {
        tree.extend(children.remove(parent).unwrap_or_default());
        next += 1;
    }
    tree
}

/// Stops the tree from the root downwards, until no member is left that could have forked another; says who is in it.
pub(super) fn stop(root: u32) -> Result<Vec<u32>, Errno> {
    let mut stopped = Vec::new();
    let mut fresh = vec![root];
    loop {
        if fresh.is_empty() {
            return Ok(stopped);
        }
        // Told before: there is no moment at which a stopped process is unknown.
        watchdog::tell(&fresh);
        for id in fresh {
            signal(id, Signal::SIGSTOP)?;
            stopped.push(id);
        }
        fresh = members(root).into_iter().filter(|id| !stopped.contains(id)).collect();
    }
}

/// Sends a signal; a process that has ended needs none.
pub(super) fn signal(id: u32, signal: Signal) -> Result<(), Errno> {
    let id = i32::try_from(id).map_err(|_| Errno::ESRCH)?;
    match kill(Pid::from_raw(id), signal) {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}

/// `R`, `S`, `T` and so on, the third field of `/proc/ID/stat`.
pub(super) fn state(id: u32) -> io::Result<char> {
    state_and_parent(id).map(|(state, _)| state)
}

/// Whether a process does nothing any more, reaped or not.
pub(super) fn is_gone(id: u32) -> bool {
    state(id).map_or(true, |state| matches!(state, 'Z' | 'X'))
}

/// The third and fourth field of `/proc/ID/stat`; the second, a name in parentheses, may hold anything.
fn state_and_parent(id: u32) -> io::Result<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let mut fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ')).into_iter().flatten();
    let state = fields.next().and_then(|field| field.chars().next());
    let parent = fields.next().and_then(|field| field.parse().ok());
    state.zip(parent).ok_or_else(|| io::Error::other("it has no state"))
}

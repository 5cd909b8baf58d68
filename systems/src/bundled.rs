//! The systems that come with this crate: the one place where the reference store is registered. What uses them asks
//! [`System`] and knows none by itself.

use std::sync::Arc;

use crate::cluster::Host;
use crate::live::{self, NodeArguments, NodeError, StoreSystem};
use crate::{System, drivers};

/// The reference store, whose members are started as `exe node`, and then the databases that there are drivers for. The
/// first is tested where no system is named.
pub fn systems(host: &Host) -> Vec<Arc<dyn System>> {
    let store: Arc<dyn System> = Arc::new(StoreSystem::new(host.exe.clone()));
    std::iter::once(store).chain(drivers::all(host)).collect()
}

/// Why a member's process ended.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error("{0}")]
    Arguments(String),
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// Becomes a member of the reference store, with the arguments that its system started this process with, until it is
/// told to stop.
pub fn run_member(arguments: &[String]) -> Result<(), MemberError> {
    let arguments = NodeArguments::parse(arguments).map_err(MemberError::Arguments)?;
    Ok(live::run_blocking(arguments)?)
}

//! Ways in for a system of one's own: a TOML file with commands and HTTP requests, a client process in any language, and
//! nodes that were written for Maelstrom.

pub(crate) mod faults;
mod file;
mod http;
mod launch;
mod lines;
mod maelstrom;
mod managed;
mod pipe;
mod renamed;
mod system;
mod template;

pub use faults::FaultCommands;
pub use file::SystemFile;
pub use system::OwnSystem;

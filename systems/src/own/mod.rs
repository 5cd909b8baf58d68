//! Ways in for a system of one's own: a TOML file with commands and HTTP requests, a client process in any language, and
//! nodes that were written for Maelstrom.

mod file;
mod http;
mod launch;
mod lines;
mod maelstrom;
mod managed;
mod pipe;
mod system;
mod template;

pub use file::SystemFile;
pub use system::OwnSystem;

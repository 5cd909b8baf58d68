//! `partita serve`: the runs of a folder in a browser.
//!
//! It only reads, and nothing outside of that folder.

mod guard;
mod index;
mod live;
mod routes;

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Args;
use tokio::net::TcpListener;

use self::guard::Guard;
use self::index::Index;
use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Where runs lie.
    #[arg(value_name = "DIR", env = "PARTITA_OUT", default_value = "runs")]
    dir: PathBuf,

    /// Where to listen. Beyond this machine only who knows the token in the address that is printed is answered.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7878")]
    bind: String,
}

/// What all requests share.
struct Shelf {
    /// Without links, so that what lies below can be told from what does not.
    root: PathBuf,
    /// Where that is itself the folder of a run: its name, under which its page is.
    only: Option<String>,
    index: Mutex<Index>,
    guard: Guard,
}

pub(crate) fn serve(args: &ServeArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let root = args.dir.canonicalize().map_err(|error| {
        Failure::Usage(format!("{}: {error}; `partita run` puts its runs into ./runs", args.dir.display()))
    })?;
    if !root.is_dir() {
        return Err(Failure::Usage(format!("{}: this is no folder", args.dir.display())));
    }
    let address = address(&args.bind)?;
    let only = root.join("results.json").is_file().then(|| index::name_of(&root));
    let mut index = Index::default();
    let shown = match &only {
        Some(_) => format!("the run in {}", args.dir.display()),
        None => format!("{} runs in {}", index.list(&root).len(), args.dir.display()),
    };
    session.say(&shown);
    let failed = |error: std::io::Error| Failure::Harness(format!("{address}: cannot listen: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let guard = Guard::of(bound).map_err(failed)?;
        let query = guard.query();
        writeln!(out, "http://{bound}/{query}")?;
        out.flush()?;
        let shelf = Shelf { root, only, index: Mutex::new(index), guard };
        axum::serve(listener, routes::router(Arc::new(shelf))).await.map_err(failed)
    })?;
    Ok(Exit::Success)
}

fn address(bind: &str) -> Result<SocketAddr, Failure> {
    let found = bind.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        Failure::Usage(format!("--bind {bind:?} is no address; write HOST:PORT, such as 127.0.0.1:7878"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(address("127.0.0.1:80").unwrap().port(), 80);
        assert!(address("[::1]:7878").unwrap().is_ipv6());
        for wrong in ["7878", "127.0.0.1", "127.0.0.1:http"] {
            assert!(matches!(address(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }
}

//! The running cluster. A server that is killed leaves a segment of shared memory behind, which is removed at the end.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nemesis::backends::Proxies;
use nemesis::{BoxFuture, Target};

use crate::cluster::LocalCluster;
use crate::{Client, Cluster, Crash, SetupError, Status};

/// The data folders of all nodes that were started.
pub(super) type Folders = Arc<Mutex<Vec<PathBuf>>>;

pub(super) struct PostgresCluster {
    pub(super) nodes: LocalCluster,
    pub(super) folders: Folders,
}

impl PostgresCluster {
    /// The segments of shared memory that the servers' folders name.
    fn segments(&self) -> Vec<String> {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let files =
            folders.iter().filter_map(|folder| std::fs::read_to_string(folder.join("postmaster.pid")).ok());
        // The seventh line holds a key and the number of the segment.
        let number = |text: String| text.lines().nth(6)?.split_whitespace().nth(1).map(str::to_owned);
        files.filter_map(number).collect()
    }
}

impl Cluster for PostgresCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        self.nodes.connect(thread)
    }

    fn target(&self) -> &dyn Target {
        self.nodes.target()
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        self.nodes.status()
    }

    fn crashes(&self) -> BoxFuture<'_, Vec<Crash>> {
        self.nodes.crashes()
    }

    fn proxies(&self) -> Option<Arc<Proxies>> {
        self.nodes.proxies()
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            let segments = self.segments();
            let stopped = self.nodes.stop().await;
            for segment in segments {
                // One that is gone already needs no removal.
                let _ = Command::new("ipcrm").args(["-m", &segment]).stderr(Stdio::null()).status();
            }
            stopped
        })
    }
}

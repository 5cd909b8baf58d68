//! Liars among the clients of a live cluster.

use std::sync::Arc;
use std::time::Duration;

use histories::{Node, Op};
use nemesis::backends::Proxies;
use nemesis::{BoxFuture, Target};

use super::{SharedLiar, Step};
use crate::{Client, Cluster, Completion, Crash, SetupError, Status};

/// The same cluster, whose clients are liars.
pub fn in_cluster(cluster: Arc<dyn Cluster>, liar: SharedLiar) -> Arc<dyn Cluster> {
    Arc::new(LyingCluster { cluster, liar })
}

struct LyingCluster {
    cluster: Arc<dyn Cluster>,
    liar: SharedLiar,
}

impl Cluster for LyingCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            let client = self.cluster.connect(thread).await?;
            self.liar.get().replace(thread);
            let liar = self.liar.clone();
            Ok(Box::new(LyingClient { client, thread, liar }) as Box<dyn Client>)
        })
    }

    fn target(&self) -> &dyn Target {
        self.cluster.target()
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        self.cluster.status()
    }

    fn crashes(&self) -> BoxFuture<'_, Vec<Crash>> {
        self.cluster.crashes()
    }

    fn proxies(&self) -> Option<Arc<Proxies>> {
        self.cluster.proxies()
    }

    fn notes(&self) -> Vec<String> {
        self.cluster.notes()
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        self.cluster.stop()
    }
}

struct LyingClient {
    client: Box<dyn Client>,
    thread: u32,
    liar: SharedLiar,
}

impl Client for LyingClient {
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        self.client.set_up()
    }

    fn tear_down(&mut self) -> BoxFuture<'_, Result<(), String>> {
        self.client.tear_down()
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let mut step = self.liar.get().ask(self.thread, op);
            loop {
                match step {
                    Step::Answer(completion) => return completion,
                    Step::Send(op) => {
                        let completion = self.client.call(node, &op, deadline).await;
                        step = self.liar.get().answer(self.thread, completion);
                    }
                }
            }
        })
    }
}

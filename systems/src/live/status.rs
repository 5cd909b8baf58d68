//! How a live cluster is, asked of each node directly, past every proxy. It never takes an answer for an obligation: a
//! node that does not answer soon is simply not up.

use std::time::Duration;

use futures::future::join_all;
use nemesis::Layout;
use tokio::sync::Mutex;

use super::http::Link;
use super::member::Member;
use super::wire::HttpRequest;
use crate::Status;
use crate::store::status::summary;
use crate::store::{Leadership, ReplicaStatus};

const ANSWER_MAX: Duration = Duration::from_millis(250);

/// Asks all nodes at once.
pub(crate) async fn of(members: &[Mutex<Member>], layout: Layout, leadership: Leadership) -> Status {
    let asked = join_all(members.iter().map(ask)).await;
    let told: Vec<ReplicaStatus> = asked.into_iter().flatten().collect();
    summary(layout, leadership, &told)
}

async fn ask(member: &Mutex<Member>) -> Option<ReplicaStatus> {
    // The lock is not held while the node thinks: a fault must not wait for an answer.
    let (address, mut link) = {
        let mut member = member.lock().await;
        if member.paused {
            return None;
        }
        (member.address?, std::mem::take(&mut member.link))
    };
    let status = status_at(&mut link, address).await;
    if status.is_some() {
        member.lock().await.link = link;
    }
    status
}

async fn status_at(link: &mut Link, address: std::net::SocketAddr) -> Option<ReplicaStatus> {
    let (code, body) = link.send(address, HttpRequest::get("/status"), ANSWER_MAX).await.ok()?;
    (code == 200).then(|| serde_json::from_slice(&body).ok())?
}

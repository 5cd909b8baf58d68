//! What carries faults out: means that act on nodes, and means that act on the links between them.

use std::sync::Arc;

use histories::Node;
use nemesis::backends::{ProcessError, Proxies};
use nemesis::{BoxFuture, Effect, FaultId, LinkChange};

use super::clock::ClockSetting;
use super::member::Members;

/// Starts, ends and stops nodes. Every answer says what shows that it had its effect.
pub(crate) trait NodeMeans: Send + Sync {
    /// Starts a node that is dead, on what it has stored.
    fn start(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>>;
    /// Ends a node at once.
    fn kill(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>>;
    /// Lets a node do nothing until it is resumed.
    fn pause(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>>;
    fn resume(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>>;
    /// Makes a node's clocks wrong or right; asked only of nodes with clocks of their own.
    fn tune(&self, node: Node, _setting: ClockSetting) -> BoxFuture<'_, Result<String, ProcessError>> {
        Box::pin(async move { Ok(format!("{node} has no clock of its own")) })
    }
}

/// Does to links what faults ask for.
pub(crate) trait LinkMeans: Send + Sync {
    /// Does what those of the effects say that are about links, until the same fault ends.
    fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, ProcessError>;
    /// Undoes what a fault does to links; `None` where it does nothing to any.
    fn end(&self, fault: FaultId) -> Result<Option<LinkEvidence>, ProcessError>;
    /// Undoes everything.
    fn end_all(&self) -> Result<Option<LinkEvidence>, ProcessError>;
}

/// What became of what flowed while a fault was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkEvidence {
    pub(crate) told: String,
    /// Whether any node can have felt it.
    pub(crate) felt: bool,
}

impl LinkMeans for Proxies {
    fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, ProcessError> {
        let mut told = Vec::new();
        for effect in effects {
            let Some(links) = Self::begin(self, fault, effect) else { continue };
            match effect {
                Effect::Cut { .. } | Effect::CutClients { .. } => tell(&mut told, links, "hold what comes"),
                Effect::Link { change, .. } => tell(&mut told, links, works(*change)),
                Effect::Kill { .. }
                | Effect::Pause { .. }
                | Effect::Power { .. }
                | Effect::Clock { .. }
                | Effect::Disk { .. } => {}
            }
        }
        Ok(told.into_iter().map(|(links, what)| format!("{links} links {what}")).collect())
    }

    fn end(&self, fault: FaultId) -> Result<Option<LinkEvidence>, ProcessError> {
        let report = Self::end(self, fault);
        Ok(report.map(|report| LinkEvidence { told: report.to_string(), felt: report.was_felt() }))
    }

    fn end_all(&self) -> Result<Option<LinkEvidence>, ProcessError> {
        let report = Self::end_all(self);
        let felt = report.was_felt();
        Ok((report.links() > 0).then(|| LinkEvidence { told: report.to_string(), felt }))
    }
}

/// Adds links to those of which the same is told.
fn tell(told: &mut Vec<(usize, &'static str)>, links: usize, what: &'static str) {
    match told.iter_mut().find(|(_, other)| *other == what) {
        Some((count, _)) => *count += links,
        None => told.push((links, what)),
    }
}

/// What a link does while it is changed.
fn works(change: LinkChange) -> &'static str {
    match change {
        LinkChange::Slow { .. } => "are slow",
        LinkChange::Jitter { .. } => "are unsteady",
        LinkChange::Throttle { .. } => "are narrow",
        LinkChange::Reset { .. } => "reset connections",
        LinkChange::Refuse => "refuse connections",
        LinkChange::Hang => "leave connections without an answer",
        LinkChange::HalfOpen => "are half-open",
        LinkChange::Lose { .. } => "lose packets",
        LinkChange::Duplicate { .. } => "double packets",
        LinkChange::Reorder { .. } => "reorder packets",
    }
}

/// The processes of a [`LocalCluster`](super::LocalCluster).
pub(super) struct MemberMeans(pub(super) Members);

impl MemberMeans {
    fn with<'a, F>(&'a self, node: Node, act: F) -> BoxFuture<'a, Result<String, ProcessError>>
    where
        F: for<'m> FnOnce(&'m mut super::member::Member) -> BoxFuture<'m, Result<String, ProcessError>>
            + Send
            + 'a,
    {
        Box::pin(async move {
            let Some(member) = self.0.get(node.index()) else { return Ok(format!("{node} does not exist")) };
            let member = Arc::clone(member);
            let mut member = member.lock().await;
            act(&mut member).await
        })
    }
}

impl NodeMeans for MemberMeans {
    fn start(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        self.with(node, move |member| {
            Box::pin(async move {
                if member.is_dead() { member.start().await } else { Ok(format!("{node} runs")) }
            })
        })
    }

    fn kill(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        self.with(node, |member| Box::pin(member.kill()))
    }

    fn pause(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        self.with(node, |member| Box::pin(member.pause()))
    }

    fn resume(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        self.with(node, |member| Box::pin(member.resume()))
    }

    fn tune(&self, node: Node, setting: ClockSetting) -> BoxFuture<'_, Result<String, ProcessError>> {
        self.with(node, move |member| Box::pin(member.tune(setting)))
    }
}

//! Carries actions of the nemesis out on a live cluster, with evidence. It never decides what is to be broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::try_join_all;
use histories::{Applied, Node};
use nemesis::backends::ProcessError;
use nemesis::{Action, BoxFuture, ClockChange, ControlError, Effect, FaultId, Powers, Target};
use tokio::sync::Mutex;

use super::clock::ClockSetting;
use super::means::{LinkMeans, NodeMeans};

/// A live cluster as the nemesis sees it.
pub(crate) struct Control {
    nodes: Vec<Node>,
    powers: Powers,
    links: Arc<dyn LinkMeans>,
    means: Arc<dyn NodeMeans>,
    holds: Mutex<Holds>,
}

/// Which faults keep a node dead, which keep it stopped, and which keep its clock wrong: all is well when none does.
#[derive(Debug, Default)]
struct Holds {
    dead: BTreeMap<Node, BTreeSet<FaultId>>,
    stopped: BTreeMap<Node, BTreeSet<FaultId>>,
    /// What each fault does to clocks.
    clocks: BTreeMap<FaultId, Vec<(Node, ClockChange)>>,
}

impl Holds {
    fn clock_of(&self, node: Node) -> ClockSetting {
        let changes = self.clocks.values().flatten().filter(|(wrong, _)| *wrong == node);
        changes.fold(ClockSetting::default(), |setting, &(_, change)| setting.with(change))
    }

    /// Forgets what these faults do to clocks; says whose.
    fn right_clocks(&mut self, whose: impl Fn(FaultId) -> bool) -> Vec<Node> {
        let ended = self.clocks.iter().filter(|&(&fault, _)| whose(fault));
        let nodes: BTreeSet<Node> = ended.flat_map(|(_, changes)| changes).map(|&(node, _)| node).collect();
        self.clocks.retain(|&fault, _| !whose(fault));
        nodes.into_iter().collect()
    }
}

impl Control {
    pub(crate) fn new(
        nodes: u16,
        powers: Powers,
        links: Arc<dyn LinkMeans>,
        means: Arc<dyn NodeMeans>,
    ) -> Self {
        Self { nodes: Node::first(nodes).collect(), powers, links, means, holds: Mutex::default() }
    }

    async fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, ProcessError> {
        let mut holds = self.holds.lock().await;
        let mut evidence = self.links.begin(fault, effects)?;
        for effect in effects {
            match effect {
                Effect::Kill { nodes } => {
                    hold(&mut holds.dead, fault, nodes);
                    evidence.extend(try_join_all(nodes.iter().map(|&node| self.means.kill(node))).await?);
                }
                Effect::Pause { nodes } => {
                    hold(&mut holds.stopped, fault, nodes);
                    evidence.extend(try_join_all(nodes.iter().map(|&node| self.means.pause(node))).await?);
                }
                Effect::Clock { nodes, change } => {
                    let changes = nodes.iter().map(|&node| (node, *change));
                    holds.clocks.entry(fault).or_default().extend(changes);
                    evidence.extend(self.tune(&holds, nodes).await?);
                }
                // Those on links are done; the others are not among the powers, and `apply` skips them.
                Effect::Cut { .. }
                | Effect::CutClients { .. }
                | Effect::Link { .. }
                | Effect::Power { .. }
                | Effect::Disk { .. } => {}
            }
        }
        Ok(evidence)
    }

    /// Sets the clocks of these nodes as all faults together have them.
    async fn tune(&self, holds: &Holds, nodes: &[Node]) -> Result<Vec<String>, ProcessError> {
        try_join_all(nodes.iter().map(|&node| self.means.tune(node, holds.clock_of(node)))).await
    }

    /// Undoes what `fault` did, whatever it was; says what shows it, and whether its cuts held anything.
    async fn end(&self, fault: FaultId) -> Result<(Vec<String>, bool), ProcessError> {
        let links = self.links.end(fault)?;
        let felt = links.as_ref().is_none_or(|links| links.felt);
        let mut evidence: Vec<String> = links.into_iter().map(|links| links.told).collect();
        let mut holds = self.holds.lock().await;
        evidence.extend(self.release(&mut holds, |holder| holder == fault).await?);
        Ok((evidence, felt))
    }

    async fn end_all(&self) -> Result<Vec<String>, ProcessError> {
        let mut evidence: Vec<String> = self.links.end_all()?.into_iter().map(|links| links.told).collect();
        let mut holds = self.holds.lock().await;
        evidence.extend(self.release(&mut holds, |_| true).await?);
        if evidence.is_empty() {
            evidence.push("nothing was in force".to_owned());
        }
        Ok(evidence)
    }

    /// Lets go of the nodes that these faults hold, and lets those run again that no other fault holds.
    async fn release(
        &self,
        holds: &mut Holds,
        whose: impl Fn(FaultId) -> bool,
    ) -> Result<Vec<String>, ProcessError> {
        let dead = release(&mut holds.dead, &whose);
        let stopped = release(&mut holds.stopped, &whose);
        let clocks = holds.right_clocks(&whose);
        let mut evidence = try_join_all(dead.iter().map(|&node| self.means.start(node))).await?;
        for &node in &stopped {
            evidence.push(self.means.resume(node).await?);
        }
        // Another fault still wants it stopped, and it was killed and started meanwhile.
        for &node in dead.iter().filter(|node| holds.stopped.contains_key(node)) {
            evidence.push(self.means.pause(node).await?);
        }
        evidence.extend(self.tune(holds, &clocks).await?);
        Ok(evidence)
    }
}

fn hold(holds: &mut BTreeMap<Node, BTreeSet<FaultId>>, fault: FaultId, nodes: &[Node]) {
    for &node in nodes {
        holds.entry(node).or_default().insert(fault);
    }
}

/// Lets go; says which nodes nobody holds any more.
fn release(holds: &mut BTreeMap<Node, BTreeSet<FaultId>>, whose: impl Fn(FaultId) -> bool) -> Vec<Node> {
    for faults in holds.values_mut() {
        faults.retain(|&fault| !whose(fault));
    }
    let free: Vec<Node> =
        holds.iter().filter(|(_, faults)| faults.is_empty()).map(|(&node, _)| node).collect();
    holds.retain(|_, faults| !faults.is_empty());
    free
}

impl Target for Control {
    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn powers(&self) -> Powers {
        self.powers
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<Applied, ControlError>> {
        Box::pin(async move {
            if let Action::Begin { effects, .. } = action {
                let needs: Powers = effects.iter().map(Effect::needs).collect();
                let missing = needs.missing(self.powers());
                if !missing.is_empty() {
                    return Ok(Applied::Skipped(format!("nobody here can {}", missing.join(", "))));
                }
            }
            let applied = match action {
                Action::Begin { fault, effects, .. } => {
                    self.begin(*fault, effects).await.map(|evidence| Applied::Installed(evidence.join("; ")))
                }
                Action::End { fault, .. } => self.end(*fault).await.map(|(evidence, held)| {
                    let told = evidence.join("; ");
                    if held { Applied::Installed(told) } else { Applied::Indeterminate(told) }
                }),
                Action::EndAll => {
                    self.end_all().await.map(|evidence| Applied::Installed(evidence.join("; ")))
                }
            };
            applied.map_err(|error| ControlError { what: described(action), why: error.to_string() })
        })
    }
}

pub(super) fn described(action: &Action) -> String {
    match action {
        Action::Begin { name, .. } => format!("begin {name}"),
        Action::End { name, .. } => format!("end {name}"),
        Action::EndAll => "heal everything".to_owned(),
    }
}

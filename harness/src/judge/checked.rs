//! A stored history that was checked, as data, and what that comes to: what is left of it once the history is let go.
//!
//! What was demanded and not decided is never a pass.

use std::collections::BTreeSet;

use checkers::{Finding, Linearization, Verdict};
use histories::read::Format;
use histories::{Header, History, ModelName, OperationId, Order, Spot, stats};

use super::anomaly::ToldAction;
use super::checking::{self, Summary};
use super::outcome::{StalenessReport, VerdictReport};
use super::verdict::{Expected, Subject, VerdictKind};
use super::{findings, own};
use crate::cli::exit::Exit;

/// A history as it was read, with all that was found.
pub(crate) struct Examined<'a> {
    pub(crate) file: String,
    pub(crate) history: &'a History,
    pub(crate) findings: &'a [Finding],
    /// Models that must hold; empty to describe only.
    pub(crate) demands: Vec<ModelName>,
    /// Where they were asked for, for each key of what is linearizable.
    pub(crate) linearizations: Vec<Linearization>,
    /// The least sets of session guarantees that are violated, where the guarantees were looked at and one by one do not
    /// tell it.
    pub(crate) guarantees: Option<Vec<Vec<ModelName>>>,
    /// Options that a person may have forgotten.
    pub(crate) hints: Vec<String>,
    /// The command that made the history, where its folder knows.
    pub(crate) reproduce: Option<String>,
}

/// The same without the history.
pub(crate) struct Checked {
    pub(crate) file: String,
    pub(crate) format: &'static str,
    pub(crate) header: Header,
    pub(crate) operations: usize,
    pub(crate) events: u32,
    pub(crate) keys: usize,
    pub(crate) processes: usize,
    /// Where the file breaks off in mid-line, and why it does.
    pub(crate) cut_off: Option<String>,
    /// What the real-time order is taken from, `None` where the file tells none.
    pub(crate) order: Option<Order>,
    /// What has to be known of how the file was read.
    pub(crate) warnings: Vec<String>,
    /// Options that may have been forgotten.
    pub(crate) hints: Vec<String>,
    pub(crate) demands: Vec<ModelName>,
    /// How it came out what was demanded.
    pub(crate) demanded: Demanded,
    pub(crate) verdicts: Vec<VerdictReport>,
    pub(crate) summary: Summary,
    /// The least sets of session guarantees that are violated, where several together are; else empty.
    pub(crate) guarantees: Vec<Vec<ModelName>>,
    /// How stale reads were, where a checker measured it.
    pub(crate) staleness: Option<StalenessReport>,
    pub(crate) linearizations: Vec<OrderOfKey>,
    /// Of the models; what a program checks beside them is not in it.
    pub(crate) exit: Exit,
}

/// How the demands on a history came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demanded {
    /// There were none.
    Nothing,
    Held,
    Violated,
    Undecided,
    /// Undecided, and what is open is only what the end of a history tells.
    WaitsForAnEnd,
    /// None of the demands says anything of such a history.
    NotApplicable,
}

/// An order of the operations of one key, or of the whole history, that explains what clients saw; or why there is none.
pub(crate) struct OrderOfKey {
    pub(crate) key: Option<String>,
    pub(crate) order: Result<Vec<Placed>, String>,
}

/// An operation where it took effect.
pub(crate) struct Placed {
    /// Index of its invocation among the events.
    pub(crate) event: u32,
    /// Of the invocation, where the history came from a file.
    pub(crate) spot: Option<Spot>,
    pub(crate) client: u32,
    /// What was asked and answered.
    pub(crate) action: String,
}

impl Examined<'_> {
    /// With demands: 1 if one is violated, 2 if one is undecided. Without: 0, or 2 where nothing could be decided. In
    /// either case 70 where a proof was refuted.
    fn exit(&self) -> Exit {
        let refuted = self.findings.iter().any(|finding| matches!(finding.verdict, Verdict::Refuted(_)));
        let bug = if refuted { Exit::Bug } else { Exit::Success };
        self.judged().merge(bug)
    }

    fn judged(&self) -> Exit {
        let is_empty = self.history.operations().is_empty();
        if self.demands.is_empty() {
            let decided = |finding: &Finding| matches!(finding.verdict, Verdict::Valid | Verdict::Invalid(_));
            // An empty history decides nothing, however many models it satisfies.
            let undecided = !self.findings.iter().any(decided) || is_empty;
            return if undecided { Exit::Undecided } else { Exit::Success };
        }
        self.demands.iter().map(|&model| self.judged_on(model)).fold(Exit::Success, Exit::merge)
    }

    fn judged_on(&self, model: ModelName) -> Exit {
        let exits = self.verdicts_on(model).map(|verdict| match verdict {
            Verdict::Invalid(_) => Exit::Violation,
            Verdict::Valid if !self.history.operations().is_empty() => Exit::Success,
            Verdict::Valid | Verdict::Unknown(_) | Verdict::Refuted(_) | Verdict::NotApplicable(_) => {
                Exit::Undecided
            }
        });
        exits.reduce(Exit::merge).unwrap_or(Exit::Undecided)
    }

    fn verdicts_on(&self, model: ModelName) -> impl Iterator<Item = &Verdict> {
        let of = self.findings.iter().filter(move |finding| finding.model == model);
        of.map(|finding| &finding.verdict)
    }

    fn demanded(&self) -> Demanded {
        let is_inapplicable = |&model: &ModelName| {
            let mut verdicts = self.verdicts_on(model).peekable();
            verdicts.peek().is_some() && verdicts.all(|verdict| matches!(verdict, Verdict::NotApplicable(_)))
        };
        match self.judged() {
            _ if self.demands.is_empty() => Demanded::Nothing,
            Exit::Success => Demanded::Held,
            Exit::Undecided if self.demands.iter().all(is_inapplicable) => Demanded::NotApplicable,
            Exit::Undecided if self.waits_for_an_end() => Demanded::WaitsForAnEnd,
            Exit::Undecided => Demanded::Undecided,
            _ => Demanded::Violated,
        }
    }

    /// Whether what is open of the demands is only what the end of a history tells.
    fn waits_for_an_end(&self) -> bool {
        let open = |finding: &&Finding| {
            self.demands.contains(&finding.model) && matches!(finding.verdict, Verdict::Unknown(_))
        };
        let of_end = [ModelName::Durability, ModelName::Convergence, ModelName::ConflictPolicy];
        self.findings.iter().filter(open).all(|finding| of_end.contains(&finding.model))
    }

    fn verdicts(&self) -> Vec<VerdictReport> {
        let report = |finding: &Finding| {
            let expected = self.demands.contains(&finding.model).then_some(Expected::Valid);
            findings::report(self.history, &self.file, finding, expected, self.reproduce.as_deref())
        };
        self.findings.iter().map(report).chain(own::verdicts(self.history)).collect()
    }

    fn order_of(&self, found: &Linearization) -> OrderOfKey {
        let history = self.history;
        let placed = |&id: &OperationId| {
            let operation = &*history.as_recorded(id);
            Placed {
                event: history.operation(id).call_event,
                spot: history.spot(operation.call_event),
                client: operation.process,
                action: ToldAction { history, operation }.to_string(),
            }
        };
        OrderOfKey {
            key: found.key.map(|key| history.key(key).as_str().to_owned()),
            order: match &found.order {
                Ok(order) => Ok(order.iter().map(placed).collect()),
                Err(why) => Err(why.clone()),
            },
        }
    }
}

impl From<Examined<'_>> for Checked {
    fn from(examined: Examined<'_>) -> Self {
        let Examined { history, findings, .. } = examined;
        let processes: BTreeSet<u32> =
            history.operations().iter().map(|operation| operation.process).collect();
        let staleness = findings.iter().find_map(|finding| finding.figures.staleness.as_ref());
        Self {
            format: history.format().map_or("none", Format::name),
            header: history.header.clone(),
            operations: history.operations().len(),
            events: history.event_count(),
            keys: stats::keys(history),
            processes: processes.len(),
            cut_off: history.cut_off().map(ToString::to_string),
            order: history.timing().order,
            warnings: history.warnings().iter().map(ToString::to_string).collect(),
            demanded: examined.demanded(),
            verdicts: examined.verdicts(),
            summary: checking::summary(history, findings),
            staleness: staleness.map(StalenessReport::from),
            linearizations: examined.linearizations.iter().map(|found| examined.order_of(found)).collect(),
            exit: examined.exit(),
            file: examined.file,
            hints: examined.hints,
            demands: examined.demands,
            guarantees: examined.guarantees.unwrap_or_default(),
        }
    }
}

impl Checked {
    /// With the properties that this program brings along: each is demanded.
    pub(crate) fn exit_with_own(&self) -> Exit {
        let own = self.verdicts.iter().filter(|verdict| matches!(verdict.subject, Subject::Property(_)));
        let exits = own.map(|verdict| match verdict.verdict {
            VerdictKind::Invalid => Exit::Violation,
            VerdictKind::Unknown => Exit::Undecided,
            VerdictKind::Valid | VerdictKind::NotApplicable => Exit::Success,
        });
        exits.fold(self.exit, Exit::merge)
    }
}

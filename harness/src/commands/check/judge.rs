//! What `check` exits with.
//!
//! What was demanded and not decided is never a pass.

use checkers::{Finding, Verdict};
use histories::{History, ModelName};

use crate::cli::exit::Exit;
use crate::cli::paint::Paint;
use crate::judge::own;
use crate::judge::verdict::VerdictKind;

/// With demands: 1 if one is violated, 2 if one is undecided. Without: 0, or 2 where nothing could be decided. In either
/// case 70 where a proof was refuted.
pub(super) fn exit(demands: &[ModelName], findings: &[Finding], history: &History) -> Exit {
    let refuted = findings.iter().any(|finding| matches!(finding.verdict, Verdict::Refuted(_)));
    let bug = if refuted { Exit::Bug } else { Exit::Success };
    judged(demands, findings, history).merge(bug)
}

fn judged(demands: &[ModelName], findings: &[Finding], history: &History) -> Exit {
    if demands.is_empty() {
        let decided = findings.iter().any(|f| matches!(f.verdict, Verdict::Valid | Verdict::Invalid(_)));
        // An empty history decides nothing, however many models it satisfies.
        let undecided = !decided || history.operations().is_empty();
        return if undecided { Exit::Undecided } else { Exit::Success };
    }
    demands.iter().map(|&model| demanded(model, findings, history)).fold(Exit::Success, Exit::merge)
}

/// Of the properties that this program brings along: each is demanded.
pub(super) fn of_own(history: &History) -> Exit {
    let exits = own::verdicts(history).into_iter().map(|verdict| match verdict.verdict {
        VerdictKind::Invalid => Exit::Violation,
        VerdictKind::Unknown => Exit::Undecided,
        VerdictKind::Valid | VerdictKind::NotApplicable => Exit::Success,
    });
    exits.fold(Exit::Success, Exit::merge)
}

/// Whether none of the demands says anything of this history.
pub(super) fn is_inapplicable(demands: &[ModelName], findings: &[Finding]) -> bool {
    demands.iter().all(|&model| {
        let mut own = findings.iter().filter(|finding| finding.model == model).peekable();
        own.peek().is_some() && own.all(|finding| matches!(finding.verdict, Verdict::NotApplicable(_)))
    })
}

/// Whether what is open of the demands is only what the end of a history tells.
pub(super) fn waits_for_an_end(demands: &[ModelName], findings: &[Finding]) -> bool {
    let open = |finding: &&Finding| {
        demands.contains(&finding.model) && matches!(finding.verdict, Verdict::Unknown(_))
    };
    let of_end = [ModelName::Durability, ModelName::Convergence, ModelName::ConflictPolicy];
    findings.iter().filter(open).all(|finding| of_end.contains(&finding.model))
}

/// In a word: for a file that has demands.
pub(super) fn word(demands: &[ModelName], findings: &[Finding], history: &History, paint: Paint) -> String {
    match judged(demands, findings, history) {
        Exit::Success => paint.good("held"),
        Exit::Undecided if is_inapplicable(demands, findings) => paint.doubtful("not applicable"),
        Exit::Undecided => paint.doubtful("undecided"),
        _ => paint.bad("VIOLATED"),
    }
}

fn demanded(model: ModelName, findings: &[Finding], history: &History) -> Exit {
    let verdicts = findings.iter().filter(|finding| finding.model == model).map(|finding| &finding.verdict);
    let exits = verdicts.map(|verdict| match verdict {
        Verdict::Invalid(_) => Exit::Violation,
        Verdict::Valid if !history.operations().is_empty() => Exit::Success,
        Verdict::Valid | Verdict::Unknown(_) | Verdict::Refuted(_) | Verdict::NotApplicable(_) => {
            Exit::Undecided
        }
    });
    exits.reduce(Exit::merge).unwrap_or(Exit::Undecided)
}

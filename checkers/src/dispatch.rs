//! From demanded models to checkers, and to one finding for each model.
//!
//! It never decides a model itself, and never returns valid for one that no checker decides or implies.

use std::collections::BTreeSet;
use std::time::Duration;

use histories::{Function, History, ModelName, view};
use rayon::prelude::*;

use crate::edges;
use crate::hierarchy::Hierarchy;
use crate::proof::Proofs;
use crate::roster::{all, checkers_for};
use crate::rules::bank;
use crate::{Budget, Checker, Figures, Finding, Logs, Rules, Unconfirmed, Verdict, confirm, inserts, log};

/// One finding for each demanded model, in order; without demands, one for each model that a checker decides, and
/// for each that follows.
pub fn check_all(history: &History, models: Option<&[ModelName]>, budget: &Budget) -> Vec<Finding> {
    let history = &*view::settled(history);
    let (ladder, proofs) = (Hierarchy::of(history), &Proofs::of(history));
    let Some(models) = models else {
        let found = findings(&applicable(history), proofs, history, |checker| checker.check(history, budget));
        return ModelName::ALL.iter().filter_map(|&model| ladder.deduce(&found, model)).collect();
    };
    let (deciding, helping) = stages(models);
    let mut found =
        findings(&deciding, proofs, history, |checker| checker.check_some(history, models, budget));
    let is_open = |&model: &ModelName| {
        let deduced = ladder.deduce(&found, model).map(|finding| finding.verdict);
        !matches!(deduced, Some(Verdict::Valid | Verdict::Invalid(_)))
    };
    if models.iter().any(is_open) {
        found.extend(findings(&deciding, proofs, history, |checker| {
            let left = left_out(checker, &found);
            if left.is_empty() { Vec::new() } else { checker.check_some(history, &left, budget) }
        }));
        found.extend(findings(&helping, proofs, history, |checker| checker.check(history, budget)));
    }
    let mut asked = BTreeSet::new();
    let once = models.iter().filter(|&&model| asked.insert(model));
    once.map(|&model| ladder.deduce(&found, model).unwrap_or_else(|| unruled(&ladder, &found, model)))
        .collect()
}

/// Every checker that can say something of a history of which nobody said what it is about.
fn applicable(history: &History) -> Checkers {
    if bank::is_only_read(history) {
        return vec![Box::new(Rules)];
    }
    if log::is_log(history) {
        return vec![Box::new(Logs)];
    }
    let are_inserts = inserts::are_inserts(history);
    let has_transactions = history.operations().iter().any(|op| op.function == Function::Txn);
    let says = |checker: &dyn Checker| {
        has_transactions || are_inserts || checker.models().iter().any(|m| !m.is_isolation_level())
    };
    all().into_iter().filter(|checker| says(checker.as_ref())).collect()
}

/// The checkers that decide demanded models themselves, and those whose findings may settle what they leave open: on
/// a large history the second kind is worth its time only then.
fn stages(models: &[ModelName]) -> (Checkers, Checkers) {
    let decides = |checker: &dyn Checker| checker.models().iter().any(|model| models.contains(model));
    checkers_for(models).into_iter().partition(|checker| decides(checker.as_ref()))
}

type Checkers = Vec<Box<dyn Checker>>;

fn findings(
    checkers: &[Box<dyn Checker>],
    proofs: &Proofs<'_>,
    history: &History,
    check: impl Fn(&dyn Checker) -> Vec<Finding> + Sync,
) -> Vec<Finding> {
    checkers
        .par_iter()
        .flat_map(|checker| check(checker.as_ref()))
        .map(|finding| re_checked(proofs, history, finding))
        .collect()
}

/// What a checker decides and was not demanded of it.
fn left_out(checker: &dyn Checker, found: &[Finding]) -> Vec<ModelName> {
    let is_found = |model: &ModelName| found.iter().any(|finding| finding.model == *model);
    checker.models().iter().copied().filter(|model| !is_found(model)).collect()
}

/// The finding, if its proofs stand up to a re-check that shares nothing with the checkers. A proof that is refuted
/// proves nothing, and where it was the only one, nothing is decided. A proof that is too large to be re-checked stands,
/// and says so. What a proof lists is completed, and decides nothing.
fn re_checked(proofs: &Proofs<'_>, history: &History, mut finding: Finding) -> Finding {
    let Verdict::Invalid(anomalies) = &mut finding.verdict else { return finding };
    let mut doubts = Vec::new();
    anomalies.retain_mut(|anomaly| {
        match confirm(history, anomaly) {
            Ok(()) => {}
            Err(Unconfirmed::Refuted(why)) => {
                doubts.push((anomaly.summary.clone(), why));
                return false;
            }
            Err(why @ Unconfirmed::TooLarge { .. }) => anomaly.not_rechecked = Some(why.to_string()),
        }
        proofs.complete(anomaly);
        true
    });
    for anomaly in anomalies.iter_mut().filter(|anomaly| anomaly.edges.is_empty()) {
        anomaly.edges = edges::among(history, anomaly);
    }
    if anomalies.is_empty() {
        finding.verdict = undecided_by(&doubts);
    }
    finding
}

/// What a finding comes to whose proofs were all refuted, each for a reason: that is a bug of ours.
fn undecided_by(doubts: &[(String, String)]) -> Verdict {
    match doubts.first() {
        Some((summary, why)) => {
            Verdict::Refuted(format!("a bug of the checker: its proof was refuted; {summary}: {why}"))
        }
        None => Verdict::Unknown("a violation without a proof".into()),
    }
}

/// A model that no checker here decides, and that none of the findings settle.
fn unruled(ladder: &Hierarchy, found: &[Finding], model: ModelName) -> Finding {
    let applies = found.iter().any(|finding| {
        ladder.implies(finding.model, model) && !matches!(finding.verdict, Verdict::NotApplicable(_))
    });
    let verdict = if applies {
        Verdict::Unknown(format!("no checker for {model} yet, and no other finding settles it"))
    } else {
        Verdict::Unknown(format!("no checker for {model} yet"))
    };
    Finding { model, verdict, method: "none", figures: Figures::default(), elapsed: Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use histories::ModelName::{Convergence, Linearizable, MonotonicReads, Pram, Sequential};

    use super::*;
    use crate::testing::{Dice, random};
    use crate::{Causal, Linear, testing};

    fn verdicts(text: &str, models: &[ModelName]) -> Vec<(ModelName, &'static str, &'static str)> {
        let history = testing::history(text);
        let findings = check_all(&history, Some(models), &Budget::unlimited());
        findings.iter().map(|finding| (finding.model, finding.verdict.name(), finding.method)).collect()
    }

    #[test]
    fn a_demanded_model_is_listed_once_with_the_rule_that_decided_it() {
        let fresh = "c1 write x 1 [0,1]\nc2 read x 1 [2,3]";
        assert_eq!(verdicts(fresh, &[Pram, Pram]), [(Pram, "valid", "views")]);
        let stale = "c1 write x 1 [0,1]\nc2 read x nil [2,3]";
        assert_eq!(verdicts(stale, &[Pram]), [(Pram, "valid", "views")], "it is sequential");
        let crossed = "c1 write x 1 [0,1]\nc2 write y 1 [0,1]\nc3 read x 1 [2,3]\nc3 read y nil [4,5]
                       c4 read y 1 [2,3]\nc4 read x nil [4,5]";
        assert_eq!(verdicts(crossed, &[Pram]), [(Pram, "valid", "views")]);
    }

    #[test]
    fn a_violated_guarantee_violates_what_implies_it() {
        let back = "c1 write x 1 [0,1]\nc2 read x 1 [2,3]\nc2 read x nil [4,5]";
        assert_eq!(
            verdicts(back, &[Sequential, MonotonicReads, Linearizable]),
            [
                (Sequential, "invalid", "forced order"),
                (MonotonicReads, "invalid", "arbitration"),
                (Linearizable, "invalid", "zones"),
            ]
        );
    }

    #[test]
    fn without_demands_every_model_that_is_settled_is_listed_once() {
        let history = testing::history("c1 write x 1 [0,1]\nc2 read x 1 [2,3]");
        let findings = check_all(&history, None, &Budget::unlimited());
        let models: Vec<ModelName> = findings.iter().map(|finding| finding.model).collect();
        let others: Vec<ModelName> =
            ModelName::ALL.iter().copied().filter(|model| !model.is_isolation_level()).collect();
        assert_eq!(models, others, "without transactions nothing is said of isolation");
        let convergence = findings.iter().find(|finding| finding.model == Convergence).unwrap();
        assert_eq!(convergence.verdict.name(), "unknown", "no dump was taken");
    }

    #[test]
    fn no_checker_contradicts_the_ladder() {
        let mut dice = Dice(7);
        let mut linearizable = 0;
        for case in 0..3_000 {
            let history = random(&mut dice, 8, case % 2 == 0);
            let found = testing::coherent_findings(&history);
            let held =
                |finding: &&Finding| finding.verdict == Verdict::Valid && finding.model == Linearizable;
            linearizable += found.iter().filter(held).count();
        }
        assert!(linearizable > 500);
    }

    #[test]
    fn what_is_demanded_is_found_as_it_is_among_all() {
        let mut dice = Dice(11);
        for _ in 0..300 {
            let history = random(&mut dice, 8, false);
            let all = check_all(&history, None, &Budget::unlimited());
            for model in Causal.models() {
                let alone = check_all(&history, Some(&[*model]), &Budget::unlimited()).remove(0);
                let among = all.iter().find(|finding| finding.model == *model).unwrap();
                assert_eq!(alone.verdict.name(), among.verdict.name(), "{model}");
            }
        }
    }

    #[test]
    fn what_a_demanded_model_leaves_open_is_asked_of_the_rest_of_its_checker() {
        let decided = |models: &[ModelName]| -> Vec<ModelName> {
            let history = testing::history("c1 write x 1 [0,1]\nc2 read x 1 [2,3]");
            let findings = Causal.check_some(&history, models, &Budget::unlimited());
            findings.iter().map(|finding| finding.model).collect()
        };
        assert_eq!(decided(&[Sequential, Pram]), [Pram]);
        let found = check_all(&testing::history("c1 write x 1 [0,1]"), Some(&[Pram]), &Budget::unlimited());
        assert!(!left_out(&Causal, &found).contains(&Pram));
        assert_eq!(left_out(&Causal, &found).len(), Causal.models().len() - 1);
    }

    #[test]
    fn a_refuted_proof_leaves_a_model_undecided_and_is_told_as_a_bug() {
        let history = testing::history("c1 write x 1 [0,1]\nc2 read x nil [2,3]");
        let mut finding = Linear::default().check(&history, &Budget::unlimited()).remove(0);
        let proofs = Proofs::of(&history);
        let confirmed = re_checked(&proofs, &history, finding.clone());
        assert!(matches!(confirmed.verdict, Verdict::Invalid(_)), "{confirmed:?}");
        let Verdict::Invalid(anomalies) = &mut finding.verdict else { panic!("{finding:?}") };
        anomalies[0].witness.operations.truncate(1);
        let Verdict::Refuted(why) = re_checked(&proofs, &history, finding).verdict else {
            panic!("it was not refuted")
        };
        assert!(why.starts_with("a bug of the checker: its proof was refuted; client 2 read"), "{why}");
    }

    #[test]
    fn only_checkers_that_can_help_are_chosen() {
        let names = |models: &[ModelName]| checkers_for(models).iter().map(|c| c.name()).collect::<Vec<_>>();
        assert_eq!(names(&[Convergence]), ["convergence"]);
        assert_eq!(names(&[MonotonicReads]), ["linear", "isolation", "causal", "sequential", "sessions"]);
        assert_eq!(names(&[]), Vec::<&str>::new());
    }

    #[test]
    fn what_is_demanded_is_decided_before_what_may_help() {
        let names = |models: &[ModelName]| {
            let names =
                |checkers: Vec<Box<dyn Checker>>| checkers.iter().map(|c| c.name()).collect::<Vec<_>>();
            let (deciding, helping) = stages(models);
            (names(deciding), names(helping))
        };
        assert_eq!(
            names(&[Linearizable]),
            (vec!["linear"], vec!["inserts", "isolation", "causal", "sequential", "sessions"])
        );
        assert_eq!(
            names(&[MonotonicReads]),
            (vec!["sessions"], vec!["linear", "isolation", "causal", "sequential"])
        );
        let undecided =
            "c1 increment x 1 [0,1]\nc1 append x 2 [2,3]\nc1 write y 1 [4,5]\nc1 read y nil [6,7]";
        assert_eq!(verdicts(undecided, &[Linearizable])[0].1, "invalid", "one key is enough");
    }
}

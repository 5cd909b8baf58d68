//! Counterexamples as pictures: what to draw, apart from how.
//!
//! It never finds anything; a drawing holds what a proof says.

mod dot;
mod svg;

use histories::History;

use crate::Anomaly;
use crate::causal::graph::{Arrow, Drawing, Style, graph};

/// An anomaly's graph in the DOT language; `None` where its proof is no graph.
pub fn dot(history: &History, anomaly: &Anomaly) -> Option<String> {
    graph(history, anomaly).map(|drawing| dot::render(&drawing))
}

/// An anomaly's graph as a picture that needs nothing else: a column for each client, time downwards; `None` where its
/// proof is no graph.
pub fn svg(history: &History, anomaly: &Anomaly) -> Option<String> {
    let drawing = graph(history, anomaly)?;
    Some(svg::render(&drawing, &format!("{}: {}", anomaly.kind, anomaly.summary)))
}

#[cfg(test)]
mod tests {
    use histories::ModelName;

    use super::*;
    use crate::{Budget, Causal, Checker, testing};

    fn anomaly(text: &str, model: ModelName) -> (History, Anomaly) {
        let history = testing::history(text);
        let findings = Causal.check(&history, &Budget::unlimited());
        let finding = findings.iter().find(|finding| finding.model == model).unwrap();
        let anomaly = finding.verdict.anomalies()[0].clone();
        (history, anomaly)
    }

    #[test]
    fn a_picture_shows_clients_side_by_side_and_each_reason() {
        let text = "c1 write x 1 [0,1]\nc2 write x 2 [0,1]\nc1 read x 2 [2,3]\nc2 read x 1 [2,3]";
        let (history, anomaly) = anomaly(text, ModelName::CausalConvergence);
        insta::assert_snapshot!(svg(&history, &anomaly).unwrap());
    }

    #[test]
    fn what_is_no_graph_is_not_drawn() {
        let (history, anomaly) = anomaly("c1 read x 7 [0,1]", ModelName::Causal);
        assert_eq!((dot(&history, &anomaly), svg(&history, &anomaly)), (None, None));
    }
}

//! A proof on a timeline: a lane for each client, a box for each operation as long as it took, an arrow for each edge, and the
//! faults as bands.

use std::collections::BTreeSet;

use histories::Outcome;

use super::chart::{Band, escaped, head, line};
use crate::judge::anomaly::{AnomalyReport, OperationReport};
use crate::judge::outcome::RunOutcome;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 60.0;
const LANE: f64 = 74.0;
const BOX: f64 = 26.0;
const FACT: f64 = 18.0;
/// Of a text, so many characters stand in a line.
const CHARACTERS_MAX: usize = 130;
/// A moment is drawn so wide at least, to be seen.
const BOX_WIDTH_MIN: f64 = 6.0;

/// `proof-1.svg`, `proof-2.svg`: the first of what is violated, each once.
pub(super) fn all(run: &RunOutcome, bands: &[Band], count_max: usize) -> Vec<(String, String)> {
    let mut told = BTreeSet::new();
    let anomalies = run.verdicts.iter().flat_map(|verdict| &verdict.anomalies);
    let drawn =
        anomalies.filter(|anomaly| !anomaly.operations.is_empty() && told.insert(&anomaly.explanation));
    let files = (1..).zip(drawn.take(count_max));
    files.map(|(number, anomaly)| (format!("proof-{number}.svg"), draw(anomaly, bands))).collect()
}

struct Page<'a> {
    operations: &'a [OperationReport],
    /// The clients, a lane each, in ascending order.
    clients: Vec<u32>,
    from_ms: f64,
    to_ms: f64,
}

fn draw(anomaly: &AnomalyReport, bands: &[Band]) -> String {
    let operations = &anomaly.operations;
    let clients: BTreeSet<u32> = operations.iter().map(|operation| operation.client).collect();
    let from_ms = operations.iter().map(|operation| operation.invoked_ms).fold(f64::INFINITY, f64::min);
    let ends = operations.iter().map(|operation| operation.completed_ms.unwrap_or(operation.invoked_ms));
    let to_ms = ends.fold(from_ms, f64::max);
    // A margin on both sides, also around a single moment.
    let margin = ((to_ms - from_ms) * 0.05).max(1e-3);
    let (from_ms, to_ms) = (from_ms - margin, to_ms + margin);
    let page = Page { operations, clients: clients.into_iter().collect(), from_ms, to_ms };
    let facts_top = TOP + LANE * page.clients.len() as f64 + 44.0;
    let height = facts_top + FACT * anomaly.facts.len() as f64 + 10.0;
    let mut text = head(WIDTH, height, &cut(&format!("{}: {}", anomaly.kind, anomaly.summary)));
    for band in bands {
        page.band(&mut text, band);
    }
    page.lanes(&mut text);
    for operation in operations {
        page.operation(&mut text, operation);
    }
    for edge in &anomaly.edges {
        page.edge(&mut text, edge.from, edge.to, &edge.reason);
    }
    for (place, fact) in anomaly.facts.iter().enumerate() {
        let y = facts_top + FACT * place as f64;
        line(&mut text, &format!("<text x=\"8\" y=\"{y:.1}\">{}</text>", escaped(&cut(fact))));
    }
    text.push_str("</svg>\n");
    text
}

fn cut(text: &str) -> String {
    if text.chars().count() <= CHARACTERS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect()
}

impl Page<'_> {
    fn x(&self, ms: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * ((ms - self.from_ms) / (self.to_ms - self.from_ms)).clamp(0.0, 1.0)
    }

    fn y(&self, client: u32) -> f64 {
        TOP + LANE * self.clients.binary_search(&client).unwrap_or_default() as f64 + LANE / 2.0
    }

    fn bottom(&self) -> f64 {
        TOP + LANE * self.clients.len() as f64
    }

    fn band(&self, text: &mut String, band: &Band) {
        let (from, to) = (band.from_s * 1e3, band.to_s * 1e3);
        if to < self.from_ms || from > self.to_ms {
            return;
        }
        let (left, right) = (self.x(from), self.x(to));
        let name = escaped(&format!("{}: {}", band.name, band.what));
        line(
            text,
            &format!(
                "<g><title>{name}</title><rect class=\"band\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{name}</text></g>",
                TOP - 18.0,
                (right - left).max(1.0),
                self.bottom() - TOP + 18.0,
                left + 4.0,
                TOP - 5.0
            ),
        );
    }

    fn lanes(&self, text: &mut String) {
        for &client in &self.clients {
            let y = self.y(client);
            line(
                text,
                &format!(
                    "<text x=\"8\" y=\"{:.1}\">client {client}</text><path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/>",
                    y + 4.0,
                    WIDTH - RIGHT
                ),
            );
        }
        let bottom = self.bottom() + 16.0;
        for (ms, anchor) in [(self.from_ms, "start"), (self.to_ms, "end")] {
            line(
                text,
                &format!(
                    "<text x=\"{:.1}\" y=\"{bottom:.1}\" text-anchor=\"{anchor}\">{:.3} s</text>",
                    self.x(ms),
                    ms.max(0.0) / 1e3
                ),
            );
        }
    }

    /// Its left and right edge; one that never ended goes on to the end.
    fn span(&self, operation: &OperationReport) -> (f64, f64) {
        let left = self.x(operation.invoked_ms);
        let right = self.x(operation.completed_ms.unwrap_or(self.to_ms));
        (left, right.max(left + BOX_WIDTH_MIN))
    }

    fn operation(&self, text: &mut String, operation: &OperationReport) {
        let ((left, right), y) = (self.span(operation), self.y(operation.client));
        let class = if operation.outcome == Outcome::Ok { "ok" } else { "other" };
        let node = operation.node.as_ref().map_or_else(String::new, |node| format!(" at {node}"));
        let label = escaped(&cut(&operation.text));
        let note = escaped(&cut(&operation.note));
        // A label that begins near the right edge ends there.
        let (x, anchor) = if left > WIDTH * 0.7 { (right, "end") } else { (left, "start") };
        line(
            text,
            &format!(
                "<g><title>{label}{}, {}</title><rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BOX}\" \
             rx=\"4\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{label}{}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{note}</text></g>",
                escaped(&node),
                operation.outcome.name(),
                y - BOX / 2.0,
                right - left,
                y - BOX / 2.0 - 4.0,
                escaped(&node),
                y + BOX / 2.0 + 14.0
            ),
        );
    }

    fn edge(&self, text: &mut String, from: usize, to: usize, reason: &str) {
        let (Some(one), Some(other)) = (self.operations.get(from), self.operations.get(to)) else { return };
        let middle = |operation: &OperationReport| {
            let (left, right) = self.span(operation);
            (f64::midpoint(left, right), self.y(operation.client))
        };
        let ((x1, y1), (x2, y2)) = (middle(one), middle(other));
        let bend = f64::midpoint(y1, y2) - 24.0;
        line(
            text,
            &format!(
                "<path class=\"edge\" d=\"M{x1:.1} {y1:.1}Q{:.1} {bend:.1} {x2:.1} {y2:.1}\"><title>{}</title></path>\
             <circle cx=\"{x2:.1}\" cy=\"{y2:.1}\" r=\"3.5\" fill=\"#d55e00\"/>",
                f64::midpoint(x1, x2),
                escaped(reason)
            ),
        );
    }
}

//! A sequence diagram of the last moments of a world, as SVG: a line a node, an arrow a message. It judges nothing.

use std::fmt::Write as _;

use histories::{Nanos, Node};
use systems::sim::{Happening, Traced};

/// So many happenings are drawn, the last ones before the end.
const ROWS_MAX: usize = 120;
const COLUMN: usize = 190;
const ROW: usize = 18;
const LEFT: usize = 110;
const TOP: usize = 50;
const TEXT_MAX: usize = 60;

/// Draws what happened up to `end` between `nodes` nodes; clients stand in one column beside them.
pub(crate) fn draw(trace: &[Traced], nodes: u16, end: Nanos) -> String {
    let shown = trace.partition_point(|traced| traced.at <= end);
    let rows: Vec<&Traced> = trace[..shown]
        .iter()
        .filter(|traced| !matches!(traced.what, Happening::Timer { .. } | Happening::Persisted { .. }))
        .collect();
    let rows = &rows[rows.len().saturating_sub(ROWS_MAX)..];
    let (width, height) = (LEFT + (usize::from(nodes) + 1) * COLUMN, TOP + (rows.len() + 1) * ROW);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"10\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for column in 0..=usize::from(nodes) {
        let name = if column == 0 { "clients".to_owned() } else { format!("n{column}") };
        let x = center(column);
        let _ =
            writeln!(svg, "<text x=\"{x}\" y=\"20\" text-anchor=\"middle\" font-size=\"13\">{name}</text>");
        let _ = writeln!(svg, "<line x1=\"{x}\" y1=\"28\" x2=\"{x}\" y2=\"{height}\" stroke=\"#bbb\"/>");
    }
    for (place, traced) in rows.iter().enumerate() {
        row(&mut svg, TOP + place * ROW, traced);
    }
    svg.push_str("</svg>\n");
    svg
}

const CLIENTS: usize = 0;

fn column(node: Node) -> usize {
    node.index() + 1
}

fn center(column: usize) -> usize {
    LEFT + column * COLUMN + COLUMN / 2 - 40
}

fn row(svg: &mut String, y: usize, traced: &Traced) {
    let _ =
        writeln!(svg, "<text x=\"4\" y=\"{}\" fill=\"#666\">{:.6} s</text>", y + 3, traced.at.as_secs_f64());
    match &traced.what {
        Happening::Message { from, to, text, .. } => arrow(svg, y, column(*from), column(*to), text, "#246"),
        Happening::Lost { from, to, text } => {
            arrow(svg, y, column(*from), column(*to), &format!("lost: {text}"), "#c33");
        }
        Happening::Ask { node, text, thread } => {
            arrow(svg, y, CLIENTS, column(*node), &format!("c{thread} {text}"), "#383");
        }
        Happening::Told { node, text, thread, .. } => {
            arrow(svg, y, column(*node), CLIENTS, &format!("c{thread} {text}"), "#383");
        }
        Happening::Heard { node, text, .. } => mark(svg, y, column(*node), text, "#383"),
        Happening::Persist { node, text } => mark(svg, y, column(*node), &format!("writes {text}"), "#777"),
        Happening::Started { node, text } | Happening::Died { node, text } => {
            mark(svg, y, column(*node), text, "#c33");
        }
        Happening::Fault { text } | Happening::Broken { text } => mark(svg, y, CLIENTS, text, "#c33"),
        Happening::Timer { .. } | Happening::Persisted { .. } => {}
    }
}

fn arrow(svg: &mut String, y: usize, from: usize, to: usize, text: &str, colour: &str) {
    let (x1, x2) = (center(from), center(to));
    let head = if x2 > x1 { x2 - 6 } else { x2 + 6 };
    let _ = writeln!(
        svg,
        "<line x1=\"{x1}\" y1=\"{y}\" x2=\"{x2}\" y2=\"{y}\" stroke=\"{colour}\"/><path d=\"M{x2} {y} L{head} {} L{head} {} Z\" \
         fill=\"{colour}\"/><text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
        y - 3,
        y + 3,
        x1.min(x2) + 8,
        y - 2,
        escaped(text)
    );
}

fn mark(svg: &mut String, y: usize, column: usize, text: &str, colour: &str) {
    let x = center(column);
    let _ = writeln!(
        svg,
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
        x + 6,
        y + 3,
        escaped(text)
    );
}

fn escaped(text: &str) -> String {
    let short: String = text.chars().take(TEXT_MAX).collect();
    short.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_arrows_and_what_comes_later_is_not_drawn() {
        let traced = |at, what| Traced { at: Nanos(at), what };
        let trace = [
            traced(1, Happening::Ask { thread: 0, node: Node(0), text: "write x <1>".into() }),
            traced(
                2,
                Happening::Message { from: Node(0), to: Node(1), sent: Nanos(1), text: "append".into() },
            ),
            traced(9, Happening::Died { node: Node(1), text: "too late".into() }),
        ];
        let svg = draw(&trace, 2, Nanos(5));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(
            svg.contains("c0 write x &lt;1&gt;") && svg.contains(">append<") && !svg.contains("too late")
        );
        assert_eq!(svg.matches("<path").count(), 2);
    }
}

//! DOT, for Graphviz.
//!
//! It never lays anything out.

use std::fmt::Write;

use super::{Drawing, Style};

pub(super) fn render(drawing: &Drawing) -> String {
    let mut text = String::from("digraph proof {\n  node [shape=box];\n");
    for (number, place) in drawing.places.iter().enumerate() {
        let label = quoted(&place.label);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  t{number} [label=\"client {}: {label}\"];", place.process);
    }
    for arrow in &drawing.arrows {
        let style = match arrow.style {
            Style::Cycle => "bold",
            Style::Inferred => "dashed",
            Style::Reason => "solid",
        };
        let (from, to, label) = (arrow.from, arrow.to, quoted(&arrow.label));
        let _ = writeln!(text, "  t{from} -> t{to} [style={style}, label=\"{label}\"];");
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

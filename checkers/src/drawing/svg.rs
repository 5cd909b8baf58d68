//! SVG: a column for each client, a row for each operation, arrows with their reasons.
//!
//! It never needs a font, a script or a file of anybody else's.

use std::fmt::Write;

use super::{Arrow, Drawing, Style};

const COLUMN: usize = 320;
const ROW: usize = 96;
const BOX_WIDTH: usize = 230;
const BOX_HEIGHT: usize = 36;
const MARGIN: usize = 24;
const HEADER: usize = 84;
/// More of a label does not fit.
const LABEL_CHARACTERS_MAX: usize = 34;

const STYLE: &str = "text{font:13px sans-serif;fill:#222}.client{font-weight:bold}.title{font-weight:bold}\
.why{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:4px}rect{fill:#fff;stroke:#555}\
path{fill:none;stroke-width:1.5}.cycle{stroke:#c0392b;stroke-width:2.5}\
.inferred{stroke:#c0392b;stroke-width:2.5;stroke-dasharray:7 4}.reason{stroke:#2c6fbb}";

pub(super) fn render(drawing: &Drawing, title: &str) -> String {
    let mut processes: Vec<u32> = drawing.places.iter().map(|place| place.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let page = Page { drawing, processes };
    let wide = 2 * MARGIN + COLUMN * page.processes.len();
    let width = wide.max(2 * MARGIN + 8 * title.chars().count());
    let height = HEADER + ROW * drawing.places.len() + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>{STYLE}</style>\n<defs>\n"
    );
    for (name, colour) in [("red", "#c0392b"), ("blue", "#2c6fbb")] {
        line(
            &mut text,
            &format!(
                "<marker id=\"{name}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
                 markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:{colour}\"/></marker>"
            ),
        );
    }
    line(&mut text, "</defs>");
    line(
        &mut text,
        &format!("<text class=\"title\" x=\"{MARGIN}\" y=\"{MARGIN}\">{}</text>", escaped(title)),
    );
    page.clients(&mut text);
    page.boxes(&mut text);
    drawing.arrows.iter().for_each(|arrow| page.arrow(&mut text, arrow));
    text.push_str("</svg>\n");
    text
}

struct Page<'d> {
    drawing: &'d Drawing,
    /// In ascending order, a column each.
    processes: Vec<u32>,
}

impl Page<'_> {
    /// The middle of a place's box.
    fn centre(&self, place: usize) -> (usize, usize) {
        (self.middle(self.drawing.places[place].process), HEADER + ROW * place + BOX_HEIGHT / 2)
    }

    /// The middle of a client's column.
    fn middle(&self, process: u32) -> usize {
        let column = self.processes.binary_search(&process).unwrap_or_default();
        MARGIN + COLUMN * column + COLUMN / 2
    }

    fn clients(&self, text: &mut String) {
        for &process in &self.processes {
            let x = self.middle(process);
            let y = HEADER - 24;
            line(
                text,
                &format!(
                    "<text class=\"client\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">client {process}</text>"
                ),
            );
        }
    }

    fn boxes(&self, text: &mut String) {
        for (number, place) in self.drawing.places.iter().enumerate() {
            let (x, y) = self.centre(number);
            let (left, top) = (x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2);
            let label = escaped(&shortened(&place.label));
            line(
                text,
                &format!(
                    "<g><title>{}</title><rect x=\"{left}\" y=\"{top}\" width=\"{BOX_WIDTH}\" \
                     height=\"{BOX_HEIGHT}\" rx=\"5\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text></g>",
                    escaped(&place.label),
                    y + 5
                ),
            );
        }
    }

    /// From the edge of one box to that of the other. One that goes up, or past a box between, bends out sideways.
    fn arrow(&self, text: &mut String, arrow: &Arrow) {
        let ((x1, y1), (x2, y2)) = (self.centre(arrow.from), self.centre(arrow.to));
        let (half, tall) = (BOX_WIDTH / 2, BOX_HEIGHT / 2);
        let (path, x, y) = if x1 != x2 {
            let (from, to) = if x1 < x2 { (x1 + half, x2 - half) } else { (x1 - half, x2 + half) };
            let middle = usize::midpoint(from, to);
            (format!("M{from} {y1}C{middle} {y1} {middle} {y2} {to} {y2}"), middle, usize::midpoint(y1, y2))
        } else if arrow.to == arrow.from + 1 {
            (format!("M{x1} {}L{x2} {}", y1 + tall, y2 - tall), x1, usize::midpoint(y1, y2))
        } else {
            // Down on the left, up on the right, so that the two of a cycle do not cover each other.
            let side = |x: usize, by: usize| if y1 < y2 { x - by } else { x + by };
            let (edge, bend) = (side(x1, half), side(x1, half + 40));
            (
                format!("M{edge} {y1}C{bend} {y1} {bend} {y2} {edge} {y2}"),
                side(x1, half + 20),
                usize::midpoint(y1, y2),
            )
        };
        let (class, marker) = match arrow.style {
            Style::Cycle => ("cycle", "red"),
            Style::Inferred => ("inferred", "red"),
            Style::Reason => ("reason", "blue"),
        };
        let label = escaped(&arrow.label);
        line(text, &format!("<path class=\"{class}\" marker-end=\"url(#{marker})\" d=\"{path}\"/>"));
        line(
            text,
            &format!("<text class=\"why\" x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", y - 4),
        );
    }
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_CHARACTERS_MAX {
        return label.to_owned();
    }
    let head: String = label.chars().take(LABEL_CHARACTERS_MAX - 1).collect();
    format!("{head}…")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

//! A chart over time as SVG: axes with rounded ticks, lines or points, bands for faults, and a legend.
//!
//! It needs no font, script or file of its own, and knows nothing of what it draws.

use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 64.0;
/// Colours that people with any colour vision tell apart (after Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333"];
/// More lines than this cannot be told apart.
const LINES_MAX: usize = COLOURS.len();

/// Something that lasts, behind the lines.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Band {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

/// How values are laid out upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Logarithmic,
}

/// Values over time; a break where one is missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    name: String,
    /// Seconds and values.
    values: Vec<(f64, Option<f64>)>,
    joined: bool,
}

impl Line {
    pub(super) fn joined(name: &str, values: Vec<(f64, Option<f64>)>) -> Self {
        Self { name: name.to_owned(), values, joined: true }
    }

    pub(super) fn points(name: &str, values: Vec<(f64, f64)>) -> Self {
        let values = values.into_iter().map(|(at, value)| (at, Some(value))).collect();
        Self { name: name.to_owned(), values, joined: false }
    }

    fn known(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().filter_map(|(_, value)| *value)
    }
}

pub(super) struct Chart<'a> {
    pub(super) title: String,
    /// Of the values.
    pub(super) unit: &'static str,
    pub(super) scale: Scale,
    pub(super) end_s: f64,
    pub(super) bands: &'a [Band],
    pub(super) lines: Vec<Line>,
}

impl Chart<'_> {
    /// Whether there is anything to draw.
    pub(super) fn has_points(&self) -> bool {
        self.lines.iter().any(|line| line.known().next().is_some())
    }

    pub(super) fn svg(&self) -> String {
        let (low, high) = self.bounds();
        let mut text = head(WIDTH, HEIGHT, &self.title);
        for band in self.bands {
            let (from, to) = (self.x(band.from_s), self.x(band.to_s).max(self.x(band.from_s) + 1.0));
            line(
                &mut text,
                &format!(
                    "<g><title>{}: {}, {:.1} s to {:.1} s</title><rect class=\"band\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" \
                 height=\"{:.1}\"/></g>",
                    escaped(&band.name),
                    escaped(&band.what),
                    band.from_s,
                    band.to_s,
                    to - from,
                    HEIGHT - TOP - BOTTOM
                ),
            );
        }
        for tick in ticks(low, high, self.scale) {
            let y = self.y(tick, low, high);
            line(
                &mut text,
                &format!(
                    "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    WIDTH - RIGHT,
                    LEFT - 6.0,
                    y + 4.0,
                    number(tick)
                ),
            );
        }
        for tick in ticks(0.0, self.end_s.max(1e-3), Scale::Linear) {
            line(
                &mut text,
                &format!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{} s</text>",
                    self.x(tick),
                    HEIGHT - BOTTOM + 18.0,
                    number(tick)
                ),
            );
        }
        line(&mut text, &format!("<text x=\"8\" y=\"{:.1}\">{}</text>", TOP - 8.0, self.unit));
        for (place, of) in self.lines.iter().take(LINES_MAX).enumerate() {
            self.line(&mut text, of, COLOURS[place % COLOURS.len()], (low, high));
        }
        self.legend(&mut text);
        text.push_str("</svg>\n");
        text
    }

    /// The least and the greatest value that the chart shows.
    fn bounds(&self) -> (f64, f64) {
        let values = || self.lines.iter().flat_map(Line::known).filter(|value| value.is_finite());
        let greatest = values().fold(0.0, f64::max);
        match self.scale {
            Scale::Linear => (0.0, if greatest > 0.0 { greatest * 1.05 } else { 1.0 }),
            Scale::Logarithmic => {
                let least = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
                let least = if least.is_finite() { least } else { 0.1 };
                (10_f64.powf(least.log10().floor()), 10_f64.powf(greatest.max(least * 1.01).log10().ceil()))
            }
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (seconds / self.end_s.max(1e-3)).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64, low: f64, high: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Logarithmic => (value.max(low) / low).log10() / (high / low).log10(),
        };
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0)
    }

    fn line(&self, text: &mut String, of: &Line, colour: &str, (low, high): (f64, f64)) {
        let mut path = String::new();
        let mut is_open = false;
        for &(at, value) in &of.values {
            let Some(value) = value else {
                is_open = false;
                continue;
            };
            let (x, y) = (self.x(at), self.y(value, low, high));
            // Writing to a string cannot fail.
            let _ = match (of.joined, is_open) {
                (true, true) => write!(path, "L{x:.1} {y:.1}"),
                (true, false) => write!(path, "M{x:.1} {y:.1}h0.1"),
                (false, _) => write!(path, "M{:.1} {y:.1}h2", x - 1.0),
            };
            is_open = true;
        }
        let class = if of.joined { "line" } else { "point" };
        line(
            text,
            &format!(
                "<path class=\"{class}\" stroke=\"{colour}\" d=\"{path}\"><title>{}</title></path>",
                escaped(&of.name)
            ),
        );
    }

    fn legend(&self, text: &mut String) {
        let mut x = LEFT;
        let y = HEIGHT - 18.0;
        let mut entry = |name: &str, colour: &str, tall: f64| {
            line(
                text,
                &format!(
                    "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"14\" height=\"{tall}\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{y}\">{}</text>",
                    y - 4.0 - tall / 2.0,
                    x + 20.0,
                    escaped(name)
                ),
            );
            x += 34.0 + 7.0 * name.chars().count() as f64;
        };
        for (place, of) in self.lines.iter().take(LINES_MAX).enumerate() {
            entry(&of.name, COLOURS[place % COLOURS.len()], 3.0);
        }
        if !self.bands.is_empty() {
            entry("a fault in force", "#f3c6c6", 12.0);
        }
        if self.lines.len() > LINES_MAX {
            entry(&format!("{} more lines are left out", self.lines.len() - LINES_MAX), "none", 0.0);
        }
    }
}

/// The beginning of a picture of this size, with what its parts look like.
pub(super) fn head(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <style>text{{font:12px sans-serif;fill:#222}}.title{{font-weight:bold;font-size:14px}}.band{{fill:#f3c6c6;fill-opacity:.6}}\
         .grid{{stroke:#ddd;fill:none}}.line{{fill:none;stroke-width:1.5}}.point{{fill:none;stroke-width:3;stroke-linecap:round}}\
         .ok{{fill:#e8f1f8;stroke:#0072b2}}.other{{fill:#f6f6f6;stroke:#888;stroke-dasharray:5 3}}\
         .edge{{fill:none;stroke:#d55e00;stroke-width:1.5}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text class=\"title\" x=\"8\" y=\"20\">{}</text>\n",
        escaped(title)
    )
}

/// Rounded values between the bounds, some five of them; of a logarithmic scale the powers of ten.
fn ticks(low: f64, high: f64, scale: Scale) -> Vec<f64> {
    match scale {
        Scale::Logarithmic => {
            let (first, last) = (low.log10().round() as i32, high.log10().round() as i32);
            (first..=last).map(|power| 10_f64.powi(power)).collect()
        }
        Scale::Linear => {
            let rough = (high - low) / 5.0;
            let power = 10_f64.powf(rough.log10().floor());
            let step =
                [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
            let step = step.unwrap_or(rough);
            (0..=10_u32).map(|count| low + f64::from(count) * step).take_while(|tick| *tick <= high).collect()
        }
    }
}

/// With no more digits than it needs.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(super) fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, values: Vec<(f64, Option<f64>)>) -> String {
        let bands = [Band { name: "kill:<one>".into(), what: "kill n1".into(), from_s: 1.0, to_s: 2.0 }];
        let lines = vec![Line::joined("reads", values)];
        Chart { title: "a & b".into(), unit: "ms", scale, end_s: 4.0, bands: &bands, lines }.svg()
    }

    #[test]
    fn lines_break_where_nothing_was_measured_and_names_are_text() {
        let text =
            chart(Scale::Linear, vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0)), (3.0, Some(2.0))]);
        assert_eq!(
            (text.matches('M').count(), text.matches("kill:&lt;one&gt;").count()),
            (2 + grid(&text), 1)
        );
        assert!(text.contains("a &amp; b") && text.contains("class=\"band\""));
    }

    /// Moves of the lines of the grid.
    fn grid(text: &str) -> usize {
        text.matches("class=\"grid\"").count()
    }

    #[test]
    fn ticks_are_rounded() {
        assert_eq!(ticks(0.0, 23.0, Scale::Linear), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(
            ticks(0.0, 0.9, Scale::Linear).iter().map(|&tick| number(tick)).collect::<Vec<_>>(),
            ["0", "0.2", "0.4", "0.6", "0.8"]
        );
        assert_eq!(
            ticks(0.1, 100.0, Scale::Logarithmic).iter().map(|&tick| number(tick)).collect::<Vec<_>>(),
            ["0.1", "1", "10", "100"]
        );
    }

    #[test]
    fn nothing_is_drawn_outside_of_the_picture() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let text = chart(scale, vec![(0.0, Some(0.0)), (9.0, Some(1e9)), (2.0, Some(1e-9))]);
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
}

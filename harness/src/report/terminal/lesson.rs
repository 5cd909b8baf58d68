//! A model or an anomaly as a person is taught it on a terminal.

use std::fmt::Write as _;

use crate::cli::layout::Width;
use crate::report::lesson::Lesson;

pub(crate) fn render(lesson: &Lesson, width: Width) -> String {
    let about = width.wrap(&format!("  {}", lesson.about), 2);
    let mut text = format!("{} ({})\n\n{about}\n", lesson.name, lesson.kind.name());
    // Writing to a string cannot fail.
    for (label, names) in lesson.relations() {
        let _ = writeln!(text, "{}", width.wrap(&format!("  It {label} {}.", names.join(", ")), 2));
    }
    for example in &lesson.examples {
        let _ = writeln!(text, "\n{}\n", width.wrap(&format!("{}:", example.shows.caption()), 0));
        for line in example.timeline.lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
        let gap = if example.facts.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{gap}");
        for fact in &example.facts {
            let _ = writeln!(text, "{}", width.wrap(&format!("  = {fact}"), 4));
        }
    }
    text
}

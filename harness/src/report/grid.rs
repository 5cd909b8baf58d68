//! A table once, for a terminal, Markdown and CSV.
//!
//! Holds text only: what a cell means is known by who fills it.

use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

/// A header and rows of as many cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&cell| cell.to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Columns aligned, no lines; `indent` spaces before each row.
    pub(crate) fn terminal(&self, indent: usize) -> String {
        let mut builder = Builder::with_capacity(self.rows.len() + 1, self.header.len());
        if self.header.iter().any(|cell| !cell.is_empty()) {
            builder.push_record(&self.header);
        }
        for row in &self.rows {
            builder.push_record(row);
        }
        let mut table = builder.build();
        table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
        let margin = " ".repeat(indent);
        let lines: Vec<_> =
            table.to_string().lines().map(|line| format!("{margin}{}", line.trim_end())).collect();
        lines.join("\n")
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = "|---".repeat(self.header.len());
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{rule}|\n{rows}", line(&self.header))
    }

    /// RFC 4180, with a header.
    pub(crate) fn csv(&self) -> String {
        let cell = |cell: &String| {
            if cell.contains([',', '"', '\n']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let line = |cells: &Vec<String>| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
        std::iter::once(&self.header).chain(&self.rows).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&["mode", "why"]);
        grid.push(vec!["single/quorum".into(), "holds".into()]);
        grid.push(vec!["a".into(), "1, 2 | \"3\"".into()]);
        grid
    }

    #[test]
    fn the_same_rows_in_every_form() {
        insta::assert_snapshot!(grid().terminal(2), @r#"
          mode           why
          single/quorum  holds
          a              1, 2 | "3"
        "#);
        insta::assert_snapshot!(grid().markdown(), @r#"
        | mode | why |
        |---|---|
        | single/quorum | holds |
        | a | 1, 2 \| "3" |
        "#);
        insta::assert_snapshot!(grid().csv(), @r#"
        mode,why
        single/quorum,holds
        a,"1, 2 | ""3"""
        "#);
    }
}

//! A table once, for a terminal, Markdown and CSV.
//!
//! Holds text only: what a cell means is known by who fills it.

use tabled::builder::Builder;
use tabled::settings::{Padding, Style};

use crate::cli::layout::{self, Width};

/// Spaces between two columns.
const GAP: usize = 2;
/// A column at least this wide holds text, which may be broken between words; no column of text gets narrower.
const TEXT_MIN: usize = 24;

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

    /// Columns aligned, no lines; `indent` spaces before each row. A column of text is broken between words where the page is
    /// too narrow; where that does not help each row becomes a block of its own.
    pub(crate) fn terminal(&self, indent: usize, width: Width) -> String {
        let room = width.minus(indent);
        let lines = match self.widths(room) {
            Some(widths) => self.table(&widths),
            None => self.blocks(Width::columns(room)),
        };
        let margin = " ".repeat(indent);
        let lines: Vec<_> =
            lines.lines().map(|line| format!("{margin}{line}").trim_end().to_owned()).collect();
        lines.join("\n")
    }

    fn has_header(&self) -> bool {
        self.header.iter().any(|cell| !cell.is_empty())
    }

    /// How wide each column is to be; `None` where they do not fit beside each other, not even with their names broken.
    fn widths(&self, room: usize) -> Option<Vec<usize>> {
        self.fit(room, &layout::columns).or_else(|| self.fit(room, &longest_word))
    }

    fn fit(&self, room: usize, name_width: &dyn Fn(&str) -> usize) -> Option<Vec<usize>> {
        let longest = |column: usize, measure: &dyn Fn(&str) -> usize| {
            let name =
                self.header.get(column).filter(|_| self.has_header()).map_or(0, |name| name_width(name));
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure(cell)).max().unwrap_or(0).max(name)
        };
        let columns = 0..self.header.len();
        let mut widths: Vec<usize> =
            columns.clone().map(|column| longest(column, &layout::columns)).collect();
        let gaps = GAP * self.header.len().saturating_sub(1);
        // Numbers and names stay whole; columns of text share what they leave.
        let mut texts: Vec<usize> = columns.filter(|&column| widths[column] > TEXT_MIN).collect();
        loop {
            let rest: usize =
                (0..widths.len()).filter(|column| !texts.contains(column)).map(|column| widths[column]).sum();
            let free = room.checked_sub(gaps + rest)?;
            let fair = free.checked_div(texts.len()).unwrap_or(0);
            let (narrow, wide): (Vec<usize>, Vec<usize>) =
                texts.iter().partition(|&&column| widths[column] <= fair);
            if !narrow.is_empty() {
                texts = wide;
                continue;
            }
            let fits = |&column: &usize| fair >= TEXT_MIN && longest(column, &longest_word) <= fair;
            if !texts.iter().all(fits) {
                return None;
            }
            for column in texts {
                widths[column] = fair;
            }
            return Some(widths);
        }
    }

    fn table(&self, widths: &[usize]) -> String {
        let mut builder = Builder::with_capacity(self.rows.len() + 1, self.header.len());
        for row in self.has_header().then_some(&self.header).into_iter().chain(&self.rows) {
            builder.push_record(
                row.iter().zip(widths).map(|(cell, &width)| Width::cell(cell, width).join("\n")),
            );
        }
        let mut table = builder.build();
        table.with(Style::empty()).with(Padding::new(0, GAP, 0, 0));
        table.to_string()
    }

    /// The first cell of a row is its title; below it every other cell that holds something, behind its column's name.
    fn blocks(&self, width: Width) -> String {
        let labels = self.header.iter().skip(1).map(|label| layout::columns(label)).max().unwrap_or(0);
        let block = |row: &Vec<String>| {
            let title = row.first().map(|title| width.wrap(title, 2));
            let cells = self.header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty());
            let cells =
                cells.map(|(label, cell)| width.wrap(&format!("  {label:labels$}  {cell}"), labels + 4));
            title.into_iter().chain(cells).collect::<Vec<_>>().join("\n")
        };
        self.rows.iter().map(block).collect::<Vec<_>>().join("\n\n")
    }

    pub(crate) fn markdown(&self) -> String {
        self.markdown_with(escaped)
    }

    /// The same of cells that are Markdown already.
    #[cfg(test)]
    pub(crate) fn of_markdown(&self) -> String {
        self.markdown_with(|cell| cell.replace('|', "\\|"))
    }

    fn markdown_with(&self, shown: impl Fn(&str) -> String) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|cell| shown(cell)).collect();
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

/// Text that Markdown shows as it is: on one line, and none of it is taken for HTML, emphasis, code, a link or the end of a
/// table's cell.
pub(crate) fn escaped(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => all.push_str("&lt;"),
            '&' => all.push_str("&amp;"),
            '\n' | '\r' => all.push(' '),
            '\\' | '|' | '*' | '`' | '[' | ']' => all.extend(['\\', character]),
            other => all.push(other),
        }
    }
    all
}

fn longest_word(cell: &str) -> usize {
    cell.split(' ').map(layout::columns).max().unwrap_or(0)
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

    fn wide() -> Grid {
        let mut grid = Grid::new(&["mode", "nodes", "promises", "about"]);
        let about = "a majority of the members acknowledges each write before the client is answered";
        grid.push(
            ["single/quorum", "3", "linearizable, durability, convergence", about].map(str::to_owned).into(),
        );
        grid.push(["multi/lww", "3 x 3", "", "the last write wins"].map(str::to_owned).into());
        grid
    }

    #[test]
    fn the_same_rows_in_every_form() {
        insta::assert_snapshot!(grid().terminal(2, Width::UNLIMITED), @r#"
          mode           why
          single/quorum  holds
          a              1, 2 | "3"
        "#);
        insta::assert_snapshot!(
            "columns_of_text_are_broken_between_words",
            wide().terminal(0, Width::columns(80))
        );
        insta::assert_snapshot!("what_does_not_fit_becomes_blocks", wide().terminal(2, Width::columns(44)));
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

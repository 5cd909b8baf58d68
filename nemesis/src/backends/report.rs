//! What shows that faults of links were felt, in numbers and in words.

use std::fmt;

/// What happened on a link in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes that a cut held, of so many streams.
    pub bytes: u64,
    pub streams: u64,
    /// New connections that were left without an answer.
    pub connections: u64,
    pub late_bytes: u64,
    /// Bytes that had to wait until the link had carried those before them.
    pub waited_bytes: u64,
    /// Connections that were reset.
    pub resets: u64,
    /// New connections that were refused behind an address that several links share; elsewhere the kernel refuses them
    /// and does not count.
    pub refused: u64,
    /// Connections of which one end was closed while the other was not told.
    pub half_open: u64,
}

impl Counts {
    pub(super) fn since(self, before: Self) -> Self {
        self.each(before, |now, before| now - before)
    }

    fn each(self, other: Self, how: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            bytes: how(self.bytes, other.bytes),
            streams: how(self.streams, other.streams),
            connections: how(self.connections, other.connections),
            late_bytes: how(self.late_bytes, other.late_bytes),
            waited_bytes: how(self.waited_bytes, other.waited_bytes),
            resets: how(self.resets, other.resets),
            refused: how(self.refused, other.refused),
            half_open: how(self.half_open, other.half_open),
        }
    }
}

/// What links held, and what was late on them or broken, while a fault was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkReport {
    /// Directed links, or doors to clients, that were shut.
    pub cut: usize,
    /// Directed links that were slow or unsteady.
    pub slow: usize,
    /// Directed links that carried little.
    pub narrow: usize,
    /// Directed links whose connections were broken.
    pub broken: usize,
    pub counts: Counts,
}

impl LinkReport {
    /// Whether any node or client can have felt it.
    pub fn was_felt(&self) -> bool {
        let Counts { streams, connections, late_bytes, waited_bytes, resets, refused, half_open, .. } =
            self.counts;
        streams + connections + late_bytes + waited_bytes + resets + refused + half_open > 0
    }

    /// How many links anything was done to.
    pub fn links(&self) -> usize {
        self.cut + self.slow + self.narrow + self.broken
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            cut: self.cut + other.cut,
            slow: self.slow + other.slow,
            narrow: self.narrow + other.narrow,
            broken: self.broken + other.broken,
            counts: self.counts.each(other.counts, |one, other| one + other),
        }
    }
}

impl fmt::Display for LinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut, slow, narrow, broken, counts } = self;
        let Counts { bytes, streams, connections, late_bytes, waited_bytes, resets, refused, half_open } =
            counts;
        let mut told = Vec::new();
        if *cut > 0 {
            told.push(format!(
                "{cut} links held {bytes} bytes of {streams} streams and {connections} new connections"
            ));
        }
        if *slow > 0 {
            told.push(format!("on {slow} slow links {late_bytes} bytes were late"));
        }
        if *narrow > 0 {
            told.push(format!("on {narrow} narrow links {waited_bytes} bytes had to wait"));
        }
        if *broken > 0 {
            let counted = [
                (resets, "were reset"),
                (refused, "were refused"),
                (connections, "were left without an answer"),
                (half_open, "were half-open"),
            ];
            let counted: Vec<String> = counted
                .into_iter()
                .filter(|(count, _)| **count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            let counted = if counted.is_empty() { "none was felt".to_owned() } else { counted.join(", ") };
            told.push(format!("of the connections on {broken} links {counted}"));
        }
        f.write_str(&told.join("; "))
    }
}

//! What a target can have done to it, as a set.

/// One thing that can be done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// Cut links between nodes, each direction by itself.
    Cut,
    /// Cut clients from nodes.
    CutClients,
    /// Kill a node and restart it on its disk.
    Kill,
    /// Stop a node and let it go on.
    Pause,
    /// Make links between nodes slow.
    Slow,
    /// Lose messages between nodes.
    Lose,
    /// Duplicate and reorder messages between nodes.
    Unreliable,
    /// Let clocks jump.
    Step,
    /// Let clocks, monotonic ones too, run fast or slow.
    Drift,
    /// Take what was not forced to disk with the process.
    PowerLoss,
    /// Tear, change, fill and slow disks.
    Disk,
    /// Delay what flows between nodes unevenly, in order.
    Jitter,
    /// Limit how much flows between nodes.
    Throttle,
    /// Reset, refuse, hang and half-open connections between nodes.
    Connections,
}

impl Power {
    pub const ALL: [Self; 14] = [
        Self::Cut,
        Self::CutClients,
        Self::Kill,
        Self::Pause,
        Self::Slow,
        Self::Lose,
        Self::Unreliable,
        Self::Step,
        Self::Drift,
        Self::PowerLoss,
        Self::Disk,
        Self::Jitter,
        Self::Throttle,
        Self::Connections,
    ];

    /// As a fault asks for it: `it needs to pause nodes`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Cut => "cut links between nodes",
            Self::CutClients => "cut clients from nodes",
            Self::Kill => "kill and restart nodes",
            Self::Pause => "pause nodes",
            Self::Slow => "slow links down",
            Self::Lose => "lose messages",
            Self::Unreliable => "duplicate and reorder messages",
            Self::Step => "let clocks jump",
            Self::Drift => "let clocks drift",
            Self::PowerLoss => "lose power",
            Self::Disk => "break disks",
            Self::Jitter => "make links unsteady",
            Self::Throttle => "make links narrow",
            Self::Connections => "break connections between nodes",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of [`Power`]s. A fault that needs one that its target lacks is refused before the run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Powers(u16);

impl Powers {
    pub const NONE: Self = Self(0);

    pub const fn of(powers: &[Power]) -> Self {
        let (mut bits, mut place) = (0, 0);
        // No iterator runs in a constant.
        while place < powers.len() {
            bits |= powers[place].bit();
            place += 1;
        }
        Self(bits)
    }

    pub const fn has(self, power: Power) -> bool {
        self.0 & power.bit() != 0
    }

    /// In the order of [`Power::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Power> {
        Power::ALL.into_iter().filter(move |power| self.has(*power))
    }

    /// What `self` asks for and `had` lacks, in words.
    pub fn missing(self, had: Self) -> Vec<&'static str> {
        self.without(had).iter().map(Power::words).collect()
    }

    /// Those of `self` that `other` lacks.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<Power> for Powers {
    fn from(power: Power) -> Self {
        Self::of(&[power])
    }
}

impl FromIterator<Power> for Powers {
    fn from_iter<I: IntoIterator<Item = Power>>(powers: I) -> Self {
        powers.into_iter().fold(Self::NONE, |all, power| all.union(power.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_made_of_and_names_what_is_missing() {
        let all = Powers::of(&Power::ALL);
        assert!(Power::ALL.into_iter().all(|power| all.has(power) && !Powers::NONE.has(power)));
        assert!(all.iter().eq(Power::ALL));
        let some = Powers::of(&[Power::Pause, Power::Cut]);
        assert_eq!(
            some.union(Power::Disk.into()),
            [Power::Cut, Power::Pause, Power::Disk].into_iter().collect()
        );
        assert_eq!(some.missing(Power::Cut.into()), ["pause nodes"]);
        assert!(some.missing(all).is_empty());
    }
}

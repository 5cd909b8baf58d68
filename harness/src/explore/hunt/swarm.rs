//! What a seed of a hunt runs: its own mix of faults, rates, clients, keys and lengths, so that seeds differ in kind and
//! not only in luck (Groce et al., "Swarm testing", ISSTA 2012). It runs nothing.

use std::time::Duration;

use nemesis::{Dice, Layout};

use crate::plan::spec::RunSpec;

/// What a hunt varies, and what somebody has fixed.
#[derive(Clone)]
pub(crate) struct Swarm {
    /// One for each mode and workload, complete but for what is drawn.
    pub(crate) bases: Vec<RunSpec>,
    /// Each run has a mix of its base's faults, with rhythms of its own; else all of them as they are.
    pub(crate) mix_faults: bool,
    pub(crate) fixed: Fixed,
}

/// What was asked for and is not drawn.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is fixed or not, whatever the others are")]
pub(crate) struct Fixed {
    pub(crate) nodes: bool,
    pub(crate) clients: bool,
    pub(crate) rate: bool,
    pub(crate) keys: bool,
    pub(crate) time: bool,
}

const FAULTS_MAX: u64 = 4;
/// Fewer operations than this in a run hardly show anything.
const OPERATIONS_MIN: u64 = 600;

impl Swarm {
    /// The run of a seed.
    pub(crate) fn draw(&self, seed: u64) -> RunSpec {
        let dice = Dice::new(seed).split("swarm");
        let mut roll = dice.split("shape");
        let base = roll.below(self.bases.len() as u64) as usize;
        let mut spec = RunSpec { seed, ..self.bases[base].clone() };
        let nodes = pick(&mut roll, &[0, 0, 0, 5, 7]);
        let clients = pick(&mut roll, &[3, 5, 10, 10, 20]);
        let rate: u32 = pick(&mut roll, &[20, 50, 100, 200, 400]);
        let keys = pick(&mut roll, &[1, 2, 5, 5, 10]);
        let seconds = pick(&mut roll, &[5, 10, 10, 20, 30]);
        if !self.fixed.nodes && nodes > 0 && spec.layout.datacentres == 1 {
            spec.layout = Layout::single(nodes.max(spec.layout.nodes_each));
        }
        if !self.fixed.clients {
            spec.clients = clients;
        }
        if !self.fixed.rate {
            let least = OPERATIONS_MIN.div_ceil(seconds);
            spec.rate = Some(f64::from(rate).max(least as f64));
        }
        if !self.fixed.keys {
            spec.keys = Some(keys);
        }
        if !self.fixed.time {
            spec.time = Duration::from_secs(seconds);
        }
        if self.mix_faults {
            spec.faults = mix(&spec.faults, &mut dice.split("faults"));
        }
        spec
    }
}

fn pick<T: Copy + Default>(dice: &mut Dice, items: &[T]) -> T {
    dice.pick(items).copied().unwrap_or_default()
}

/// Some of the faults, half of them with a beat of their own.
fn mix(pool: &[String], dice: &mut Dice) -> Vec<String> {
    let mut pool = pool.to_vec();
    dice.shuffle(&mut pool);
    let count = dice.between(1, FAULTS_MAX).min(pool.len() as u64) as usize;
    pool.truncate(count);
    let rhythm = |fault: String| {
        if dice.chance(1, 2) {
            return fault;
        }
        let every = dice.between(8, 40);
        let hold = dice.between(1, every - 2);
        format!("{fault}@{}ms:for={}ms:first={}ms", every * 100, hold * 100, dice.between(1, 20) * 100)
    };
    pool.into_iter().map(rhythm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_of_the_pool_and_can_be_read() {
        let pool = ["partition:any", "kill:any", "pause:any", "slow:any", "loss:any"].map(str::to_owned);
        for seed in 0..50 {
            let mixed = mix(&pool, &mut Dice::new(seed));
            assert!((1..=4).contains(&mixed.len()));
            let specs = nemesis::FaultSpec::parse_list(&mixed.join(",")).unwrap();
            assert!(specs.iter().all(|spec| pool.contains(&spec.name())), "{mixed:?}");
        }
    }
}

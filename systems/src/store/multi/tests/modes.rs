//! What modes promise and refuse.

use histories::{Key, ModelName};
use nemesis::Layout;

use crate::store::multi::Options;
use crate::store::{Protocol as _, Store, mode, modes};

fn options(text: &str) -> Options {
    match mode(text).unwrap() {
        (_, Store::Multi(options)) => options,
        (mode, _) => panic!("{} is of another family", mode.name),
    }
}

#[test]
fn every_preset_has_a_ring_and_a_star() {
    let modes = modes();
    let mine: Vec<_> = modes.iter().filter(|mode| mode.name.starts_with("multi/")).collect();
    assert_eq!(mine.len(), 18);
    for mode in mine {
        assert!(mode.promise.contains(&ModelName::Convergence), "{}", mode.name);
        let options = options(&mode.name);
        options.validate(mode.layout.datacentres, mode.layout.nodes_each).unwrap();
        let mut again = Options::default();
        for (name, value) in &mode.options {
            again.set(name, value).unwrap();
        }
        assert_eq!(again, options, "{}", mode.name);
    }
}

#[test]
fn impossible_combinations_are_refused_with_the_reason() {
    let refused = |text: &str, part: &str| {
        let error = mode(text).and_then(|(mode, store)| store.validate(mode.layout)).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    };
    refused("multi/home[delivery=none]", "counts on each origin's order");
    refused("multi/lww[cart=union]", "merges nothing");
    refused("multi/lww[register=mv]", "is a type of conflict=crdt");
    refused("multi/lww[topolgy=ring]", "did you mean \"topology\"");
    refused("multi/lww[topology=rin]", "did you mean \"ring\"");
    refused("multi/lww[exchange=50ms]", "at least as long as hello");
    let alone = options("multi/lww-ring").validate(1, 3).unwrap_err();
    assert!(alone.contains("a ring of 1 datacentre ships to nobody"), "{alone}");
}

#[test]
fn homes_are_spread_and_agreed_on() {
    let layout = Layout { datacentres: 3, nodes_each: 1 };
    let home = |number: u32| options("multi/home").home(layout, &Key::from(format!("k{number}").as_str()));
    let mut counts = [0; 3];
    (0..300).filter_map(home).for_each(|home| counts[usize::from(home)] += 1);
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
    assert_eq!(options("multi/lww").home(layout, &Key::from("x")), None);
}

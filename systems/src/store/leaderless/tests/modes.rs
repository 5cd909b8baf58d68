//! Modes as users write them, and what each preset says of itself.

use histories::{Function, ModelName};

use crate::Routing;
use crate::store::leaderless::{Options, Versions};
use crate::store::{Memory, Store, mode, modes};

fn error(text: &str) -> String {
    mode(text).and_then(|(mode, store)| store.validate(mode.layout)).unwrap_err()
}

fn promise(text: &str) -> Vec<ModelName> {
    mode(text).map(|(mode, _)| mode.promise).unwrap()
}

#[test]
fn every_preset_promises_what_the_design_says() {
    use ModelName::{Convergence, Durability, Linearizable};
    let expected = [
        ("leaderless/abd", vec![Linearizable, Durability, Convergence], true, 3),
        ("leaderless/quorum", vec![Convergence], true, 3),
        ("leaderless/weak", vec![Convergence], true, 3),
        ("leaderless/sloppy", vec![Convergence], true, 5),
    ];
    let modes: Vec<_> = modes().into_iter().filter(|mode| mode.name.starts_with("leaderless/")).collect();
    assert_eq!(modes.len(), expected.len());
    for (found, (name, promise, available, nodes)) in modes.iter().zip(expected) {
        assert_eq!((found.name.as_str(), &found.promise), (name, &promise));
        assert_eq!((found.available_with_majority, found.layout.total()), (available, nodes), "{name}");
        assert_eq!(found.routing, Routing::Roam);
        assert!(found.shows.iter().all(|show| !found.promise.contains(&show.model)), "{name}");
        assert_eq!(found.survives, ["network", "kill", "pause", "clock", "power"]);
        let (again, store) = mode(name).unwrap();
        assert_eq!(again, *found);
        assert_eq!(store.validate(found.layout), Ok(()));
        assert!(store.supports(&Function::Write) && !store.supports(&Function::Cas));
    }
}

#[test]
fn a_promise_follows_the_options() {
    use ModelName::{Convergence, Durability};
    assert_eq!(promise("leaderless/abd[write-back=off]"), [Durability, Convergence]);
    assert_eq!(promise("leaderless/abd[r=1]"), [Convergence]);
    assert_eq!(promise("leaderless/abd[anti-entropy=off]"), promise("leaderless/abd")[..2]);
    assert_eq!(promise("leaderless/quorum[anti-entropy=off]"), []);
    assert_eq!(promise("leaderless/abd[r=all,w=1]"), promise("leaderless/abd"));
    // With three nodes two and two overlap, with four they do not, and nobody knows yet how many there will be.
    assert_eq!(promise("leaderless/abd[r=2,w=2]"), [Convergence]);
    assert_eq!(promise("leaderless/abd[n=3,r=2,w=2]"), promise("leaderless/abd"));
    assert_eq!(promise("leaderless/quorum[versions=vector]"), [Convergence]);
    let written_back = promise("leaderless/quorum[versions=vector,write-back=on]");
    assert_eq!(written_back, [ModelName::ConflictPolicy, Convergence]);
    let (_, siblings) = mode("leaderless/quorum[versions=vector]").unwrap();
    assert!(siblings.supports(&Function::Replace) && !siblings.supports(&Function::Write));
    assert_eq!(siblings.memory(), Memory::Contexts);
    let (mode, _) = mode("leaderless/abd[sync=never]").unwrap();
    assert!(!mode.survives.contains(&"power"));
}

#[test]
fn resolved_options_set_again_give_the_same_options() {
    for preset in modes() {
        let (mode, Store::Leaderless(options)) = mode(&preset.name).unwrap() else { continue };
        let mut again = Options { versions: Versions::Tag, ..Options::default() };
        for (name, value) in mode.options {
            again.set(&name, &value).unwrap();
        }
        assert_eq!(again, options, "{}", preset.name);
    }
}

#[test]
fn impossible_combinations_are_refused_with_the_reason() {
    for (text, reason) in [
        ("leaderless/quorum[r=4]", "r=4 needs 4 members, and a key is held by n=3"),
        ("leaderless/quorum[n=2,w=3]", "w=3 needs 3 members"),
        ("leaderless/quorum[n=4]", "there are 3 nodes"),
        ("leaderless/quorum[n=0]", "from 1"),
        ("leaderless/quorum[n=majority]", "a number from 1, or `all`"),
        ("leaderless/quorum[sloppy=on]", "leaves none"),
        ("leaderless/sloppy[handoff=off]", "has to hand over"),
        ("leaderless/quorum[write-back=on]", "versions=tag or vector"),
        ("leaderless/quorum[hint-after=5s]", "times have to rise"),
        ("leaderless/quorum[handof=on]", r#"did you mean "handoff"?"#),
        ("leaderless/quorum[handoff=yes]", "`on` or `off`"),
        ("leaderless/quorum[versions=vektor]", "no value"),
        ("leaderless/qorum", r#"did you mean "leaderless/quorum"?"#),
    ] {
        let error = error(text);
        assert!(error.contains(reason), "{text}: {error}");
    }
}

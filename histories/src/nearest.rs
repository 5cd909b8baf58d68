//! The nearest known name, where a name is not known.

/// The known name most like `name`, if one is like it at all.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (similarity(name, candidate), candidate))
        .filter(|&(score, _)| score >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// At least this part of the letters is the same, in the same order: more than every other one.
const SIMILARITY_MIN: f64 = 0.55;

/// What follows the last slash counts by itself: `async` is like `single/async`.
fn similarity(name: &str, candidate: &str) -> f64 {
    let tail = candidate.rsplit('/').next().unwrap_or(candidate);
    // Of names with as many mistakes the one that begins alike is meant.
    let like = |other| {
        strsim::normalized_damerau_levenshtein(name, other) + strsim::jaro_winkler(name, other) / 100.0
    };
    like(candidate).max(like(tail) * 0.99)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_strange_one_is_not() {
        let known = ["single/quorum", "single/async", "single/sync"];
        assert_eq!(nearest("single/asinc", known), Some("single/async"));
        assert_eq!(nearest("async", known), Some("single/async"));
        assert_eq!(nearest("fro", ["first", "for"]), Some("for"));
        assert_eq!(nearest("modes", ["mode", "nodes"]), Some("mode"));
        assert_eq!(nearest("ring", ["one", "leader", "any"]), None);
        assert_eq!(nearest("xylophone", ["register", "set"]), None);
        assert_eq!(nearest("nope", ["multi/home", "single/sync"]), None, "every other letter is another");
    }
}

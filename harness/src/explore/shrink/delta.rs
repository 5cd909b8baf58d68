//! Delta debugging: few of many items that still fail (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing
//! input", IEEE TSE 2002). It knows nothing of what the items are.

/// A subset of `items`, in order, that fails and from which no single chunk that was tried can be left out. `items` as a
/// whole has to fail. A trial that says nothing ends it: what was reached stands.
pub(crate) fn minimize<T: Clone>(items: &[T], mut fails: impl FnMut(&[T]) -> Option<bool>) -> Vec<T> {
    minimize_to(items, |fewer| fails(fewer).map(|fails| fails.then(|| fewer.to_vec())))
}

/// The same where not every subset can stand by itself: a trial answers with the items that failed, which are all those
/// that it was given, or some.
pub(crate) fn minimize_to<T: Clone>(
    items: &[T],
    mut failing: impl FnMut(&[T]) -> Option<Option<Vec<T>>>,
) -> Vec<T> {
    let mut kept = items.to_vec();
    let mut chunks = 2;
    while !kept.is_empty() {
        let size = kept.len().div_ceil(chunks);
        let mut place = 0;
        let before = kept.len();
        while place < kept.len() {
            let end = (place + size).min(kept.len());
            let mut fewer = kept[..place].to_vec();
            fewer.extend_from_slice(&kept[end..]);
            match failing(&fewer) {
                Some(Some(fewer)) => kept = fewer,
                Some(None) => place = end,
                None => return kept,
            }
        }
        if size == 1 && kept.len() == before {
            break;
        }
        chunks = if size == 1 { kept.len().max(1) } else { (chunks * 2).min(kept.len().max(1)) };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_left_and_nothing_else() {
        let items: Vec<u32> = (0..1000).collect();
        let mut trials = 0;
        let kept = minimize(&items, |kept| {
            trials += 1;
            Some([3, 500, 501].iter().all(|item| kept.contains(item)))
        });
        assert_eq!(kept, [3, 500, 501]);
        assert!(trials < 150, "{trials}");
        assert_eq!(minimize(&items, |_| Some(true)), [] as [u32; 0]);
        assert_eq!(minimize(&[1], |kept| Some(!kept.is_empty())), [1]);
        assert_eq!(minimize(&[1, 2], |_| None), [1, 2]);
    }
}

//! Names that people type: lists, globs, and the nearest known one when none matches.
//!
//! Knows no name itself.

use std::borrow::Cow;

pub(crate) use histories::nearest;

/// Splits at commas outside of brackets: `a[x=1,y=2],b` is two.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(character);
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// `1 fault`, `2 faults`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Whether the name is a pattern. A bracket is an option list, not a character class.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// `*` is any text, `?` any one character.
pub(crate) fn glob_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star: only the last one ever needs to give back.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&character) if character == '?' || character == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&character| character == '*')
}

/// `no workload is called "regster"; did you mean "register"? Known: register, set.`
pub(crate) fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let near = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| ".".to_owned());
    format!("no {kind} is called {name:?}{near} Known: {}", known.join(", "))
}

/// What goes on a sentence about a name that is not known: `; did you mean "register"?`.
pub(crate) fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(name, known).map(|near| suggestion(&format!("{near:?}")))
}

/// The same of what was found already, as it is shown.
pub(crate) fn suggestion(near: &str) -> String {
    format!("; did you mean {near}?")
}

/// Quoted for a shell where it has to be. Commas and signs of our own flags need no quotes.
pub(crate) fn shell_quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    // A zero byte, which no argument can hold, is left out.
    shlex::try_quote(&text.replace('\0', "")).map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// A path as it stands in an address.
pub(crate) fn address_of(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./~".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_brackets_do_not_split() {
        assert_eq!(
            split_list("single/quorum[read=lease,sync=never], single/async,"),
            ["single/quorum[read=lease,sync=never]", "single/async"]
        );
        assert!(split_list(" , ").is_empty());
    }

    #[test]
    fn globs_match_whole_names() {
        assert!(glob_matches("multi/*", "multi/lww"));
        assert!(glob_matches("*read*", "single/leader-read"));
        assert!(glob_matches("single/?ync", "single/sync"));
        assert!(glob_matches("*", ""));
        assert!(!glob_matches("single/*-read", "single/read"));
        assert!(!glob_matches("single", "single/sync"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        insta::assert_snapshot!(
            unknown("workload", "regster", &["register", "set"]),
            @r#"no workload is called "regster"; did you mean "register"? Known: register, set"#
        );
    }

    #[test]
    fn only_what_a_shell_would_touch_is_quoted() {
        assert_eq!(shell_quote("kill:leader,partition:one"), "kill:leader,partition:one");
        assert_eq!(shell_quote("single/quorum[read=lease]"), "'single/quorum[read=lease]'");
        assert_eq!(shell_quote("it's"), "\"it's\"");
    }

    #[test]
    fn a_path_is_spelled_as_addresses_are() {
        assert_eq!(address_of("quick/2026 ü#?"), "quick/2026%20%C3%BC%23%3F");
    }
}

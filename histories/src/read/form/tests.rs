//! Forms become values, or are refused with their place.

use super::*;

fn edn(text: &str) -> Formed<Value> {
    Scanner::new(text.as_bytes(), Dialect::Edn, true).value()
}

fn json(text: &str) -> Formed<Value> {
    Scanner::new(text.as_bytes(), Dialect::Json, true).value()
}

#[test]
fn forms_of_edn_become_values() {
    for (text, shown) in [
        ("nil", "nil"),
        (" ,-12 ", "-12"),
        ("7N", "7"),
        ("1.50", "\"1.5\""),
        ("1/3", "\"1/3\""),
        (":timed-out", "\"timed-out\""),
        ("\"a\\n\\u00e9\\\"\"", "\"a\\né\\\"\""),
        ("[[:append 5 1] [:r 5 nil]]", "[[\"append\" 5 1] [\"r\" 5 nil]]"),
        ("#{3 1 2}", "[1 2 3]"),
        ("{:from 1 \"to\" 2, 3 {}}", "{3: {}, from: 1, to: 2}"),
        ("#inst \"2020\"", "\"2020\""),
        ("#jepsen.util.Thing{:a 1}", "{a: 1}"),
        ("[1 #_ [2 3] 4 ; five\n 6]", "[1 4 6]"),
        ("^{:line 1} [\\a \\newline \\(]", "[\"a\" \"\\n\" \"(\"]"),
        ("(##NaN)", "[\"NaN\"]"),
    ] {
        assert_eq!(edn(text).unwrap().to_string(), shown, "{text}");
    }
}

#[test]
fn forms_of_json_become_values() {
    let value = json(r#"{"a":[1,null,true,"x\ud83d\ude00"],"b":-7,"c":1.5}"#).unwrap();
    assert_eq!(value.to_string(), "{a: [1 nil true \"x😀\"], b: -7, c: \"1.5\"}");
    assert!(matches!(json("{\"a\" 1}"), Err(Trouble::At(5, _))));
    for edn_only in ["nil", "#{1}", "#_1 2", "\\a", "^1 2", "; 1"] {
        assert!(matches!(json(edn_only), Err(Trouble::At(0, _))), "{edn_only}");
    }
    for half in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ud83d\\u0041\""] {
        let error = Trouble::At(3, "half a surrogate pair is no character".into());
        assert_eq!(json(half).unwrap_err(), error, "{half}");
    }
    assert!(matches!(json("\"\\u+123\""), Err(Trouble::At(3, _))));
}

/// Where a block of a file ends is no reason to refuse what is packed once it is there.
#[test]
fn a_packed_transaction_weighs_what_it_takes_once_unpacked_wherever_the_text_is_cut() {
    for text in ["[[:r 1 [2 3 4]]]", "[[:r 1 2] [:w 3 nil] [:append 4 5] [:r 1 2]]"] {
        let read = |room, length, last| {
            let mut scanner = Scanner::new(&text.as_bytes()[..length], Dialect::Edn, last);
            scanner.weight = EVENT_BYTES_MAX - room;
            scanner.transaction()
        };
        assert!(read(250, text.len(), true).is_ok(), "{text}");
        assert!(matches!(read(100, text.len(), true), Err(Trouble::At(..))), "{text}");
        for length in 1..text.len() {
            assert!(read(250, length, false) == Err(Trouble::More), "{length} of {text}");
        }
    }
}

/// What is read, and where it ends.
fn both_ways(text: &[u8], dialect: Dialect, last: bool) -> [(Formed<Value>, Option<usize>); 2] {
    [true, false].map(|transaction| {
        let mut scanner = Scanner::new(text, dialect, last);
        let value = if transaction { scanner.transaction() } else { scanner.value() };
        let end = value.is_ok().then(|| scanner.offset());
        (value, end)
    })
}

#[test]
fn a_transaction_is_the_list_that_it_stands_for_however_it_is_damaged() {
    for (text, dialect) in [
        (r#"[[:r 1 nil] [:append "a" [1 2]], [:w :k -5] ]} "#, Dialect::Edn),
        (r#"[ ["r",1,null],["append","a",[1,{"b":2}]],["w",12345678901234567890,true]],"#, Dialect::Json),
        ("[[:r 1 [20 -3 ]], [:append -4 5] [:r 6 nil] [:w 7 []]] ", Dialect::Edn),
        (r#"[["r",1,[20,-3]],["append",-4,5],["r",6,null],["w",7,[]]] "#, Dialect::Json),
        ("[[:rr 1 nil] [r 1 2] [\"w\" 3 4 5] (:w 3 4)]", Dialect::Edn),
        ("[[:r 1 #_2 3] [:w ; five\n 6 7]]", Dialect::Edn),
    ] {
        for place in 0..=text.len() {
            for byte in b" ,]}[(:;#\"09-nr\xff\\" {
                let (before, after) = text.as_bytes().split_at(place);
                let longer = [before, &[*byte], after].concat();
                let other = [before, &[*byte], after.get(1..).unwrap_or_default()].concat();
                for text in [before, &longer, &other] {
                    for last in [false, true] {
                        let [transaction, value] = both_ways(text, dialect, last);
                        assert_eq!(transaction, value, "{}", String::from_utf8_lossy(text));
                    }
                }
            }
        }
    }
    let deep = format!("[[:r 1 {}{}]]", "[".repeat(DEPTH_MAX - 2), "]".repeat(DEPTH_MAX - 2));
    let [transaction, value] = both_ways(deep.as_bytes(), Dialect::Edn, true);
    assert!(value.0.is_ok());
    assert_eq!(transaction, value);
}

#[test]
fn a_form_that_the_text_cuts_asks_for_more() {
    let text = r#"{:a [1 "b\n" #{2}] :c #x/y [3]} "#;
    for end in 0..text.len() - 1 {
        let cut = Scanner::new(&text.as_bytes()[..end], Dialect::Edn, false).value();
        assert_eq!(cut, Err(Trouble::More), "{}", &text[..end]);
    }
}

#[test]
fn hostile_forms_are_refused() {
    for bracket in ["[", "{", "#{", "(", "^", "#_", "#a [", "{:a "] {
        assert!(edn(&bracket.repeat(100_000)).is_err(), "{bracket}");
    }
    let Err(Trouble::At(_, message)) = edn("92233720368547758080") else { panic!("too large") };
    assert_eq!(message, "92233720368547758080 is larger than a 64-bit integer holds");
    for crossed in ["[1 2}", "{:a 1]", "#{1)", "([)]"] {
        let skipped = Scanner::new(crossed.as_bytes(), Dialect::Edn, true).skip();
        assert!(matches!(skipped, Err(Trouble::At(..))), "{crossed}");
        assert!(matches!(edn(crossed), Err(Trouble::At(..))), "{crossed}");
    }
    assert!(edn("1abcz").is_err());
    assert!(edn("\u{0}").is_err());
}

#[test]
fn what_is_skipped_ends_where_what_is_read_ends() {
    for text in ["[1 {:a #{2}} \"x]\"] 5", "#a.b{:c 1} 5", ":k 5", "\\( 5", "12.5M 5", "{\"a\" (1)} 5"] {
        let (mut read, mut skip) = (
            Scanner::new(text.as_bytes(), Dialect::Edn, true),
            Scanner::new(text.as_bytes(), Dialect::Edn, true),
        );
        read.value().unwrap();
        skip.skip().unwrap();
        assert_eq!(read.offset(), skip.offset(), "{text}");
    }
}

//! The HTML around the data: one file, whose scripts and styles are named by their digests and which may load nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Page;

/// A script or style of the browser's side, by its file's name.
type Asset = (&'static str, &'static str);

macro_rules! assets {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("assets/", $name)))),*] };
}

/// Each after those that it imports.
const REPORT: &[Asset] = assets! {
    "dom.js" "theme.js" "state.js" "operations.js" "findings.js" "scale.js" "head.js" "overview.js" "filters.js" "lanes.js"
    "paint.js" "order.js" "details.js" "png.js" "timeline.js" "moments.js" "proof.js" "register.js" "cycle.js" "finding.js" "series.js"
    "ladder.js" "comparison.js" "hunt.js" "main.js"
};

const LIST: &[Asset] = assets! { "dom.js" "theme.js" "list.js" };

const STYLE: &[Asset] = assets! { "page.css" "figures.css" };

/// The page of a report. `blobs` are in Base64, one for each run that has operations.
pub(super) fn report(page: &Page, blobs: &[Option<String>]) -> String {
    let data = html! {
        script #page-data type="application/json" { (json(page)) }
        @for (place, blob) in blobs.iter().enumerate() {
            @if let Some(blob) = blob {
                script id={ "columns-" (place) } type="application/octet-stream" { (PreEscaped(blob)) }
            }
        }
    };
    let connect = if page.live.is_some() { "'self'" } else { "'none'" };
    document(&page.title, connect, &data, REPORT)
}

/// The page of a folder's runs, a list in JSON, which asks the server that it came from for news.
pub(crate) fn list(root: &str, runs: &str) -> String {
    let data = format!("{{\"root\":{},\"runs\":{runs}}}", serde_json::Value::from(root));
    let data = html! { script #page-data type="application/json" { (harmless(&data)) } };
    document("Runs", "'self'", &data, LIST)
}

/// `connect` says what scripts may talk to.
fn document(title: &str, connect: &str, data: &Markup, scripts: &[Asset]) -> String {
    let (script, style) = (bundled(scripts), STYLE.iter().map(|(_, text)| *text).collect::<String>());
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src {connect}; base-uri 'none'; \
         form-action 'none'",
        digest(&script),
        digest(&style)
    );
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                main #page {
                    noscript { h1 { (title) } p { "This page draws its pictures by a script, and scripts are switched off." } }
                }
                (data)
                script type="module" { (PreEscaped(&script)) }
            }
        }
    };
    markup.into_string()
}

/// JSON that ends no script: in a text, a less-than sign may stand as an escape.
fn json(data: &impl Serialize) -> PreEscaped<String> {
    // Our types have string keys only, so they always serialise.
    harmless(&serde_json::to_string(data).unwrap_or_default())
}

fn harmless(json: &str) -> PreEscaped<String> {
    PreEscaped(json.replace('<', "\\u003c"))
}

/// As a policy names it.
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// One module of several: each is a function that returns what it exports, but the last, which exports nothing.
fn bundled(modules: &[Asset]) -> String {
    let Some(((_, last), others)) = modules.split_last() else { return String::new() };
    let scoped = others.iter().map(|(_, text)| {
        let names = exports(text).collect::<Vec<_>>().join(", ");
        format!("const {{ {names} }} = (() => {{\n{}return {{ {names} }};\n}})();\n", body(text))
    });
    scoped.chain([body(last)]).collect()
}

/// A module without its imports, which are there by their names already, and with its exports as declarations.
fn body(text: &str) -> String {
    let kept = text.lines().filter(|line| !line.starts_with("import "));
    kept.flat_map(|line| [line.strip_prefix("export ").unwrap_or(line), "\n"]).collect()
}

/// The names that a module exports, each where it is declared.
fn exports(text: &str) -> impl Iterator<Item = &str> {
    let declarations = text.lines().filter_map(|line| line.strip_prefix("export "));
    declarations.filter_map(|line| {
        let mut words = line.split([' ', '(']);
        words.find(|word| !["async", "function", "const", "class"].contains(word))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_module_imports_what_modules_before_it_export() {
        for modules in [REPORT, LIST] {
            assert_imports(modules);
        }
    }

    fn assert_imports(modules: &[Asset]) {
        let mut exported: BTreeSet<(String, String)> = BTreeSet::new();
        for (name, text) in modules {
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let parts: Vec<&str> = line.split(['{', '}', '"']).collect();
                let [_, names, _, from, _] = parts[..] else {
                    panic!("{name}: {line}: one line, as import {{ a, b }} from \"./c.js\"")
                };
                for imported in names.split(',').map(str::trim) {
                    let known = (from.trim_start_matches("./").to_owned(), imported.to_owned());
                    assert!(
                        exported.contains(&known),
                        "{name}: nothing before it exports {imported} from {from}"
                    );
                }
            }
            exported.extend(exports(text).map(|export| ((*name).to_owned(), export.to_owned())));
            assert!(!text.contains("</script"), "{name} would end its own script");
        }
        assert!(exported.len() > 10);
    }

    #[test]
    fn scripts_of_the_browser_are_short_too() {
        for (name, text) in REPORT.iter().chain(LIST).chain(STYLE) {
            assert!(text.lines().count() <= 450, "{name} is long");
        }
    }

    #[test]
    fn no_text_ends_the_script_that_it_lies_in() {
        let hostile = "</script><script>alert(1)</script><!--";
        let text = json(&[hostile]).0;
        assert!(!text.contains('<'), "{text}");
        let back: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, [hostile]);
    }

    #[test]
    fn the_policy_names_what_the_page_holds() {
        let page = document(
            "a <title>",
            "'none'",
            &html! {},
            &[("a.js", "export const a = 1 < 2;"), ("b.js", "import { a } from \"./a.js\";\nf(a);")],
        );
        let script = "const { a } = (() => {\nconst a = 1 < 2;\nreturn { a };\n})();\nf(a);\n";
        let digest = digest(script);
        assert!(page.contains(&format!("script-src '{digest}'")), "{page}");
        assert!(page.contains(&format!("<script type=\"module\">{script}</script>")), "{page}");
        assert!(page.contains("<title>a &lt;title&gt;</title>"));
    }
}

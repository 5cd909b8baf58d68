//! `[operations]` and `[client]`: how each operation is carried out over HTTP, and as whom.

use std::path::Path;

use histories::Function;
use serde_json::Value as Json;

use super::section::{Read, Section, number};
use crate::own::http::answer::{Condition, Found, Place, Statuses, Written};
use crate::own::http::exchange::{Exchange, PLACES, RequestTemplate};
use crate::own::http::path::JsonPath;
use crate::own::http::{Identity, Login, Operations, Tls};
use crate::own::template::Template;

const METHODS: [(&str, &str); 5] =
    [("get", "GET"), ("put", "PUT"), ("post", "POST"), ("patch", "PATCH"), ("delete", "DELETE")];
const REQUEST_KEYS: &[&str] = &["get", "put", "post", "patch", "delete", "headers", "body", "json"];
const CONDITION_KEYS: &[&str] = &["status", "body", "json"];
pub(super) const IDENTITY_KEYS: &[&str] =
    &["command", "operations", "verbs", "links", "headers", "basic", "bearer", "tls"];

/// Every operation of the file. `folder` is where the file lies, for the files that it names.
pub(super) fn read(
    operations: &Section<'_>,
    client: Option<&Section<'_>>,
    folder: &Path,
) -> Read<Operations> {
    let headers = match client {
        Some(client) => headers(client)?,
        None => Vec::new(),
    };
    let identity = client.map(|client| identity(client, folder)).transpose()?.unwrap_or_default();
    let mut read = Operations { identity, ..Operations::default() };
    for name in operations.keys() {
        let function = function(&name).map_err(|error| operations.error(&name, &error))?;
        let Some(section) = operations.table(&name, &["request", "ok", "null", "fail", "info"])? else {
            continue;
        };
        read.exchanges.insert(function.clone(), exchange(&section, &function, &headers)?);
    }
    if read.exchanges.is_empty() {
        return Err(operations.lacks("at least one operation, [operations.read]"));
    }
    Ok(read)
}

/// An operation that workloads have.
pub(super) fn function(name: &str) -> Result<Function, String> {
    let known = [
        Function::Read,
        Function::Write,
        Function::Cas,
        Function::Add,
        Function::Remove,
        Function::ReadAll,
        Function::Append,
        Function::Increment,
        Function::Decrement,
        Function::Enqueue,
        Function::Dequeue,
        Function::Drain,
        Function::Acquire,
        Function::Release,
        Function::Generate,
        Function::Transfer,
        Function::Txn,
        Function::Dump,
    ];
    let names = known.iter().map(Function::name);
    known.iter().find(|function| function.name() == name).cloned().ok_or_else(|| {
        format!("no workload has such an operation; {}", crate::store::words::nearest(name, names))
    })
}

fn exchange(section: &Section<'_>, function: &Function, common: &[(String, Template)]) -> Read<Exchange> {
    let asked = section.table("request", REQUEST_KEYS)?.ok_or_else(|| section.lacks("request"))?;
    let mut request = request_template(&asked, PLACES)?;
    add_body(&asked, &mut request)?;
    request.headers.splice(..0, common.iter().cloned());
    let ok = section.table("ok", &[CONDITION_KEYS, &["value", "as"]].concat())?;
    let ok = ok.ok_or_else(|| section.lacks("ok"))?;
    let value = found(&ok, "value")?;
    if value.is_none() && crate::own::lines::has_answer(function) {
        return Err(ok.lacks(&format!("value, where the answer to {function} is: \"$.value\" or \"body\"")));
    }
    let fail = section.table("fail", &[CONDITION_KEYS, &["seen", "as"]].concat())?;
    let null = section.table("null", CONDITION_KEYS)?;
    let info = section.table("info", CONDITION_KEYS)?;
    Ok(Exchange {
        request,
        ok: condition(&ok)?,
        value,
        null: null.as_ref().map(condition).transpose()?,
        fail: fail.as_ref().map(condition).transpose()?,
        info: info.as_ref().map(condition).transpose()?,
        seen: fail.as_ref().map(|fail| found(fail, "seen")).transpose()?.flatten(),
    })
}

/// A request without a body, with the places that it may have.
pub(super) fn request_template(section: &Section<'_>, places: &[&'static str]) -> Read<RequestTemplate> {
    let methods = METHODS.map(|(key, _)| key);
    section.only_one_of(&methods)?;
    let (key, method) = METHODS
        .into_iter()
        .find(|(key, _)| section.has(key))
        .ok_or_else(|| section.lacks(&format!("a method with an address, one of {}", methods.join(", "))))?;
    let template = |text: &str| Template::parse(text, places).map_err(|error| section.error(key, &error));
    let url = section.needed_text(key)?;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(section.error(key, "an address begins with http:// or https://"));
    }
    Ok(RequestTemplate {
        method,
        url: template(&url)?,
        headers: headers(section)?,
        body: Template::default(),
    })
}

/// The body of a request of an operation.
fn add_body(section: &Section<'_>, request: &mut RequestTemplate) -> Read<()> {
    section.only_one_of(&["body", "json"])?;
    let (key, text) = match section.json("json")? {
        Some(json) => ("json", json_text(&json)),
        None => ("body", section.text("body")?.unwrap_or_default()),
    };
    request.body = Template::parse(&text, PLACES).map_err(|error| section.error(key, &error))?;
    let typed = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if key == "json" && !typed {
        request.headers.push(("Content-Type".to_owned(), Template::plain("application/json")));
    }
    Ok(())
}

/// JSON as a template: a string that is nothing but the place of a value is that value, not a string.
fn json_text(json: &Json) -> String {
    match json {
        Json::String(text) if matches!(text.as_str(), "{value}" | "{from}" | "{to}") => text.clone(),
        Json::Array(items) => format!("[{}]", items.iter().map(json_text).collect::<Vec<_>>().join(",")),
        Json::Object(entries) => {
            let entry =
                |(key, value): (&String, &Json)| format!("{}:{}", Json::from(key.as_str()), json_text(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn headers(section: &Section<'_>) -> Read<Vec<(String, Template)>> {
    let Some(headers) = section.table("headers", &[])? else { return Ok(Vec::new()) };
    let header = |name: String| {
        let text = headers.needed_text(&name)?;
        let value = Template::parse(&text, PLACES).map_err(|error| headers.error(&name, &error))?;
        Ok((name, value))
    };
    headers.keys().into_iter().map(header).collect()
}

/// What an answer has to be like.
pub(super) fn condition(section: &Section<'_>) -> Read<Condition> {
    let statuses = section.list("status", "a status, 404 or \"4xx\", or a list of them", |item| {
        let class = || item.get_ref().as_str()?.strip_suffix("xx")?.parse().ok();
        match number(item) {
            Some(status) => u16::try_from(status).ok().filter(|s| (100..600).contains(s)).map(Statuses::One),
            None => class().filter(|class| (1..6).contains(class)).map(Statuses::Class),
        }
    })?;
    let mut json = Vec::new();
    if let Some(paths) = section.table("json", &[])? {
        for path in paths.keys() {
            let parsed = JsonPath::parse(&path).map_err(|error| paths.error(&path, &error))?;
            json.extend(paths.json(&path)?.map(|value| (parsed, value)));
        }
    }
    Ok(Condition { statuses, body: section.text("body")?, json })
}

fn found(section: &Section<'_>, key: &str) -> Read<Option<Found>> {
    let Some(text) = section.text(key)? else { return Ok(None) };
    let place = match text.as_str() {
        "body" => Place::Body,
        path => Place::Path(JsonPath::parse(path).map_err(|error| section.error(key, &error))?),
    };
    let written = match section.text("as")?.as_deref() {
        None => Written::AsIs,
        Some("integer") => Written::Integer,
        Some("json") => Written::Json,
        Some(_) => return Err(section.error("as", "a value is written \"integer\" or \"json\"")),
    };
    Ok(Some(Found { place, written }))
}

fn identity(client: &Section<'_>, folder: &Path) -> Read<Identity> {
    client.only_one_of(&["basic", "bearer"])?;
    let login = match client.table("basic", &["user", "password"])? {
        Some(basic) => {
            Login::Basic { user: basic.needed_text("user")?, password: basic.needed_text("password")? }
        }
        None => client.text("bearer")?.map_or(Login::None, Login::Bearer),
    };
    let mut tls = Tls::default();
    if let Some(section) = client.table("tls", &["trust", "verify", "name"])? {
        tls.verify = section.flag("verify")?.unwrap_or(true);
        tls.name = section.text("name")?;
        if let Some(file) = section.text("trust")? {
            let read = std::fs::read(folder.join(&file));
            tls.trusted = read.map_err(|error| section.error("trust", &format!("{file}: {error}")))?;
        }
    }
    Ok(Identity { login, tls })
}

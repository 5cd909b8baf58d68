//! What is answered: the list of runs, the page of one or of two, and the files in a run's folder.

use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::{Arc, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::guard::guard;
use super::{Shelf, live};
use crate::cli::names::address_of;
use crate::report::page::{Page, Source, shell};

/// Files of a run's folder that may be fetched.
const FILES: [&str; 7] =
    ["history.jsonl", "results.json", "env.json", "schedule.json", "lag.csv", "trace.log", "sequence.svg"];

pub(super) fn router(shelf: Arc<Shelf>) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/runs.json", get(runs))
        .route("/run/{*path}", get(run))
        .route("/events/{*path}", get(events))
        .route("/file/{*path}", get(file))
        .route("/compare", get(compare))
        .layer(from_fn_with_state(Arc::clone(&shelf), guard))
        .with_state(shelf)
}

/// Why there is no answer.
enum Refusal {
    /// There is no such run, or it lies outside of what is served.
    Absent,
    /// It cannot be read, and why.
    Unreadable(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Absent => (StatusCode::NOT_FOUND, "There is no such run here.\n").into_response(),
            Self::Unreadable(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")).into_response(),
        }
    }
}

/// The folder of a run below the root: no way leads out, by dots or by links.
fn folder(shelf: &Shelf, path: &str) -> Result<PathBuf, Refusal> {
    if shelf.only.as_deref() == Some(path) {
        return Ok(shelf.root.clone());
    }
    let path = FilePath::new(path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let found = shelf.root.join(path).canonicalize().map_err(|_| Refusal::Absent)?;
    let inside = plain && found.starts_with(&shelf.root) && found.join("results.json").is_file();
    if inside { Ok(found) } else { Err(Refusal::Absent) }
}

/// Work with files goes on beside the requests.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Refusal::Unreadable(error.to_string()))
}

/// Every run, as a list in JSON.
fn listed(shelf: &Shelf) -> String {
    let runs = shelf.index.lock().unwrap_or_else(PoisonError::into_inner).list(&shelf.root);
    format!("[{}]", runs.join(","))
}

async fn list(State(shelf): State<Arc<Shelf>>) -> Result<Response, Refusal> {
    if let Some(only) = &shelf.only {
        return Ok(Redirect::temporary(&format!("/run/{}", address_of(only))).into_response());
    }
    let page = move || Html(shell::list(&shelf.root.display().to_string(), &listed(&shelf)));
    Ok(aside(page).await?.into_response())
}

async fn runs(State(shelf): State<Arc<Shelf>>) -> Result<Response, Refusal> {
    let json = aside(move || listed(&shelf)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

async fn run(State(shelf): State<Arc<Shelf>>, Path(path): Path<String>) -> Result<Html<String>, Refusal> {
    let folder = folder(&shelf, &path)?;
    aside(move || {
        if live::goes_on(&folder) {
            let page = live::page(&folder, Some(format!("/events/{}", address_of(&path))));
            let mut page = page.ok_or(Refusal::Absent)?;
            page.served = shelf.only.is_none();
            return Ok(Html(page.render()));
        }
        let source = source(&folder)?;
        let mut page = Page::new(source.title());
        page.served = shelf.only.is_none();
        page.add(source);
        Ok(Html(page.render()))
    })
    .await?
}

fn source(folder: &FilePath) -> Result<Source, Refusal> {
    let source = Source::folder(folder).map_err(|failure| Refusal::Unreadable(failure.to_string()))?;
    source.ok_or(Refusal::Absent)
}

/// Two runs, by their paths.
#[derive(Deserialize)]
struct Compared {
    a: String,
    b: String,
}

async fn compare(
    State(shelf): State<Arc<Shelf>>,
    Query(asked): Query<Compared>,
) -> Result<Html<String>, Refusal> {
    let folders = [folder(&shelf, &asked.a)?, folder(&shelf, &asked.b)?];
    aside(move || {
        let mut page = Page::side_by_side("Two runs side by side");
        page.served = true;
        for (folder, path) in folders.iter().zip([&asked.a, &asked.b]) {
            let mut source = source(folder)?;
            source.page = Some(format!("/run/{}", address_of(path)));
            page.add(source);
        }
        Ok(Html(page.render()))
    })
    .await?
}

async fn events(State(shelf): State<Arc<Shelf>>, Path(path): Path<String>) -> Result<Response, Refusal> {
    Ok(live::events(folder(&shelf, &path)?).into_response())
}

/// A file to be kept: never shown as a page of this server's.
async fn file(State(shelf): State<Arc<Shelf>>, Path(path): Path<String>) -> Result<Response, Refusal> {
    let (run, name) = path.rsplit_once('/').ok_or(Refusal::Absent)?;
    let name = FILES.into_iter().find(|known| *known == name).ok_or(Refusal::Absent)?;
    let file = folder(&shelf, run)?.join(name);
    let is_plain = std::fs::symlink_metadata(&file).is_ok_and(|file| file.is_file());
    let bytes = if is_plain { aside(move || std::fs::read(file)).await?.ok() } else { None };
    let mut response = Body::from(bytes.ok_or(Refusal::Absent)?).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::guard::Guard;
    use super::super::index::Index;
    use super::*;

    #[test]
    fn no_way_leads_out_of_the_folder() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("runs");
        for folder in [root.join("quick/1"), outside.path().join("secret")] {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("results.json"), "{}").unwrap();
        }
        std::os::unix::fs::symlink(outside.path().join("secret"), root.join("link")).unwrap();
        std::os::unix::fs::symlink("quick/1", root.join("latest")).unwrap();
        let guard = Guard::of("127.0.0.1:0".parse().unwrap()).unwrap();
        let shelf = Shelf {
            root: root.canonicalize().unwrap(),
            only: None,
            index: Mutex::new(Index::default()),
            guard,
        };
        assert!(folder(&shelf, "quick/1").is_ok());
        assert!(folder(&shelf, "latest").is_ok(), "a link that stays inside");
        let secret = outside.path().join("secret").display().to_string();
        for path in ["../secret", "quick/../../secret", "link", &secret, "quick", "", ".", "nowhere"] {
            assert!(folder(&shelf, path).is_err(), "{path}");
        }
    }
}

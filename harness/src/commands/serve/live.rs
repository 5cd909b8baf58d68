//! A run in progress: what is known of it so far, again and again until it has ended.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::Value;

use crate::judge::stored;
use crate::report::page::{Page, Source};
use crate::run::RunFolder;

/// A run of which nothing has been written for so long does not go on.
const SILENT: Duration = Duration::from_mins(1);
/// No more often is a page told of what is new.
const EVERY: Duration = Duration::from_millis(700);
/// Reading what is there takes at most one part in so many of the time.
const SHARE: u32 = 6;

/// Whether a run goes on: its results say that it has not ended, and something was written of late.
pub(super) fn goes_on(folder: &Path) -> bool {
    !is_finished(folder)
        && [RunFolder::HISTORY, "results.json"].iter().any(|name| is_fresh(&folder.join(name)))
}

fn is_finished(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join("results.json")).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok_and(|results| results["finished"] != false)
}

fn is_fresh(file: &Path) -> bool {
    let modified = fs::metadata(file).and_then(|file| file.modified());
    modified.is_ok_and(|at| SystemTime::now().duration_since(at).unwrap_or_default() < SILENT)
}

/// The page of what is known now; `None` where the folder cannot be read as a run's.
pub(super) fn page(folder: &Path, events: Option<String>) -> Option<Page> {
    let mut source = Source::folder(folder).ok().flatten()?;
    if let (Some(history), Some(outcome)) = (&source.history, source.outcome.as_object_mut()) {
        let measured = serde_json::to_value(stored::measured(history)).unwrap_or_default();
        outcome.extend(measured.as_object().cloned().unwrap_or_default());
    }
    let mut page = Page::new(source.title());
    page.live = events;
    page.add(source);
    Some(page)
}

/// `snapshot` events with what the page shows, then `ended`, on which it is loaded again.
pub(super) fn events(folder: PathBuf) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stream = futures::stream::unfold(Some(Duration::ZERO), move |wait| {
        let folder = folder.clone();
        async move {
            tokio::time::sleep(wait?).await;
            let told = tokio::task::spawn_blocking(move || {
                let started = Instant::now();
                let snapshot = if goes_on(&folder) { page(&folder, None) } else { None };
                (snapshot.map(|page| page.snapshot()), started.elapsed())
            });
            let (snapshot, took) = told.await.ok()?;
            match snapshot {
                Some(data) => {
                    let event = Event::default().event("snapshot").data(data);
                    Some((Ok(event), Some(EVERY.max(took * SHARE))))
                }
                // An event without data is none to a browser.
                None => Some((Ok(Event::default().event("ended").data("yes")), None)),
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

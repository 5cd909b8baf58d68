//! The HTTP face of a node. It never looks into a replica: everything goes through the actor's queue.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::{get, post};
use bytes::{Buf, BytesMut};
use futures::StreamExt;
use histories::{Key, Node};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::actor::Event;
use super::metrics;
use super::token::Token;
use super::wire::{self, AnswerBody};
use crate::http::Method;
use crate::store::Command;

/// The longest message between members, a snapshot included.
const LINE_BYTES_MAX: usize = 256 * 1024 * 1024;

type Events<M> = mpsc::Sender<Event<M>>;

/// Routes whose handlers talk to the actor at the other end of `events`, for those who have the run's token.
pub(crate) fn router<M>(events: Events<M>, token: Token) -> Router
where
    M: for<'de> Deserialize<'de> + Send + 'static,
{
    Router::new()
        .route("/kv/{key}", get(read::<M>).put(write::<M>))
        .route("/kv/{key}/{verb}", post(change::<M>))
        .route("/txn", post(transaction::<M>))
        .route("/status", get(status::<M>))
        .route("/metrics", get(metrics::<M>))
        .route("/dump", get(dump::<M>))
        .route("/clock", post(clock::<M>))
        .route("/peer", post(peer::<M>))
        .fallback(async || rejected(StatusCode::NOT_FOUND, "no such path"))
        .method_not_allowed_fallback(async || rejected(StatusCode::METHOD_NOT_ALLOWED, "no such method here"))
        .layer(DefaultBodyLimit::max(wire::BODY_BYTES_MAX))
        .layer(from_fn_with_state(token, demand_token))
        .with_state(events)
}

/// Nothing of a request without the run's token is looked at.
async fn demand_token(State(token): State<Token>, request: Request, next: Next) -> HttpResponse {
    match request.headers().get(Token::HEADER) {
        Some(presented) if token.is(presented.as_bytes()) => next.run(request).await,
        _ => rejected(StatusCode::UNAUTHORIZED, "this node answers its own run only"),
    }
}

type KeyPath = Result<Path<String>, PathRejection>;
type VerbPath = Result<Path<(String, String)>, PathRejection>;
type AskQuery = Result<Query<wire::Query>, QueryRejection>;
type AskBody = Result<Bytes, BytesRejection>;

async fn read<M>(State(events): State<Events<M>>, path: KeyPath, query: AskQuery) -> HttpResponse {
    let path = path.map(|Path(key)| (key, String::new()));
    ask(&events, Method::Get, path, query, Ok(Bytes::new())).await
}

async fn write<M>(
    State(events): State<Events<M>>,
    path: KeyPath,
    query: AskQuery,
    body: AskBody,
) -> HttpResponse {
    let path = path.map(|Path(key)| (key, String::new()));
    ask(&events, Method::Put, path, query, body).await
}

async fn change<M>(
    State(events): State<Events<M>>,
    path: VerbPath,
    query: AskQuery,
    body: AskBody,
) -> HttpResponse {
    ask(&events, Method::Post, path.map(|Path(parts)| parts), query, body).await
}

async fn ask<M>(
    events: &Events<M>,
    method: Method,
    path: Result<(String, String), PathRejection>,
    query: AskQuery,
    body: AskBody,
) -> HttpResponse {
    let (key, verb) = match path {
        Ok(path) => path,
        Err(error) => return rejected(error.status(), &error.body_text()),
    };
    decide(events, query, body, |body| wire::command(method, &verb, Key::from(key), body)).await
}

async fn transaction<M>(State(events): State<Events<M>>, query: AskQuery, body: AskBody) -> HttpResponse {
    decide(&events, query, body, wire::transaction).await
}

/// Has the replica answer what a client asks for.
async fn decide<M>(
    events: &Events<M>,
    query: AskQuery,
    body: AskBody,
    command: impl FnOnce(&[u8]) -> Result<Command, String>,
) -> HttpResponse {
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return rejected(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => return rejected(error.status(), &error.body_text()),
    };
    let command = match command(&body) {
        Ok(command) => command,
        Err(why) => return rejected(StatusCode::BAD_REQUEST, &why),
    };
    let request = match wire::asked(command, &query) {
        Ok(request) => request,
        Err(why) => return rejected(StatusCode::BAD_REQUEST, &why),
    };
    match told(events, |answer| Event::Request { request, answer }).await {
        Some(response) => {
            let (status, body) = wire::answer(response);
            json(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
        }
        None => stopping(),
    }
}

async fn status<M>(State(events): State<Events<M>>) -> HttpResponse {
    told(&events, Event::Status).await.map_or_else(stopping, |status| json(StatusCode::OK, &status))
}

async fn metrics<M>(State(events): State<Events<M>>) -> HttpResponse {
    let page =
        |status| ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(&status)).into_response();
    told(&events, Event::Status).await.map_or_else(stopping, page)
}

async fn dump<M>(State(events): State<Events<M>>) -> HttpResponse {
    told(&events, Event::Dump).await.map_or_else(stopping, |dump| json(StatusCode::OK, &dump))
}

/// For the harness, which comes past every proxy: sets the node's clocks and says how they were and are.
async fn clock<M>(State(events): State<Events<M>>, body: AskBody) -> HttpResponse {
    let body = match body {
        Ok(body) => body,
        Err(error) => return rejected(error.status(), &error.body_text()),
    };
    let setting = match serde_json::from_slice(&body) {
        Ok(setting) => setting,
        Err(error) => return rejected(StatusCode::BAD_REQUEST, &format!("the body: {error}")),
    };
    told(&events, |answer| Event::Clock { setting, answer })
        .await
        .map_or_else(stopping, |reading| json(StatusCode::OK, &reading))
}

/// Asks the actor and waits; `None` where it has stopped.
async fn told<M, T>(events: &Events<M>, event: impl FnOnce(oneshot::Sender<T>) -> Event<M>) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    events.send(event(answer)).await.ok()?;
    answered.await.ok()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    from: Node,
}

/// Takes a line for a message until the stream ends.
async fn peer<M>(
    State(events): State<Events<M>>,
    query: Result<Query<From>, QueryRejection>,
    body: Body,
) -> HttpResponse
where
    M: for<'de> Deserialize<'de>,
{
    let from = match query {
        Ok(Query(From { from })) => from,
        Err(error) => return rejected(StatusCode::BAD_REQUEST, &error.body_text()),
    };
    let mut body = body.into_data_stream();
    let mut bytes = BytesMut::new();
    // How much of `bytes` is known to hold no end of a line.
    let mut searched = 0;
    while let Some(Ok(chunk)) = body.next().await {
        bytes.extend_from_slice(&chunk);
        while let Some(length) = bytes[searched..].iter().position(|&byte| byte == b'\n') {
            let line = bytes.split_to(searched + length);
            bytes.advance(1);
            searched = 0;
            let message = match serde_json::from_slice(&line) {
                Ok(message) => message,
                Err(error) => return rejected(StatusCode::BAD_REQUEST, &format!("a message: {error}")),
            };
            if events.send(Event::Message { from, message }).await.is_err() {
                return stopping();
            }
        }
        searched = bytes.len();
        if searched > LINE_BYTES_MAX {
            return rejected(StatusCode::PAYLOAD_TOO_LARGE, "a message is too long");
        }
    }
    StatusCode::NO_CONTENT.into_response()
}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Refused before any replica saw it: it did not and will not happen.
fn rejected(status: StatusCode, why: &str) -> HttpResponse {
    json(status, &wire::rejection(why.to_owned()))
}

/// Whether it happened nobody will say.
fn stopping() -> HttpResponse {
    json(StatusCode::SERVICE_UNAVAILABLE, &AnswerBody::vague("the node is stopping"))
}

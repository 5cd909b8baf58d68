//! Who is answered: on this machine's own address everybody on it, elsewhere who shows the token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq;

use super::Shelf;

const COOKIE: &str = "partita";

pub(super) struct Guard {
    /// None where only this machine can ask.
    token: Option<String>,
}

impl Guard {
    /// Fails where no token can be drawn.
    pub(super) fn of(bound: SocketAddr) -> std::io::Result<Self> {
        if bound.ip().is_loopback() {
            return Ok(Self { token: None });
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self { token: Some(format!("{:032x}", u128::from_ne_bytes(bytes))) })
    }

    /// What the printed address ends with.
    pub(super) fn query(&self) -> String {
        self.token.as_ref().map_or_else(String::new, |token| format!("?token={token}"))
    }

    /// Whether a request may be answered. A page of somebody else's that a browser here has open may ask under a name of its
    /// own: on a loopback address only this machine's names are known.
    fn admits(&self, headers: &HeaderMap) -> bool {
        match &self.token {
            None => headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_local),
            Some(token) => cookie(headers).is_some_and(|shown| same(shown, token)),
        }
    }

    fn is_shown_in(&self, query: &str) -> bool {
        let shown = query.split('&').find_map(|pair| pair.strip_prefix("token="));
        matches!((&self.token, shown), (Some(token), Some(shown)) if same(shown, token))
    }
}

fn same(shown: &str, token: &str) -> bool {
    shown.as_bytes().ct_eq(token.as_bytes()).into()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split("; ")).find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))
}

fn is_local(host: &str) -> bool {
    let name =
        host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    name == "localhost"
        || name == "[::1]"
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Refuses what is not to be answered, and says of every answer that it is for this page only.
pub(super) async fn guard(State(shelf): State<Arc<Shelf>>, request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let mut response = if shelf.guard.is_shown_in(query) {
        // From here on the cookie shows it, and the address can be passed on without it.
        admitted(request.uri().path(), query)
    } else if shelf.guard.admits(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "This is answered only under the address that `partita serve` printed.\n")
            .into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn admitted(path: &str, query: &str) -> Response {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token=")).unwrap_or_default();
    // A path that begins with two slashes would be another host's.
    let path = format!("/{}", path.trim_start_matches('/'));
    let mut response = Redirect::to(&path).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/"))
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn on_a_loopback_address_only_names_of_this_machine_are_answered() {
        let guard = Guard::of("127.0.0.1:7878".parse().unwrap()).unwrap();
        let admits = |host: &str| guard.admits(&headers(&[(header::HOST, host)]));
        for host in ["127.0.0.1:7878", "localhost:7878", "localhost", "[::1]:7878", "[::1]"] {
            assert!(admits(host), "{host}");
        }
        for host in ["example.org:7878", "127.0.0.1.example.org", "0.0.0.0:7878"] {
            assert!(!admits(host), "{host}");
        }
        assert!(!guard.admits(&headers(&[])));
        assert_eq!(guard.query(), "");
    }

    #[test]
    fn elsewhere_the_token_is_shown_in_the_address_and_then_in_a_cookie() {
        let guard = Guard::of("0.0.0.0:7878".parse().unwrap()).unwrap();
        let token = guard.query().trim_start_matches("?token=").to_owned();
        assert_eq!(token.len(), 32);
        assert!(guard.is_shown_in(&format!("a=b&token={token}")));
        assert!(!guard.is_shown_in("token="));
        assert!(!guard.admits(&headers(&[(header::HOST, "127.0.0.1:7878")])));
        let shown = format!("other=1; {COOKIE}={token}");
        assert!(guard.admits(&headers(&[(header::COOKIE, &shown)])));
        assert!(!guard.admits(&headers(&[(header::COOKIE, &format!("{COOKIE}={}", &token[..31]))])));
    }
}

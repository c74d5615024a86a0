//! The page `/metrics` for Prometheus (`PrometheusMetricsProvider`): HTTP by hyper, on a port of its own.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use listener::{BindError, ListenOn, bind};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{TURN, for_prometheus, text};
use crate::config::MetricsProvider;
use crate::limits;
use crate::shared::{Server, Shared};
use crate::words;

/// The page cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CannotTell {
    /// Its port is taken, or not ours.
    #[error(
        "the page for Prometheus: {0}; set another metricsProvider.httpPort, or remove the metricsProvider lines"
    )]
    Bind(#[from] BindError),
    /// The runtime does not take the socket.
    #[error("the page for Prometheus: {0}")]
    Io(#[from] std::io::Error),
}

/// Opens the port, where there is to be a page.
pub fn open(server: &Server) -> Result<Option<TcpListener>, CannotTell> {
    let MetricsProvider::Prometheus(page) = server.config.metrics else {
        return Ok(None);
    };
    let listener = bind(ListenOn {
        address: page.address,
        port: page.port,
        backlog: 0,
        ipv4_only: server.config.ipv4_only,
    })?;
    let listener = TcpListener::from_std(listener)?;
    tracing::info!(
        "metrics for Prometheus on http://{}{PATH}",
        listener.local_addr()?
    );
    Ok(Some(listener))
}

/// Answers for ever, and remembers what was ten minutes ago.
pub async fn serve(server: Server, listener: TcpListener) {
    let places = std::sync::Arc::new(Semaphore::new(limits::MAX_METRICS_CONNECTIONS));
    let mut turns = tokio::time::interval_at(tokio::time::Instant::now() + TURN, TURN);
    loop {
        tokio::select! {
            _ = turns.tick() => server.metrics_window.turn(&server.metrics),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // With too many it is closed at once: they ask again.
                    if let Ok(place) = places.clone().try_acquire_owned() {
                        let server = server.clone();
                        tokio::spawn(async move {
                            answer_all(&server, stream).await;
                            drop(place);
                        });
                    }
                }
                Err(error) => {
                    tracing::debug!("cannot accept on the page for Prometheus: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// After a failure to accept: descriptors may come back.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(10);

async fn answer_all(server: &Server, stream: TcpStream) {
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(server, &request))
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!("page for Prometheus: {error}");
    }
}

const PATH: &str = "/metrics";

fn answer<B>(server: &Shared, request: &Request<B>) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(
            StatusCode::NOT_FOUND,
            format!("not found: the page is {PATH}\n"),
        );
    }
    if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "ask with GET\n".to_owned());
        let methods = HeaderValue::from_static("GET, HEAD, POST");
        refusal.headers_mut().insert(ALLOW, methods);
        return refusal;
    }
    let wanted = wanted(request.uri().query().unwrap_or_default());
    let page = text::text(&for_prometheus(server, words::role(server)), &wanted);
    let mut response = plain(StatusCode::OK, page);
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

/// The names that the query asks for: `name[]=…`, the brackets written so or escaped.
fn wanted(query: &str) -> Vec<String> {
    let names = query.split('&').filter_map(|pair| pair.split_once('='));
    let is_name = |key: &str| key == "name[]" || key.eq_ignore_ascii_case("name%5b%5d");
    names
        .filter(|(key, _)| is_name(key))
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn names_are_read_from_the_query() {
        assert_eq!(wanted("name[]=a&x=y&name%5B%5D=b"), ["a", "b"]);
        assert!(wanted("").is_empty());
    }
}

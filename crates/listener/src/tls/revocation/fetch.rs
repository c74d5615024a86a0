//! Lists by their addresses, kept for a while, and questions to responders. All of it blocks.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::header::{CONTENT_TYPE, IF_MODIFIED_SINCE, LAST_MODIFIED};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// How long a list is taken for what its address would give, and an address for one that gives none
/// (`sun.security.provider.certpath.URICertStore`).
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Bytes of a list; a larger one is no answer.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// Bytes of all lists that are kept: memory. One alone may be as large.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// Addresses that are remembered. Java's number.
pub(super) const MAX_KEPT: usize = 185;

/// Bytes of a responder's answer.
const MAX_RESPONSE_BYTES: u64 = 64 << 10;

/// The lists that were fetched, or why they were not.
#[derive(Debug, Default)]
pub(super) struct Fetcher {
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Held by who fetches, so that others wait for what comes of it.
    turn: Arc<Mutex<()>>,
    outcome: Option<Outcome>,
}

#[derive(Clone, Debug)]
struct Outcome {
    at: Instant,
    list: Result<Arc<List>, String>,
}

#[derive(Debug)]
struct List {
    bytes: Vec<u8>,
    /// When it was written, as its server says.
    modified: Option<String>,
}

impl Outcome {
    fn size(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.bytes.len())
    }
}

/// The bytes of a list, without copying them.
pub(super) struct ListBytes(Arc<List>);

impl std::ops::Deref for ListBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl Fetcher {
    /// The list at `url`, of file: or http:, not older than [`CHECK_INTERVAL`].
    pub fn list(&self, url: &str, deadline: Instant) -> Result<ListBytes, String> {
        let turn = self.kept().entry(url.to_owned()).or_default().turn.clone();
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.kept().get(url).and_then(|kept| kept.outcome.clone());
        let list = match before {
            Some(outcome) if outcome.at.elapsed() < CHECK_INTERVAL => outcome.list,
            before => {
                let before = before.and_then(|outcome| outcome.list.ok());
                let list = fetch(url, before, deadline);
                self.keep(url, list.clone());
                list
            }
        };
        list.map(ListBytes)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, url: &str, list: Result<Arc<List>, String>) {
        let mut kept = self.kept();
        kept.entry(url.to_owned()).or_default().outcome = Some(Outcome {
            at: Instant::now(),
            list,
        });
        while is_too_much(&kept) {
            // One that is just fetched for the first time has no outcome; what comes of it will count.
            let oldest = kept.iter().filter(|(other, _)| *other != url);
            let oldest =
                oldest.min_by_key(|(_, kept)| kept.outcome.as_ref().map(|outcome| outcome.at));
            let Some(oldest) = oldest.map(|(url, _)| url.clone()) else {
                return;
            };
            kept.remove(&oldest);
        }
    }
}

#[cfg(test)]
impl Fetcher {
    /// As if all had been fetched long ago.
    pub fn grow_old(&self) {
        for kept in self.kept().values_mut() {
            if let Some(outcome) = &mut kept.outcome {
                outcome.at -= CHECK_INTERVAL;
            }
        }
    }

    /// Addresses that are remembered.
    pub fn len(&self) -> usize {
        self.kept().len()
    }
}

fn is_too_much(kept: &HashMap<String, Kept>) -> bool {
    let outcomes = kept.values().filter_map(|kept| kept.outcome.as_ref());
    kept.len() > MAX_KEPT || outcomes.map(Outcome::size).sum::<usize>() > MAX_KEPT_BYTES
}

fn fetch(url: &str, before: Option<Arc<List>>, deadline: Instant) -> Result<Arc<List>, String> {
    match url.split_once(':') {
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("file") => {
            Ok(Arc::new(read_file(path)?))
        }
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => download(url, before, deadline),
        _ => Err("lists are fetched from file: and http: alone".to_owned()),
    }
}

/// Of `//host/path`, `///path` and `/path`, the path.
fn read_file(path: &str) -> Result<List, String> {
    let path = match path.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => path,
    };
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let file = File::open(&*path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_LIST_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Err(error) => Err(error.to_string()),
        Ok(length) if length as u64 > MAX_LIST_BYTES => {
            Err(format!("it has more than {MAX_LIST_BYTES} bytes"))
        }
        Ok(_) => Ok(List {
            bytes,
            modified: None,
        }),
    }
}

fn download(url: &str, before: Option<Arc<List>>, deadline: Instant) -> Result<Arc<List>, String> {
    let mut request = agent(deadline).get(url);
    if let Some(modified) = before.as_ref().and_then(|list| list.modified.as_ref()) {
        request = request.header(IF_MODIFIED_SINCE, modified);
    }
    let response = request.call().map_err(|error| error.to_string())?;
    match before {
        Some(before) if response.status() == StatusCode::NOT_MODIFIED => Ok(before),
        _ => {
            let modified = response.headers().get(LAST_MODIFIED);
            let modified = modified
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let bytes = body(response, MAX_LIST_BYTES)?;
            Ok(Arc::new(List { bytes, modified }))
        }
    }
}

/// What a responder answers.
pub(super) fn ask(url: &str, request: &[u8], deadline: Instant) -> Result<Vec<u8>, String> {
    if !url
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
    {
        return Err("responders are asked by http: alone".to_owned());
    }
    let post = agent(deadline)
        .post(url)
        .header(CONTENT_TYPE, "application/ocsp-request");
    let response = post.send(request).map_err(|error| error.to_string())?;
    body(response, MAX_RESPONSE_BYTES)
}

fn body(response: Response<Body>, limit: u64) -> Result<Vec<u8>, String> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(format!("http status: {}", status.as_u16()));
    }
    let body = response
        .into_body()
        .into_with_config()
        .limit(limit)
        .read_to_vec();
    body.map_err(|error| error.to_string())
}

/// One for each request: none is sent on a connection that may be closed by then.
fn agent(deadline: Instant) -> Agent {
    let left = deadline.saturating_duration_since(Instant::now());
    let config = Agent::config_builder()
        .proxy(None)
        .timeout_global(Some(left.max(MOMENT)));
    config.build().into()
}

/// Nothing is asked without any time; what comes too late is given up by who waits for it.
const MOMENT: Duration = Duration::from_millis(1);

//! A request: its method and path to a command, and what the command says to a response.

use std::collections::HashMap;

use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, SERVER, STRICT_TRANSPORT_SECURITY,
};
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

use super::connection::Caller;
use super::content::Content;
use super::{Admin, commands, json};
use commands::Answer;

/// Answers a request, whatever it is.
pub(super) async fn answer(
    admin: &Admin,
    caller: &Caller,
    request: Request<Incoming>,
) -> Response<Content> {
    let mut response = route(admin, caller, request).await;
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("ironkeeper"));
    if caller.is_secure {
        let a_day = HeaderValue::from_static("max-age=86400; includeSubDomains");
        headers.insert(STRICT_TRANSPORT_SECURITY, a_day);
    }
    response
}

/// As the servlet and its surroundings do (`HttpServlet.service`, `JettyAdminServer.constrainTraceMethod`).
async fn route(admin: &Admin, caller: &Caller, request: Request<Incoming>) -> Response<Content> {
    let method = request.method().clone();
    if method == Method::TRACE {
        return empty(StatusCode::FORBIDDEN);
    }
    let Some(name) = command_name(&admin.settings.command_url, request.uri().path()) else {
        return elsewhere(&method, request.uri().path());
    };
    match method {
        Method::GET | Method::HEAD | Method::POST if name.is_empty() => index(admin),
        Method::GET | Method::HEAD => {
            let asked = Asked::of(&name, &request);
            let answer = commands::get(admin, caller, &asked).await;
            response(&name, answer)
        }
        Method::POST => {
            let asked = Asked::of(&name, &request);
            let answer = commands::post(admin, caller, &asked, request.into_body()).await;
            response(&name, answer)
        }
        Method::OPTIONS => options("GET, HEAD, POST, TRACE, OPTIONS"),
        Method::PUT | Method::DELETE => empty(StatusCode::METHOD_NOT_ALLOWED),
        _ => empty(StatusCode::NOT_IMPLEMENTED),
    }
}

/// On a path that is not the commands'.
fn elsewhere(method: &Method, path: &str) -> Response<Content> {
    match *method {
        Method::GET | Method::HEAD => not_found(path),
        Method::OPTIONS => options("GET, HEAD, TRACE, OPTIONS"),
        Method::POST | Method::PUT | Method::DELETE => empty(StatusCode::METHOD_NOT_ALLOWED),
        _ => empty(StatusCode::NOT_IMPLEMENTED),
    }
}

fn options(methods: &'static str) -> Response<Content> {
    let mut response = empty(StatusCode::OK);
    let methods = HeaderValue::from_static(methods);
    response.headers_mut().insert(ALLOW, methods);
    response
}

/// What a command has to know of a request.
pub(super) struct Asked {
    /// As it was written.
    pub name: String,
    /// The first value of each parameter.
    pub parameters: HashMap<String, String>,
    /// `None`: not there, or no text.
    pub authorization: Option<String>,
    pub forwarded_for: Option<String>,
}

impl Asked {
    fn of(name: &str, request: &Request<Incoming>) -> Self {
        let mut parameters = HashMap::new();
        let query = request.uri().query().unwrap_or_default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            parameters
                .entry(key.into_owned())
                .or_insert_with(|| value.into_owned());
        }
        let header = |name: &str| {
            let value = request.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Asked {
            name: name.to_owned(),
            parameters,
            authorization: header("authorization"),
            forwarded_for: header("x-forwarded-for"),
        }
    }
}

/// What stands behind the commands' path and its slash; `None` for another path.
fn command_name(command_url: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(command_url)?;
    match rest.strip_prefix('/') {
        Some(name) => Some(percent_decode_str(name).decode_utf8_lossy().into_owned()),
        None => rest.is_empty().then(String::new),
    }
}

fn empty(status: StatusCode) -> Response<Content> {
    with(status, Content::empty())
}

fn with(status: StatusCode, content: Content) -> Response<Content> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    response
}

/// Links to all commands.
fn index(admin: &Admin) -> Response<Content> {
    let url = &admin.settings.command_url;
    let links = commands::primary_names()
        .map(|name| format!("<a href=\"{url}/{name}\">{name}</a>\n<br/>\n"));
    let text: String = links.collect();
    with(StatusCode::OK, Content::text(text, None))
}

fn not_found(path: &str) -> Response<Content> {
    let path = path
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let text = format!(
        "<html>\n<head><title>Error 404 Not Found</title></head>\n<body><h2>HTTP ERROR 404 Not Found</h2>\n<p>{path}</p></body>\n</html>\n"
    );
    let mut response = with(StatusCode::NOT_FOUND, Content::text(text, None));
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html;charset=utf-8"),
    );
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("must-revalidate,no-cache,no-store"),
    );
    response
}

/// `asked` is the name of a command that there is none of.
fn response(asked: &str, answer: Answer) -> Response<Content> {
    let (content, content_type) = match answer.file {
        Some(file) => (file, "application/octet-stream"),
        None => {
            let command = answer.command.unwrap_or(asked);
            let text = json::text(&commands::with_ends(answer.fields, command, answer.error));
            (Content::text(text, answer.place), "application/json")
        }
    };
    let mut response = with(answer.status, content);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in answer.headers {
        let value = HeaderValue::from_str(&value).expect("a number");
        headers.insert(HeaderName::from_static(name), value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_what_stands_behind_the_path() {
        let name = |path| command_name("/commands", path);
        for (path, command) in [
            ("/commands", Some("")),
            ("/commands/", Some("")),
            ("/commands/ruok", Some("ruok")),
            ("/commands/ruok/", Some("ruok/")),
            ("/commands//ruok", Some("/ruok")),
            ("/commands/ru%6Fk", Some("ruok")),
            ("/commandsx", None),
            ("/", None),
        ] {
            assert_eq!(name(path).as_deref(), command, "{path}");
        }
    }
}

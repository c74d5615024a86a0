//! One connection: plain or with TLS, and the requests on it one after the other.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use listener::Accepted;
use listener::tls::{HANDSHAKE_BYTE, Handshake};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

use super::{Admin, Tls, request};
use crate::limits;

/// For the first byte where there is no other bound, as for a handshake.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(10);

/// Who asks, as far as the connection tells.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub remote: SocketAddr,
    /// Whose certificate it has shown.
    pub subject: Option<String>,
    /// It came by HTTPS.
    pub is_secure: bool,
}

/// Serves it to its end.
pub(super) async fn serve(admin: Arc<Admin>, accepted: Accepted) {
    let Accepted {
        stream,
        remote,
        admission: _admission,
    } = accepted;
    // A socket that is gone does not mind.
    let _ = stream.set_nodelay(true);
    let plain = Caller {
        remote,
        subject: None,
        is_secure: false,
    };
    match admin.server.security.admin.clone() {
        None => speak(admin, stream, plain).await,
        Some(tls) if begins_tls(&admin, &stream).await => secure(admin, stream, remote, &tls).await,
        Some(_) => {
            admin.server.metrics.insecure_admin_count.add(1);
            speak(admin, stream, plain).await;
        }
    }
}

/// Whether its first byte says so; where there is no HTTP, whatever it says is taken for TLS.
async fn begins_tls(admin: &Admin, stream: &TcpStream) -> bool {
    if admin.settings.tls.as_ref().is_some_and(|tls| tls.only) {
        return true;
    }
    let mut first = [0];
    let time = admin.settings.idle_time.unwrap_or(FIRST_BYTE_TIME);
    let peeked = tokio::time::timeout(time, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1)) if first[0] == HANDSHAKE_BYTE)
}

async fn secure(admin: Arc<Admin>, stream: TcpStream, remote: SocketAddr, tls: &Tls) {
    match tls.accept(stream, remote).await {
        Ok(Handshake { stream, subject }) => {
            let caller = Caller {
                remote,
                subject,
                is_secure: true,
            };
            speak(admin, stream, caller).await;
        }
        Err(error) => tracing::debug!(%remote, "admin server: TLS handshake failed: {error}"),
    }
}

async fn speak<S>(admin: Arc<Admin>, stream: S, caller: Caller)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let idle_time = admin.settings.idle_time;
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(idle_time);
    let remote = caller.remote;
    let service = service_fn(|request| {
        let (admin, caller) = (admin.clone(), caller.clone());
        async move { Ok::<_, Infallible>(request::answer(&admin, &caller, request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(idle_time)
        .max_buf_size(limits::MAX_ADMIN_HEADER_BYTES)
        .half_close(true);
    let outcome = http
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .await;
    if let Err(error) = outcome {
        tracing::debug!(%remote, "admin server: the connection ended: {error}");
    }
}

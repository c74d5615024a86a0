//! The command snapshot: one is written, and the file is sent (Apache: `Commands.SnapshotCommand`).

use hyper::StatusCode;
use persistence::{Dir, snapshot_name};
use proto::Zxid;
use tokio::sync::oneshot;

use super::Admin;
use super::commands::Answer;
use super::content::Content;
use super::request::Asked;
use crate::replica::Input;

/// Takes one; it is sent unless `streaming` is there and something else than true.
pub(super) async fn take(admin: &Admin, asked: &Asked) -> Answer {
    if let Some(refusal) = refusal(admin) {
        return refusal;
    }
    let streaming = asked.parameters.get("streaming");
    let is_sent = streaming.is_none_or(|word| word.eq_ignore_ascii_case("true"));
    match written(admin).await {
        Ok((zxid, file, length)) => Answer {
            headers: vec![
                ("last_zxid", format!("0x{:x}", zxid.0)),
                ("snapshot_size", length.to_string()),
            ],
            file: is_sent.then(|| Content::file(file, length)),
            ..Answer::told(Default::default())
        },
        Err(error) => {
            admin.server.metrics.snapshot_error_count.add(1);
            tracing::error!("no snapshot for the admin server's caller: {error}");
            Answer::refused(StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    }
}

fn refusal(admin: &Admin) -> Option<Answer> {
    let (status, error) = if !admin.settings.snapshot_enabled {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "admin.snapshot.enabled is false",
        )
    } else if !admin.server.config.serialize_last_processed_zxid_enabled {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "serializeLastProcessedZxid.enabled is false",
        )
    } else if !admin.snapshots.allows() {
        admin.server.metrics.snapshot_rate_limited_count.add(1);
        (
            StatusCode::TOO_MANY_REQUESTS,
            "too soon after the last snapshot command (admin.rateLimiterIntervalInMS)",
        )
    } else {
        return None;
    };
    Some(Answer::refused(status, error))
}

/// A new snapshot: its zxid, its file and how long that is.
async fn written(admin: &Admin) -> Result<(Zxid, std::fs::File, u64), String> {
    let (asker, told) = oneshot::channel();
    admin.server.replica.push(Input::TakeSnapshot(asker));
    let zxid = told.await.map_err(|_| "the server stops".to_owned())??;
    let name = snapshot_name(zxid, admin.server.config.snapshot_compression);
    let path = admin.directories.snapshots.path().join(name);
    let opened = tokio::task::block_in_place(|| {
        let file = std::fs::File::open(&path)?;
        let length = file.metadata()?.len();
        Ok::<_, std::io::Error>((file, length))
    });
    let (file, length) = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((zxid, file, length))
}

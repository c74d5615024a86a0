//! File names of `version-2` (`Util.java`).

use proto::Zxid;

use crate::Compression;
use crate::snapshot::TEMPORARY;

/// `log.<hex>`: the zxid of the first txn, lower case, not padded.
pub fn log_name(first: Zxid) -> String {
    format!("log.{:x}", first.0)
}

/// The zxid of a log's name. Apache also takes names with more parts behind it, such as
/// `log.5.bak`, for logs; here a copy that somebody made is not a part of the log.
pub fn parse_log_name(name: &str) -> Option<Zxid> {
    parse_hex(name.strip_prefix("log.")?)
}

/// `snapshot.<hex>[.gz|.snappy]`.
pub fn snapshot_name(zxid: Zxid, compression: Compression) -> String {
    format!("snapshot.{:x}{}", zxid.0, compression.extension())
}

/// The zxid and compression of a snapshot's name.
pub fn parse_snapshot_name(name: &str) -> Option<(Zxid, Compression)> {
    let rest = name.strip_prefix("snapshot.")?;
    let (hex, compression) = match rest.split_once('.') {
        None => (rest, Compression::None),
        Some((hex, extension)) => (hex, Compression::from_extension(extension)?),
    };
    Some((parse_hex(hex)?, compression))
}

/// In front of the name of a snapshot that was set aside, as its txns were truncated: neither
/// recovery here nor Apache's looks at a file whose name does not begin with `snapshot.`.
const SET_ASIDE: &str = "truncated.";

/// `truncated.snapshot.<hex>[.gz|.snappy]`.
pub(crate) fn set_aside_name(snapshot: &str) -> String {
    SET_ASIDE.to_owned() + snapshot
}

/// The zxid of a snapshot, of one that was not finished or of one that was set aside.
pub(crate) fn parse_any_snapshot_name(name: &str) -> Option<Zxid> {
    let whole = name.strip_suffix(TEMPORARY).unwrap_or(name);
    let snapshot = whole.strip_prefix(SET_ASIDE).unwrap_or(whole);
    Some(parse_snapshot_name(snapshot)?.0)
}

/// A zxid as `Long.parseLong(text, 16)` reads it, without a sign.
fn parse_hex(text: &str) -> Option<Zxid> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let zxid = digits.then(|| i64::from_str_radix(text, 16).ok())??;
    Some(Zxid(zxid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_went() {
        let zxid = Zxid(0x5_0000_00ab);
        assert_eq!(log_name(zxid), "log.5000000ab");
        assert_eq!(parse_log_name("log.5000000ab"), Some(zxid));
        for compression in [Compression::None, Compression::Gzip, Compression::Snappy] {
            let name = snapshot_name(zxid, compression);
            assert_eq!(parse_snapshot_name(&name), Some((zxid, compression)));
        }
    }

    #[test]
    fn whatever_was_a_snapshot_is_known_by_its_zxid() {
        for name in [
            "snapshot.5",
            "snapshot.5.gz",
            "snapshot.5.gz.tmp",
            &set_aside_name("snapshot.5"),
            &set_aside_name("snapshot.5.snappy"),
        ] {
            assert_eq!(parse_any_snapshot_name(name), Some(Zxid(5)), "{name}");
        }
        for name in ["truncated.5", "truncated.log.5", "x.snapshot.5"] {
            assert_eq!(parse_any_snapshot_name(name), None, "{name}");
        }
    }

    #[test]
    fn other_files_are_not_taken_for_ours() {
        for name in [
            "log.",
            "log.x",
            "log.5.bak",
            "log.+5",
            "log.ffffffffffffffff",
            "logs.5",
        ] {
            assert_eq!(parse_log_name(name), None, "{name}");
        }
        for name in [
            "snapshot.5.tmp",
            "snapshot.5.gz.tmp",
            "snapshot.-5",
            "truncated.snapshot.5",
            "snapshot",
            "x.5",
        ] {
            assert_eq!(parse_snapshot_name(name), None, "{name}");
        }
    }
}

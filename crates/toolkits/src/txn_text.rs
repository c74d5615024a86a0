//! A txn as one line of text (`TxnLogToolkit.getFormattedTxnStr`, and the `toString` of jute's records,
//! `ToStringOutputArchive`).

use std::fmt::Write as _;

use proto::OpCode;
use proto::records::{Acl, MultiTxn};
use proto::txn::TxnBody;

/// The text; it ends with a line feed where a record's `toString` does.
pub fn text(body: &TxnBody<'_>) -> String {
    match body {
        TxnBody::Create(txn) => format!(
            "{},{},{},{},{}",
            or_null(&txn.path),
            data(txn.data),
            list(&txn.acl),
            txn.ephemeral,
            txn.parent_c_version
        ),
        TxnBody::CreateContainer(txn) => format!(
            "{},{},{},{}",
            or_null(&txn.path),
            data(txn.data),
            list(&txn.acl),
            txn.parent_c_version
        ),
        TxnBody::CreateTtl(txn) => format!(
            "{},{},{},{},{}",
            or_null(&txn.path),
            data(txn.data),
            list(&txn.acl),
            txn.parent_c_version,
            txn.ttl
        ),
        TxnBody::SetData(txn) => {
            format!("{},{},{}", or_null(&txn.path), data(txn.data), txn.version)
        }
        TxnBody::Multi(txn) => parts(txn),
        TxnBody::Delete(txn) => format!("{}\n", quoted(txn.path.as_deref())),
        TxnBody::SetAcl(txn) => format!(
            "{},v{{{}}},{}\n",
            quoted(txn.path.as_deref()),
            entries(&txn.acl),
            txn.version
        ),
        TxnBody::CheckVersion(txn) => {
            format!("{},{}\n", quoted(txn.path.as_deref()), txn.version)
        }
        TxnBody::CreateSession(txn) => format!("{}\n", txn.time_out),
        TxnBody::CloseSession(txn) => match &txn.paths2_delete {
            Some(paths) => {
                let quoted = paths.iter().map(|path| quoted(path.as_deref()));
                format!("v{{{}}}\n", quoted.collect::<Vec<_>>().join(","))
            }
            None => String::new(),
        },
        TxnBody::Error(txn) => format!("{}\n", txn.err.0),
    }
}

/// `Request.op2String`.
pub fn op_name(op: OpCode) -> String {
    op.name()
        .map_or_else(|| format!("unknown {}", op.0), str::to_owned)
}

fn parts(multi: &MultiTxn<'_>) -> String {
    let parts = multi.txns.iter().flatten();
    let texts = parts.map(|part| format!("{}:{}", op_name(part.r#type), data(part.data)));
    texts.collect::<Vec<_>>().join(";")
}

fn or_null(text: &Option<std::borrow::Cow<'_, str>>) -> String {
    text.as_deref().unwrap_or("null").to_owned()
}

fn data(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// `List.toString` of lists' entries, each of which ends with a line feed.
fn list(acl: &Option<Vec<Acl<'_>>>) -> String {
    match acl {
        None => "null".to_owned(),
        Some(acl) => {
            let entries = acl.iter().map(|entry| format!("{}\n", fields(entry)));
            format!("[{}]", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The same list within a record.
fn entries(acl: &Option<Vec<Acl<'_>>>) -> String {
    let entries = acl.iter().flatten();
    let entries = entries.map(|entry| format!("s{{{}}}", fields(entry)));
    entries.collect::<Vec<_>>().join(",")
}

fn fields(acl: &Acl<'_>) -> String {
    format!(
        "{},s{{{},{}}}",
        acl.perms,
        quoted(acl.id.scheme.as_deref()),
        quoted(acl.id.id.as_deref())
    )
}

/// `ToStringOutputArchive.escapeString`.
fn quoted(text: Option<&str>) -> String {
    let Some(text) = text else {
        return String::new();
    };
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\0' | '\n' | '\r' | ',' | '}' | '%' => {
                let _ = write!(out, "%{:02X}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::records::{CloseSessionTxn, Id, SetACLTxn};

    #[test]
    fn a_record_is_written_as_jute_writes_it() {
        let acl = Acl {
            perms: 31,
            id: Id {
                scheme: Some("digest".into()),
                id: Some("a,b}%".into()),
            },
        };
        let set = TxnBody::SetAcl(SetACLTxn {
            path: Some("/a".into()),
            acl: Some(vec![acl.clone(), acl]),
            version: 2,
        });
        let id = "s{31,s{'digest,'a%2Cb%7D%25}}";
        assert_eq!(text(&set), format!("'/a,v{{{id},{id}}},2\n"));
        let close = |paths2_delete| TxnBody::CloseSession(CloseSessionTxn { paths2_delete });
        assert_eq!(text(&close(None)), "");
        assert_eq!(text(&close(Some(vec![]))), "v{}\n");
    }
}

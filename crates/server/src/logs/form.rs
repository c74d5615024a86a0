//! What a line looks like: as Apache's logback.xml writes it, or as one JSON object.

use std::fmt::{self, Debug, Write};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::AUDIT;

/// `%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n` of Apache's conf/logback.xml. The time is the machine's local
/// one. In the place of a Java class stands the module.
pub(super) struct Text {
    /// The server's number in its ensemble; empty on its own, as Apache's.
    pub myid: String,
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        write!(
            out,
            "{} [myid:{}] - {:<5} [{}:{}@{}] - ",
            now(),
            self.myid,
            about.level().as_str(),
            thread(),
            logger(about),
            about.line().unwrap_or_default(),
        )?;
        write_printable(&mut out, &text)?;
        out.write_char('\n')
    }
}

/// One object a line: timestamp, level, myid, thread, logger, line and message, and the fields of the event beside them.
pub(super) struct Json {
    /// As [`Text::myid`].
    pub myid: String,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let own = [
            ("timestamp", jiff::Timestamp::now().to_string()),
            ("level", about.level().to_string()),
            ("myid", self.myid.clone()),
            ("thread", thread()),
            ("logger", logger(about)),
            ("line", about.line().unwrap_or_default().to_string()),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value.into()));
        fields.0.extend(own);
        writeln!(out, "{}", Value::Object(fields.0))
    }
}

/// An event's fields by their names.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }
}

fn now() -> impl fmt::Display {
    jiff::Zoned::now()
        .strftime("%Y-%m-%d %H:%M:%S,%3f")
        .to_string()
}

fn thread() -> String {
    let thread = std::thread::current();
    thread.name().unwrap_or("unnamed").to_owned()
}

/// The module with dots, as a Java class is written; the audit's is Apache's own, by which its lines are found.
pub(super) fn logger(about: &Metadata<'_>) -> String {
    match about.target() {
        AUDIT => "o.a.z.a.Slf4jAuditLogger".to_owned(),
        target => target.replace("::", "."),
    }
}

/// One event is one line: what a client has sent must not look like another one. Tabs stand between the audit's fields.
fn write_printable(out: &mut impl Write, text: &str) -> fmt::Result {
    for piece in text.split_inclusive(|c: char| c.is_control() && c != '\t') {
        let end = piece
            .chars()
            .next_back()
            .filter(|c| c.is_control() && *c != '\t');
        match end {
            Some(control) => {
                out.write_str(&piece[..piece.len() - control.len_utf8()])?;
                write!(out, "{}", control.escape_default())?;
            }
            None => out.write_str(piece)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing_subscriber::fmt::format::DefaultFields;
    use tracing_subscriber::fmt::{MakeWriter, layer};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Lines;

        fn make_writer(&'a self) -> Lines {
            self.clone()
        }
    }

    fn told<F>(form: F, say: impl FnOnce()) -> String
    where
        F: FormatEvent<tracing_subscriber::Registry, DefaultFields> + Send + Sync + 'static,
    {
        let lines = Lines::default();
        let lines_layer = layer()
            .with_ansi(false)
            .with_writer(lines.clone())
            .event_format(form);
        let subscriber = tracing_subscriber::registry().with(lines_layer);
        tracing::subscriber::with_default(subscriber, say);
        String::from_utf8(lines.0.lock().clone()).expect("text")
    }

    #[test]
    fn a_line_reads_like_apaches() {
        let myid = "3".to_owned();
        let line = told(Text { myid }, || {
            tracing::warn!(session = "0x1", "wrong password")
        });
        let (time, rest) = line.split_at("2026-01-01 00:00:00,000".len());
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00 00:00:00,000");
        let start = " [myid:3] - WARN  [";
        assert!(rest.starts_with(start), "{rest}");
        let text = "] - wrong password session=\"0x1\"\n";
        assert!(rest.ends_with(text), "{rest}");
        assert!(rest.contains(":server.logs.form.tests@"), "{rest}");
    }

    #[test]
    fn what_a_client_sends_stays_on_one_line() {
        let myid = String::new();
        let path = "/a\nINFO forged\u{1b}[0m\tb";
        let line = told(
            Text { myid },
            || tracing::info!(target: AUDIT, "znode={path}"),
        );
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("znode=/a\\n"), "{line}");
        assert!(line.ends_with("\tb\n"), "{line}");
        assert!(line.contains(":o.a.z.a.Slf4jAuditLogger@"), "{line}");
    }

    #[test]
    fn json_has_message_and_fields_of_their_types() {
        let myid = "1".to_owned();
        let line = told(Json { myid }, || tracing::info!(bytes = 7, "written\n"));
        let object: Value = serde_json::from_str(&line).expect("an object");
        assert_eq!(object["message"], "written\n");
        assert_eq!(object["bytes"], 7);
        assert_eq!(
            (&object["level"], &object["myid"]),
            (&"INFO".into(), &"1".into())
        );
    }
}

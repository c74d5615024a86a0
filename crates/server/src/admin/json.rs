//! JSON as Jackson prints it with its indentation, for callers that look for lines of it.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};

/// The text of an object.
pub(super) fn text(object: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Indented::default());
    object
        .serialize(&mut serializer)
        .expect("a Vec takes all, and all keys are texts");
    out
}

/// `DefaultPrettyPrinter`: objects on lines of their own, arrays on one.
#[derive(Default)]
struct Indented {
    depth: usize,
    has_entry: bool,
}

impl Indented {
    fn new_line<W: ?Sized + io::Write>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Indented {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b" " } else { b", " })
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b" ]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_entry = false;
        out.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.new_line(out)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b" : ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_entry = true;
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        match self.has_entry {
            true => self.new_line(out)?,
            false => out.write_all(b" ")?,
        }
        out.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_as_jacksons() {
        let Value::Object(object) = json!({
            "a": [{"b": 1, "c": "x"}, {"b": 2.5}],
            "d": [],
            "e": {},
            "f": {"1": [7, 8]},
            "error": null,
        }) else {
            unreachable!()
        };
        let expected = r#"{
  "a" : [ {
    "b" : 1,
    "c" : "x"
  }, {
    "b" : 2.5
  } ],
  "d" : [ ],
  "e" : { },
  "f" : {
    "1" : [ 7, 8 ]
  },
  "error" : null
}"#;
        assert_eq!(String::from_utf8(text(&object)).expect("text"), expected);
    }
}

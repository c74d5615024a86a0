//! Prints a log, repairs its checksums or cuts it (`TxnLogToolkit.java`, `LogChopper.java`).
//!
//! Unlike Apache's, a repaired file is not filled up with zeros ahead of its end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use proto::txn::TxnRecord;

use crate::options::{self, Parsed, Spec, switch};
use crate::{Console, FINISHED, INVALID, ToolError, UNEXPECTED, dates, txn_text};

/// "ZKLG".
const MAGIC: i32 = 0x5a4b_4c47;
/// Behind each record.
const END_OF_RECORD: u8 = b'B';

const USAGE: &str = "TxnLogToolkit [-dhrvc] <txn_log_file_name> (-z <zxid>)";
const OPTIONS: [Spec; 7] = [
    switch('h', "help", "Print this text"),
    switch(
        'r',
        "recover",
        "Write <txn_log_file_name>.fixed, with the checksums that are wrong reckoned anew",
    ),
    switch(
        'v',
        "verbose",
        "With -r: print all txns, not only those that are repaired",
    ),
    switch('d', "dump", "Print all txns (default)"),
    switch('y', "yes", "With -r: repair without asking"),
    switch('c', "chop", "With -z: copy the txns up to a zxid"),
    Spec {
        short: 'z',
        long: "zxid",
        value: Some("arg"),
        required: false,
        about: "The last zxid that -c copies",
    },
];

pub fn run(args: &[String], console: &mut Console<'_>) -> Result<u8, ToolError> {
    let parsed = match options::parse(&OPTIONS, args) {
        Ok(parsed) => parsed,
        Err(message) => {
            writeln!(console.err, "{message}\n")?;
            return help(console, UNEXPECTED);
        }
    };
    if parsed.has('h') {
        return help(console, FINISHED);
    }
    let Some(name) = parsed.arguments.first() else {
        return help(console, UNEXPECTED);
    };
    let path = PathBuf::from(name);
    match parsed.value('z').filter(|_| parsed.has('c')) {
        Some(zxid) => chop(&path, zxid, console)?,
        None => dump(&path, &parsed, console)?,
    }
    Ok(FINISHED)
}

fn help(console: &mut Console<'_>, code: u8) -> Result<u8, ToolError> {
    write!(console.out, "{}", options::help(USAGE, &OPTIONS))?;
    Ok(code)
}

/// A log that is read without a look at what it means.
struct Log {
    path: PathBuf,
    source: BufReader<File>,
    max_bytes: u32,
}

/// A record as it stands there.
struct Entry {
    sum: i64,
    bytes: Vec<u8>,
}

impl Entry {
    fn right_sum(&self) -> i64 {
        let mut sum = simd_adler32::Adler32::new();
        sum.write(&self.bytes);
        sum.finish().into()
    }

    fn write_to(&self, sum: i64, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&sum.to_be_bytes())?;
        // A length that was read as one of 32 bits.
        out.write_all(
            &u32::try_from(self.bytes.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        )?;
        out.write_all(&self.bytes)?;
        out.write_all(&[END_OF_RECORD])
    }
}

impl Log {
    fn open(path: &Path, max_bytes: u32) -> Result<Self, ToolError> {
        let file = File::open(path).map_err(|_| {
            ToolError::failed(format!(
                "File doesn't exist or not readable: {}",
                path.display()
            ))
        })?;
        Ok(Log {
            path: path.to_owned(),
            source: BufReader::new(file),
            max_bytes,
        })
    }

    /// The first 16 bytes, and the line about them.
    fn header(&mut self) -> Result<([u8; 16], String), ToolError> {
        let header: [u8; 16] = self.array()?.ok_or_else(|| self.ended())?;
        let int = |at: usize| i32::from_be_bytes(header[at..at + 4].try_into().expect("4 bytes"));
        let dbid = i64::from_be_bytes(header[8..].try_into().expect("8 bytes"));
        if int(0) != MAGIC {
            let name = self.path.file_name().unwrap_or_default().to_string_lossy();
            return Err(ToolError::invalid(format!(
                "Invalid magic number for {name}"
            )));
        }
        let version = int(4);
        let line = format!(
            "ZooKeeper Transactional Log File with dbid {dbid} txnlog format version {version}"
        );
        Ok((header, line))
    }

    /// The next record; none where there is nothing more, or zeros that wait for one.
    fn entry(&mut self) -> Result<Option<Entry>, ToolError> {
        let (Some(sum), Some(length)) = (self.array()?, self.array()?) else {
            return Ok(None);
        };
        let (sum, length) = (i64::from_be_bytes(sum), i32::from_be_bytes(length));
        let size = u32::try_from(length)
            .ok()
            .filter(|size| *size <= self.max_bytes);
        let size = size.ok_or_else(|| self.failed(format!("Unreasonable length = {length}")))?;
        let mut bytes = vec![0; size as usize];
        let is_whole = self.fill(&mut bytes)?;
        Ok((is_whole && size > 0).then_some(Entry { sum, bytes }))
    }

    /// Whether what stands behind a record is the mark of its end.
    fn is_ended(&mut self) -> Result<bool, ToolError> {
        let mark: Option<[u8; 1]> = self.array()?;
        match mark {
            Some([mark]) => Ok(mark == END_OF_RECORD),
            None => Err(self.ended()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, ToolError> {
        let mut bytes = [0; N];
        Ok(self.fill(&mut bytes)?.then_some(bytes))
    }

    /// False at the end of the file.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, ToolError> {
        match self.source.read_exact(bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn ended(&self) -> ToolError {
        self.failed("the file ends here, within a header or a record")
    }

    fn failed(&self, what: impl std::fmt::Display) -> ToolError {
        ToolError::failed(format!("{}: {what}", self.path.display()))
    }
}

fn dump(path: &Path, parsed: &Parsed, console: &mut Console<'_>) -> Result<(), ToolError> {
    let mut log = Log::open(path, console.max_field_bytes)?;
    let mut repair = match parsed.has('r') {
        true => Some(Repair::begin(path, parsed.has('y'))?),
        false => None,
    };
    let prints_all = repair.is_none() || parsed.has('v');
    let (header, line) = log.header()?;
    writeln!(console.out, "{line}")?;
    if let Some(repair) = &mut repair {
        repair.write(|out| out.write_all(&header))?;
    }
    let mut count = 0;
    while let Some(entry) = log.entry()? {
        let mut sum = entry.sum;
        if sum != entry.right_sum() {
            match &mut repair {
                Some(repair) => sum = repair.judge(&entry, &log, console)?,
                None => print("CRC ERROR - ", &entry, &log, console)?,
            }
        }
        if prints_all {
            print("", &entry, &log, console)?;
        }
        if !log.is_ended()? {
            return Err(ToolError::failed("Last transaction was partial."));
        }
        if let Some(repair) = &mut repair {
            repair.write(|out| entry.write_to(sum, out))?;
        }
        count += 1;
    }
    writeln!(console.out, "EOF reached after {count} txns.")?;
    match repair {
        Some(repair) => repair.end(console),
        None => Ok(()),
    }
}

/// The repaired file that is being written.
struct Repair {
    path: PathBuf,
    file: BufWriter<File>,
    without_asking: bool,
    fixed: u32,
}

impl Repair {
    fn begin(log: &Path, without_asking: bool) -> Result<Self, ToolError> {
        let mut name = log.as_os_str().to_owned();
        name.push(".fixed");
        let path = PathBuf::from(name);
        let file = File::create_new(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ToolError::failed(format!(
                "Recovery file {} already exists or not writable",
                path.display()
            )),
            _ => ToolError::failed(format!("{}: {error}", path.display())),
        })?;
        Ok(Repair {
            path,
            file: BufWriter::new(file),
            without_asking,
            fixed: 0,
        })
    }

    /// The checksum that a record with a wrong one shall have.
    fn judge(
        &mut self,
        entry: &Entry,
        log: &Log,
        console: &mut Console<'_>,
    ) -> Result<i64, ToolError> {
        let fixes = if self.without_asking {
            print("CRC FIXED - ", entry, log, console)?;
            true
        } else {
            print("CRC ERROR - ", entry, log, console)?;
            asks_for_fix(console)?
        };
        self.fixed += u32::from(fixes);
        Ok(if fixes { entry.right_sum() } else { entry.sum })
    }

    fn write(
        &mut self,
        what: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ToolError> {
        what(&mut self.file)
            .map_err(|error| ToolError::failed(format!("{}: {error}", self.path.display())))
    }

    fn end(mut self, console: &mut Console<'_>) -> Result<(), ToolError> {
        self.write(|out| out.flush())?;
        let synced = self.file.get_ref().sync_all();
        synced.map_err(|error| ToolError::failed(format!("{}: {error}", self.path.display())))?;
        writeln!(
            console.out,
            "Recovery file {} has been written with {} fixed CRC error(s)",
            self.path.display(),
            self.fixed
        )?;
        Ok(())
    }
}

fn asks_for_fix(console: &mut Console<'_>) -> Result<bool, ToolError> {
    loop {
        write!(console.out, "Would you like to fix it (Yes/No/Abort) ? ")?;
        console.out.flush()?;
        match word(console.input)?.to_ascii_uppercase() {
            b'Y' => return Ok(true),
            b'N' => return Ok(false),
            b'A' => {
                return Err(ToolError::Failed {
                    code: FINISHED,
                    message: "Recovery aborted.".to_owned(),
                });
            }
            _ => {}
        }
    }
}

/// The first byte of the next word.
fn word(input: &mut dyn BufRead) -> Result<u8, ToolError> {
    let mut first = None;
    loop {
        let buffer = input.fill_buf().map_err(ToolError::failed)?;
        let Some(&byte) = buffer.first() else {
            return first.ok_or_else(|| ToolError::failed("no answer: the input has ended"));
        };
        input.consume(1);
        match (byte.is_ascii_whitespace(), first) {
            (true, Some(first)) => return Ok(first),
            (false, None) => first = Some(byte),
            _ => {}
        }
    }
}

fn print(
    prefix: &str,
    entry: &Entry,
    log: &Log,
    console: &mut Console<'_>,
) -> Result<(), ToolError> {
    let record = TxnRecord::decode(&entry.bytes).map_err(|error| log.failed(error))?;
    let header = &record.header;
    let text = txn_text::text(&record.body);
    write!(
        console.out,
        "{prefix}{} session 0x{:x} cxid 0x{:x} zxid 0x{:x} {} {text}{}",
        dates::short_date_long_time(header.time),
        header.client_id.0,
        header.cxid,
        header.zxid.0,
        txn_text::op_name(header.r#type),
        if text.ends_with('\n') { "" } else { "\n" },
    )?;
    Ok(())
}

/// Copies the txns up to a zxid into `LOG.chopped<zxid>`. As with Apache, what goes wrong is said on stdout, and the exit
/// code is 0 nevertheless.
fn chop(path: &Path, zxid: &str, console: &mut Console<'_>) -> Result<(), ToolError> {
    let zxid = decoded(zxid)
        .filter(|zxid| *zxid >= 0)
        .ok_or_else(|| ToolError::failed(format!("{zxid} is no zxid: write 10 or 0xa")))?;
    let log = Log::open(path, console.max_field_bytes)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".chopped{zxid}"));
    let outcome = chop_into(log, Path::new(&name), zxid, console);
    match outcome {
        Err(ToolError::Failed { code, message }) if code != INVALID => {
            writeln!(console.out, "Got exception: {message}")?;
        }
        Ok(true) => {}
        Ok(false) | Err(ToolError::Failed { .. }) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            writeln!(console.out, "Got exception: Failed to chop {name}")?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// False where nothing was to be cut off.
fn chop_into(
    mut log: Log,
    target: &Path,
    zxid: i64,
    console: &mut Console<'_>,
) -> Result<bool, ToolError> {
    let refused = |error: io::Error| ToolError::failed(format!("{}: {error}", target.display()));
    let mut out = BufWriter::new(File::create(target).map_err(refused)?);
    let (header, line) = log.header().inspect_err(|error| {
        if matches!(error, ToolError::Failed { code: INVALID, .. }) {
            let _ = writeln!(console.err, "Invalid magic number in txn log file");
        }
    })?;
    writeln!(console.out, "{line}")?;
    out.write_all(&header).map_err(refused)?;
    let (mut count, mut previous, mut has_zxid) = (0, None, false);
    while let Some(entry) = log.entry()? {
        let sum = entry.right_sum();
        if entry.sum != sum {
            let message = format!("CRC doesn't match {} vs {sum}", entry.sum);
            return Err(ToolError::failed(message));
        }
        let record = TxnRecord::decode(&entry.bytes).map_err(|error| log.failed(error))?;
        let this = record.header.zxid.0;
        if !log.is_ended()? {
            writeln!(console.out, "Last transaction was partial.")?;
            return Err(ToolError::failed("Last transaction was partial."));
        }
        has_zxid |= this == zxid;
        if let Some(gap) = previous.and_then(|previous| gap(previous, this)) {
            writeln!(console.out, "{gap}")?;
        }
        previous = Some(this);
        if this > zxid {
            if count == 0 || !has_zxid {
                writeln!(console.out, "This log does not contain zxid {zxid:x}")?;
                return Ok(false);
            }
            out.flush().map_err(refused)?;
            out.get_ref().sync_all().map_err(refused)?;
            writeln!(
                console.out,
                "Chopping at {zxid:x} new log has {count} records"
            )?;
            return Ok(true);
        }
        entry.write_to(entry.sum, &mut out).map_err(refused)?;
        count += 1;
    }
    out.flush().map_err(refused)?;
    writeln!(console.out, "EOF reached after {count} txns.")?;
    Ok(false)
}

/// The line about zxids that are missing between two.
fn gap(previous: i64, this: i64) -> Option<String> {
    let is_next = this == previous.wrapping_add(1);
    let kind = match (previous >> 32 == this >> 32, this & 0xffff_ffff) {
        _ if is_next => return None,
        (true, _) => "intra",
        (false, 1) => return None,
        (false, _) => "inter",
    };
    Some(format!(
        "There is {kind}-epoch gap between {previous:x} and {this:x}"
    ))
}

/// `Long.decode`: decimal, `0x`, `0X` or `#` and hexadecimal, `0` and octal, with a sign.
fn decoded(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = ["0x", "0X", "#"]
        .iter()
        .find_map(|prefix| digits.strip_prefix(prefix));
    let (digits, radix) = match (hex, digits.strip_prefix('0')) {
        (Some(hex), _) => (hex, 16),
        (None, Some(octal)) if !octal.is_empty() => (octal, 8),
        _ => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Tool, testing::ran};

    #[test]
    fn zxids_are_read_as_java_decodes_them() {
        for (text, expected) in [
            ("10", Some(10)),
            ("0x10", Some(16)),
            ("#ff", Some(255)),
            ("010", Some(8)),
            ("0", Some(0)),
            ("-0x1", Some(-1)),
            ("0x-1", None),
            ("ten", None),
            ("", None),
        ] {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_no_log_and_one_that_is_not_there_are_told_apart() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.1");
        let name = path.to_str().expect("text");
        let (code, _, err) = ran(Tool::TxnLogToolkit, &[name], "");
        assert_eq!(
            (code, err),
            (1, format!("File doesn't exist or not readable: {name}\n"))
        );
        fs::write(&path, [7; 32]).expect("written");
        let (code, _, err) = ran(Tool::TxnLogToolkit, &[name], "");
        assert_eq!((code, &*err), (2, "Invalid magic number for log.1\n"));
    }

    #[test]
    fn a_length_beyond_all_records_ends_the_dump_with_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.1");
        let mut bytes = b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0, 0, 0]);
        fs::write(&path, bytes).expect("written");
        let name = path.to_str().expect("text");
        let (code, _, err) = ran(Tool::TxnLogToolkit, &[name], "");
        assert_eq!(
            (code, err),
            (1, format!("{name}: Unreasonable length = 2130706432\n"))
        );
    }
}

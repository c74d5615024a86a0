//! Prints what differs between two snapshots, level by level (`SnapshotComparer.java`).
//!
//! Counts and sizes are Apache's: a znode's count is that of all below it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use crate::options::{self, Spec, switch};
use crate::snapshot::{Snapshot, Total, totals};
use crate::{Console, FINISHED, INVALID, ToolError};

const USAGE: &str = "java -cp <classPath> org.apache.zookeeper.server.SnapshotComparer";
const OPTIONS: [Spec; 6] = [
    needed('l', "left", "LEFT", "(Required) One snapshot"),
    needed('r', "right", "RIGHT", "(Required) The other one"),
    needed(
        'b',
        "bytes",
        "BYTETHRESHOLD",
        "(Required) Bytes of data above which a difference is printed",
    ),
    needed(
        'n',
        "nodes",
        "NODETHRESHOLD",
        "(Required) Znodes above which a difference is printed",
    ),
    switch(
        'd',
        "debug",
        "Print what is compared, and what is filtered out",
    ),
    switch('i', "interactive", "Ask what to compare, level by level"),
];

const fn needed(short: char, long: &'static str, value: &'static str, about: &'static str) -> Spec {
    Spec {
        short,
        long,
        value: Some(value),
        required: true,
        about,
    }
}

pub fn run(args: &[String], console: &mut Console<'_>) -> Result<u8, ToolError> {
    let parsed = match options::parse(&OPTIONS, args) {
        Ok(parsed) => parsed,
        Err(message) => {
            writeln!(console.err, "{message}")?;
            write!(console.out, "{}", options::help(USAGE, &OPTIONS))?;
            return Ok(INVALID);
        }
    };
    let threshold = |letter| {
        let text = parsed.value(letter).unwrap_or_default();
        let number = text.parse::<i32>().map(i64::from);
        number.map_err(|_| ToolError::failed(format!("-{letter} {text} is no number of 32 bits")))
    };
    let (bytes, nodes) = (threshold('b')?, threshold('n')?);
    writeln!(console.out, "Successfully parsed options!")?;
    let mut read =
        |letter| Side::read(Path::new(parsed.value(letter).unwrap_or_default()), console);
    let (left, right) = (read('l')?, read('r')?);
    left.print(console)?;
    right.print(console)?;
    let is_interactive = parsed.has('i');
    let comparison = Comparison {
        left,
        right,
        bytes,
        nodes,
        debug: parsed.has('d'),
        shows_filtered: parsed.has('d') || is_interactive,
    };
    match is_interactive {
        true => comparison.ask(console)?,
        false => comparison.all(console)?,
    }
    writeln!(console.out, "All layers compared.")?;
    Ok(FINISHED)
}

/// A znode by its path, the root's empty.
struct Node {
    path: String,
    total: Total,
}

/// One of the two trees.
struct Side {
    root: Total,
    /// By depth and path, in the order of Java's strings.
    levels: Vec<BTreeMap<Vec<u16>, Node>>,
}

impl Side {
    fn read(file: &Path, console: &mut Console<'_>) -> Result<Self, ToolError> {
        let begun = Instant::now();
        let snapshot = Snapshot::read(file, console.max_field_bytes, false)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(
            console.out,
            "Deserialized snapshot in {name} in {seconds:.6} seconds"
        )?;
        let begun = Instant::now();
        let totals = totals(&snapshot.znodes);
        let root = totals.first().copied().unwrap_or_default();
        let mut levels: Vec<BTreeMap<_, _>> = Vec::new();
        for (znode, total) in snapshot.znodes.into_iter().zip(totals) {
            let depth = znode.depth();
            levels.resize_with(levels.len().max(depth + 1), BTreeMap::new);
            let (key, path) = (java_order(&znode.path), znode.path);
            levels[depth].insert(key, Node { path, total });
        }
        let seconds = begun.elapsed().as_secs_f64();
        writeln!(console.out, "Processed data tree in {seconds:.6} seconds")?;
        Ok(Side { root, levels })
    }

    fn print(&self, console: &mut Console<'_>) -> Result<(), ToolError> {
        let count: usize = self.levels.iter().map(BTreeMap::len).sum();
        writeln!(console.out, "Node count: {count}")?;
        writeln!(console.out, "Total size: {}", self.root.bytes)?;
        writeln!(console.out, "Max depth: {}", self.levels.len())?;
        for (depth, level) in self.levels.iter().enumerate() {
            writeln!(
                console.out,
                "Count of nodes at depth {depth}: {}",
                level.len()
            )?;
        }
        writeln!(console.out)?;
        Ok(())
    }

    fn level(&self, depth: usize) -> Vec<&Node> {
        self.levels
            .get(depth)
            .into_iter()
            .flat_map(BTreeMap::values)
            .collect()
    }

    /// What is directly below a path; none where the path is not there.
    fn below(&self, path: &str) -> Option<Vec<&Node>> {
        let depth = path.matches('/').count();
        self.levels.get(depth)?.get(&java_order(path))?;
        let mut children = self.level(depth + 1);
        children.retain(|node| {
            node.path
                .rsplit_once('/')
                .is_some_and(|(above, _)| above == path)
        });
        Some(children)
    }
}

/// `String.compareTo` compares UTF-16.
fn java_order(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

struct Comparison {
    left: Side,
    right: Side,
    bytes: i64,
    nodes: i64,
    debug: bool,
    shows_filtered: bool,
}

impl Comparison {
    fn max_depth(&self) -> usize {
        self.left.levels.len().max(self.right.levels.len())
    }

    fn all(&self, console: &mut Console<'_>) -> Result<(), ToolError> {
        self.print_thresholds(console)?;
        for depth in 0..self.max_depth() {
            self.level(depth, console)?;
        }
        Ok(())
    }

    /// Until there is no deeper level.
    fn ask(&self, console: &mut Console<'_>) -> Result<(), ToolError> {
        let mut depth = 0;
        while depth < self.max_depth() {
            writeln!(console.out, "Current depth is {depth}")?;
            writeln!(
                console.out,
                "- Press enter to move to print current depth layer;\n\
                 - Type a number to jump to and print all nodes at a given depth;\n\
                 - Enter an ABSOLUTE path to print the immediate subtree of a node. Path must start with '/'."
            )?;
            console.out.flush()?;
            let answer = line(console)?;
            self.print_thresholds(console)?;
            if self.answer(&answer, &mut depth, console)? {
                writeln!(console.out)?;
            }
        }
        Ok(())
    }

    /// False where the answer was a depth that there is not.
    fn answer(
        &self,
        answer: &str,
        depth: &mut usize,
        console: &mut Console<'_>,
    ) -> Result<bool, ToolError> {
        let last = self.max_depth() - 1;
        if answer.is_empty() {
            self.level(*depth, console)?;
            *depth += 1;
        } else if answer.starts_with('/') {
            writeln!(console.out, "Analysis for node {answer}")?;
            self.subtree(answer, console)?;
        } else if let Ok(number) = answer.parse::<i32>() {
            match usize::try_from(number)
                .ok()
                .filter(|number| *number <= last)
            {
                Some(number) => {
                    *depth = number;
                    self.level(number, console)?;
                }
                None => {
                    writeln!(console.out, "Depth must be in range [0, {last}]")?;
                    return Ok(false);
                }
            }
        } else {
            writeln!(
                console.out,
                "Input {answer} is not valid. Depth must be in range [0, {last}]. Path must be an absolute path which starts with '/'."
            )?;
        }
        Ok(true)
    }

    fn print_thresholds(&self, console: &mut Console<'_>) -> Result<(), ToolError> {
        writeln!(
            console.out,
            "Printing analysis for nodes difference larger than {} bytes or node count difference larger than {}.",
            self.bytes, self.nodes
        )?;
        Ok(())
    }

    fn level(&self, depth: usize, console: &mut Console<'_>) -> Result<(), ToolError> {
        writeln!(console.out, "Analysis for depth {depth}")?;
        self.compare(&self.left.level(depth), &self.right.level(depth), console)
    }

    fn subtree(&self, path: &str, console: &mut Console<'_>) -> Result<(), ToolError> {
        match (self.left.below(path), self.right.below(path)) {
            (None, None) => {
                writeln!(
                    console.out,
                    "Path {path} is neither found in left tree nor right tree."
                )?;
                Ok(())
            }
            (left, right) => self.compare(
                &left.unwrap_or_default(),
                &right.unwrap_or_default(),
                console,
            ),
        }
    }

    fn compare(
        &self,
        left: &[&Node],
        right: &[&Node],
        console: &mut Console<'_>,
    ) -> Result<(), ToolError> {
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => self.order(one, other, console)?,
            };
            let one = left.next_if(|_| order != Ordering::Greater);
            let other = right.next_if(|_| order != Ordering::Less);
            match (one, other) {
                (Some(one), Some(other)) => self.print_both(one, other, console)?,
                (Some(one), None) => self.print_one("left", one, console)?,
                (None, Some(other)) => self.print_one("right", other, console)?,
                (None, None) => return Ok(()),
            }
        }
    }

    fn order(
        &self,
        one: &Node,
        other: &Node,
        console: &mut Console<'_>,
    ) -> Result<Ordering, ToolError> {
        let order = java_order(&one.path).cmp(&java_order(&other.path));
        if self.debug {
            let word = match order {
                Ordering::Less => "left is less",
                Ordering::Greater => "right is less",
                Ordering::Equal => "same",
            };
            writeln!(
                console.out,
                "Comparing {} to {}\n{word}",
                one.path, other.path
            )?;
        }
        Ok(order)
    }

    fn is_above(&self, bytes: i64, nodes: i64) -> bool {
        bytes > self.bytes || nodes > self.nodes
    }

    fn print_one(
        &self,
        side: &str,
        node: &Node,
        console: &mut Console<'_>,
    ) -> Result<(), ToolError> {
        let (path, Total { below, bytes }) = (&node.path, node.total);
        if self.is_above(signed(bytes), signed(below)) {
            writeln!(
                console.out,
                "Node {path} found only in {side} tree. Descendant size: {bytes}. Descendant count: {below}"
            )?;
        } else if self.shows_filtered {
            writeln!(console.out, "Filtered {side} node {path} of size {bytes}")?;
        }
        Ok(())
    }

    fn print_both(
        &self,
        one: &Node,
        other: &Node,
        console: &mut Console<'_>,
    ) -> Result<(), ToolError> {
        let bytes = signed(other.total.bytes) - signed(one.total.bytes);
        let nodes = signed(other.total.below) - signed(one.total.below);
        if self.is_above(bytes.abs(), nodes.abs()) {
            writeln!(
                console.out,
                "Node {} found in both trees. Delta: {bytes} bytes, {nodes} descendants",
                one.path
            )?;
        } else if self.shows_filtered {
            writeln!(
                console.out,
                "Filtered node {} of left size {}, right size {}",
                one.path, one.total.bytes, other.total.bytes
            )?;
        }
        Ok(())
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn line(console: &mut Console<'_>) -> Result<String, ToolError> {
    let mut line = String::new();
    let read = console.input.read_line(&mut line);
    if read.map_err(ToolError::failed)? == 0 {
        return Err(ToolError::failed("no answer: the input has ended"));
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

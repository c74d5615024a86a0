//! The page that `check` prints, and the exit code that scripts look at.

use std::fmt::{self, Display};

use crate::exit_code::ExitCode;

/// What was found, by what it means for a start.
#[derive(Debug, Default)]
pub struct Report {
    blocks: Vec<String>,
    differs: Vec<String>,
    works: Vec<String>,
}

impl Report {
    /// A server would not start, or should not before somebody has looked at this. What is found twice is told once.
    pub(super) fn blocks(&mut self, finding: impl Display) {
        let finding = finding.to_string();
        if !self.blocks.contains(&finding) {
            self.blocks.push(finding);
        }
    }

    /// A server starts, and something is not as with Apache's, or wants a look.
    pub(super) fn differs(&mut self, finding: impl Display) {
        self.differs.push(finding.to_string());
    }

    /// As with Apache's.
    pub(super) fn works(&mut self, finding: impl Display) {
        self.works.push(finding.to_string());
    }

    /// 0 where nothing blocks, else that of a wrong configuration.
    pub fn exit_code(&self) -> ExitCode {
        match self.blocks.is_empty() {
            true => ExitCode::ExecutionFinished,
            false => ExitCode::InvalidInvocation,
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, findings) in [
            ("Blocks: do not start before this is settled", &self.blocks),
            ("Differs, or wants a look", &self.differs),
            ("Works", &self.works),
        ] {
            if findings.is_empty() {
                continue;
            }
            writeln!(f, "{title} ({})", findings.len())?;
            for finding in findings {
                writeln!(f, "  - {finding}")?;
            }
        }
        let verdict = match (self.blocks.len(), self.differs.len()) {
            (0, 0) => "ironkeeper can start on this configuration".to_owned(),
            (0, notes) => format!("ironkeeper can start on this configuration; notes: {notes}"),
            (blocks, _) => format!("ironkeeper cannot take over yet; what blocks: {blocks}"),
        };
        write!(f, "{verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_blocks_gives_a_code_other_than_0() {
        let mut report = Report::default();
        report.works("one");
        report.differs("two");
        assert_eq!(report.exit_code(), ExitCode::ExecutionFinished);
        report.blocks("three");
        assert_eq!(report.exit_code(), ExitCode::InvalidInvocation);
    }

    #[test]
    fn what_blocks_stands_first_and_empty_parts_are_left_out() {
        let mut report = Report::default();
        report.works("one");
        report.blocks("three");
        assert_eq!(
            report.to_string(),
            "Blocks: do not start before this is settled (1)\n  - three\nWorks (1)\n  - one\n\
             ironkeeper cannot take over yet; what blocks: 1"
        );
    }
}

//! The binary's exit codes and outputs, where no server has to run for them.

use std::process::{Command, Output};

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironkeeper"));
    let command = command
        .args(args)
        .env_remove("JVMFLAGS")
        .env_remove("SERVER_JVMFLAGS");
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("utf-8")
}

#[test]
fn help_and_version_go_to_the_output_with_code_0() {
    for (word, part) in [
        ("help", "Usage: ironkeeper serve"),
        ("version", env!("CARGO_PKG_VERSION")),
    ] {
        let output = run(&[word]);
        assert_eq!(output.status.code(), Some(0), "{word}");
        assert!(text(&output.stdout).contains(part), "{word}");
        assert!(output.stderr.is_empty(), "{word}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_code_2_and_the_usage() {
    for args in [&[][..], &["start"], &["serve"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            text(&output.stderr).contains("Usage: ironkeeper serve"),
            "{args:?}"
        );
    }
}

#[test]
fn a_wrong_configuration_ends_with_code_2_and_one_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("zoo.cfg");
    std::fs::write(&file, "dataDir=/data\nclientPort=2181\ntickTime=0\n").expect("zoo.cfg");
    let output = run(&["serve", file.to_str().expect("utf-8")]);
    assert_eq!(output.status.code(), Some(2));
    let said = format!(
        "ironkeeper: {} line 3: tickTime=0 is not positive; set milliseconds such as tickTime=2000\n",
        file.display()
    );
    assert_eq!(text(&output.stderr), said);
}

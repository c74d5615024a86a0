//! `ironkeeper bench` against the real binary: what it counts, what it leaves, what it says.

use std::process::{Command, Output};

use super::{Ironkeeper, connect};

fn bench(server: &str, options: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ironkeeper"))
        .args(["bench", "--servers", server])
        .args(options.split_whitespace())
        .output()
        .expect("the binary runs")
}

fn run(server: &Ironkeeper, options: &str) -> Output {
    bench(&server.address().to_string(), options)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The number behind a key of the JSON line.
fn number(json: &str, key: &str) -> f64 {
    let (_, rest) = json.split_once(&format!("\"{key}\": ")).expect(key);
    let end = rest.find([',', '}']).expect("goes on");
    rest[..end].parse().expect(key)
}

async fn children(server: &Ironkeeper, path: &str) -> Vec<String> {
    let client = connect(server).await;
    client.list_children(path).await.expect("is there")
}

#[tokio::test]
async fn each_workload_is_answered_and_leaves_nothing() {
    let server = Ironkeeper::start("maxClientCnxns=0");
    for workload in ["get", "set", "create", "mixed", "ping", "watch"] {
        let options =
            format!("--workload {workload} --connections 4 --in-flight 3 --requests 2400 --json");
        let output = run(&server, &options);
        let json = text(&output.stdout);
        assert!(
            output.status.success(),
            "{workload}: {json}{}",
            text(&output.stderr)
        );
        assert_eq!(number(&json, "requests"), 2400.0, "{json}");
        assert!(json.contains("\"errors\": {}"), "{json}");
        let most = number(&json, "max_ms");
        assert!(number(&json, "p50_ms") <= most && most > 0.0, "{json}");
        assert_eq!(children(&server, "/").await, ["zookeeper"], "{workload}");
    }
}

#[tokio::test]
async fn what_is_kept_is_what_was_counted() {
    let server = Ironkeeper::start("");
    let output = run(
        &server,
        "--workload create --connections 2 --requests 2500 --keep",
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut roots = children(&server, "/").await;
    roots.retain(|name| name.starts_with("ironkeeper-bench-"));
    let [root] = &roots[..] else {
        panic!("{roots:?}")
    };
    let mut nodes = 0;
    for group in children(&server, &format!("/{root}")).await {
        nodes += 1 + children(&server, &format!("/{root}/{group}")).await.len();
    }
    assert_eq!(nodes, 2500);
}

#[test]
fn idle_sessions_beat_and_the_server_is_measured() {
    let server = Ironkeeper::start("tickTime=500");
    let options = "--workload idle --connections 8 --session-timeout-ms 1000 --requests 16";
    let output = run(&server, &format!("{options} --server-pid {}", server.pid()));
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("heart-beats  16 ("), "{said}");
    assert!(said.contains("server CPU"), "{said}");
}

#[test]
fn a_timed_run_counts_only_its_interval() {
    let server = Ironkeeper::start("");
    let options = "--workload get --connections 2 --seconds 0.3 --warm-up-seconds 0.1 --json";
    let output = run(&server, options);
    let json = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        number(&json, "seconds") >= 0.29 && number(&json, "requests") > 0.0,
        "{json}"
    );
}

#[test]
fn what_goes_wrong_is_said_with_its_exit_code() {
    let server = Ironkeeper::start("");
    for (output, code, said) in [
        (
            run(&server, "--workload get --parent /gone"),
            1,
            "/gone/ironkeeper-bench-",
        ),
        (
            run(&server, "--workload get --connections 70 --requests 1"),
            1,
            "maxClientCnxns",
        ),
        (run(&server, "--workload fly"), 2, "fly"),
        (
            bench("127.0.0.1:1", "--workload get"),
            1,
            "cannot connect to 127.0.0.1:1",
        ),
    ] {
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
    let refused = text(&run(&server, "--workload get --parent /gone").stderr);
    assert!(refused.contains("NoNode"), "{refused}");
}

//! The binary `ironkeeper`: reads the command line and runs what it asks for.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use server::certs::{self, CertsOptions};
use server::check::{Report, check};
use server::cli::{self, Command, USAGE, describe};
use server::exit_code::ExitCode;
use server::serve::serve;
use server::word::{Question, printed};
use toolkits::{Console, Tool};

#[cfg(feature = "shuttle")]
compile_error!("no server runs with the feature shuttle: add --lib, its tests are the library's");

fn main() -> std::process::ExitCode {
    let mut args = std::env::args_os();
    let program = args.next().unwrap_or_default();
    let args: Vec<_> = args.collect();
    let code = match cli::parse(&program, &args, &variable) {
        Ok(Command::Serve(config)) => {
            server::logs::begin(&config);
            serve(*config)
        }
        Ok(Command::Check(arguments)) => tell(&check(&arguments, &variable)),
        Ok(Command::Certs(options)) => make_certificates(&options),
        Ok(Command::Bench(options)) => put_load(&options),
        Ok(Command::BenchHelp(text)) => print(text.trim_end()),
        Ok(Command::Tool {
            tool,
            args,
            max_field_bytes,
        }) => return run_tool(tool, &args, max_field_bytes),
        Ok(Command::Word(question)) => ask(&question),
        Ok(Command::Completions(shell)) => print(&describe::completions(shell)),
        Ok(Command::Man(directory)) => write_manual(&directory),
        Ok(Command::Version) => print(&cli::version()),
        Ok(Command::ApacheVersion) => print(&cli::apache_version()),
        Ok(Command::JavaVersion) => {
            eprintln!("{}", cli::java_version());
            ExitCode::ExecutionFinished
        }
        Ok(Command::Help) => print(USAGE.trim_end()),
        Err(error) => {
            eprintln!("ironkeeper: {error}");
            if error.is_about_usage() {
                eprint!("\n{USAGE}");
            }
            ExitCode::InvalidInvocation
        }
    };
    code.into()
}

/// The exit code says whether all requests were answered with OK.
fn put_load(options: &bench::Options) -> ExitCode {
    match bench::run(options) {
        Ok(report) => {
            println!("{}", report.text());
            match report.is_good() {
                true => ExitCode::ExecutionFinished,
                false => ExitCode::UnexpectedError,
            }
        }
        Err(error) => failed(&error),
    }
}

/// On the standard streams.
fn run_tool(tool: Tool, args: &[OsString], max_field_bytes: u32) -> std::process::ExitCode {
    let mut console = Console {
        input: &mut std::io::stdin().lock(),
        out: &mut std::io::BufWriter::new(std::io::stdout().lock()),
        err: &mut std::io::stderr().lock(),
        max_field_bytes,
    };
    toolkits::run(tool, args, &mut console).into()
}

/// The answer goes to stdout; one that cannot be written has nobody to read it.
fn ask(question: &Question) -> ExitCode {
    match question.ask() {
        Ok(answer) => {
            let _ = std::io::stdout().write_all(printed(&answer).as_bytes());
            ExitCode::ExecutionFinished
        }
        Err(error) => failed(&error),
    }
}

fn write_manual(directory: &Path) -> ExitCode {
    match describe::write_manual(directory) {
        Ok(()) => ExitCode::ExecutionFinished,
        Err(error) => failed(&format!("{}: {error}", directory.display())),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("ironkeeper: {error}");
    ExitCode::UnexpectedError
}

fn make_certificates(options: &CertsOptions) -> ExitCode {
    match certs::make(options) {
        Ok(text) => print(&text),
        Err(error) => failed(&error),
    }
}

fn tell(report: &Report) -> ExitCode {
    println!("{report}");
    report.exit_code()
}

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::ExecutionFinished
}

/// A variable of the environment; bytes that are not UTF-8 do not make it vanish.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

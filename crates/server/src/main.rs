//! The binary `ironkeeper`: reads the command line and runs what it asks for.

use server::cli::{self, Command, USAGE};
use server::config::Config;
use server::exit_code::ExitCode;

fn main() -> std::process::ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let code = match cli::parse(&args, &variable) {
        Ok(Command::Serve(config)) => serve(&config),
        Ok(Command::Version) => print(&cli::version()),
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

fn print(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::ExecutionFinished
}

/// Runs a server until it stops.
fn serve(config: &Config) -> ExitCode {
    for notice in &config.notices {
        eprintln!("ironkeeper: {notice}");
    }
    eprintln!(
        "ironkeeper: this build reads its configuration only; it cannot serve on port {}",
        config.client_port
    );
    ExitCode::UnexpectedError
}

/// A variable of the environment; bytes that are not UTF-8 do not make it vanish.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

//! The binary `ironkeeper`: reads the command line and runs what it asks for.

use server::certs::{self, CertsOptions};
use server::check::{Report, check};
use server::cli::{self, Command, USAGE};
use server::exit_code::ExitCode;
use server::serve::serve;

#[cfg(feature = "shuttle")]
compile_error!("no server runs with the feature shuttle: add --lib, its tests are the library's");

fn main() -> std::process::ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let code = match cli::parse(&args, &variable) {
        Ok(Command::Serve(config)) => {
            server::logs::begin(&config);
            serve(*config)
        }
        Ok(Command::Check(arguments)) => tell(&check(&arguments, &variable)),
        Ok(Command::Certs(options)) => make_certificates(&options),
        Ok(Command::Bench(options)) => put_load(&options),
        Ok(Command::BenchHelp(text)) => print(text.trim_end()),
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
        Err(error) => {
            eprintln!("ironkeeper: {error}");
            ExitCode::UnexpectedError
        }
    }
}

fn make_certificates(options: &CertsOptions) -> ExitCode {
    match certs::make(options) {
        Ok(text) => print(&text),
        Err(error) => {
            eprintln!("ironkeeper: {error}");
            ExitCode::UnexpectedError
        }
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

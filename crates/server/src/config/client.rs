//! What the options of a client or of a tool say, without a zoo.cfg.

use std::ffi::OsString;

use super::build::jute_limits;
use super::error::ConfigError;
use super::flags::Flags;
use super::reader::Reader;
use super::source::Source;
use super::tls;
use crate::word::ClientTlsOptions;

/// How many of the words at the front are options of a JVM, with their values.
pub fn count_options(args: &[OsString]) -> usize {
    args.len() - Flags::read(args, &|_| None).arguments.len()
}

/// Longest field of a record, in bytes, as `jute.maxbuffer` and `zookeeper.jute.maxbuffer.extrasize` say.
///
/// # Errors
/// A number that is not positive.
pub fn max_field_bytes(
    options: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<u32, ConfigError> {
    let source = source(options, env);
    let (limit, extra) = jute_limits(&mut Reader::new(&source))?;
    Ok(limit.saturating_add(extra))
}

/// TLS of a client, from the properties `zookeeper.ssl.*` (`ClientX509Util`).
///
/// # Errors
/// There is no key store, or a value is not acceptable.
pub fn load_client_tls(
    options: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<ClientTlsOptions, ConfigError> {
    let source = source(options, env);
    tls::read_client(&mut Reader::new(&source))
}

fn source(options: &[OsString], env: &dyn Fn(&str) -> Option<String>) -> Source {
    let flags = Flags::read(options, env);
    Source::new(flags.properties, flags.notices)
}

//! The limit of open files: each connection takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Error;

/// What a process has open besides connections.
const OTHERS: u64 = 64;

/// Raises the soft limit as far as `connections` need.
pub fn raise(connections: usize) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let needed = connections as u64 + OTHERS;
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|_| Error::Descriptors {
        connections,
        needed,
        allowed: limit.maximum.unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_system_allows_is_told_with_its_limit() {
        let Some(hard) = getrlimit(Resource::Nofile).maximum else {
            return;
        };
        let error = raise(hard as usize).expect_err("refused").to_string();
        assert!(error.contains(&format!("hard limit is {hard}")), "{error}");
    }
}

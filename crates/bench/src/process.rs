//! CPU time of the server's process, where it runs on this machine.

use std::io;
use std::time::Duration;

use crate::Error;

/// User and system time that a process has used so far, in steps of the kernel's clock tick (10 ms).
pub fn cpu_time(pid: u32) -> Result<Duration, Error> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.and_then(|stat| parse(&stat).ok_or_else(|| io::ErrorKind::InvalidData.into()))
        .map_err(|error| Error::Process { pid, error })
}

/// The name of the program, which stands in brackets, may hold anything.
fn parse(stat: &str) -> Option<Duration> {
    const USER: usize = 11;
    const TICKS_PER_SECOND: u64 = 100;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<u64>().ok();
    let ticks = ticks(USER)? + ticks(USER + 1)?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 31 0 0 20 0 1";
        assert_eq!(parse(stat), Some(Duration::from_millis(2810)));
    }

    #[test]
    fn a_process_that_is_not_there_is_told() {
        let error = cpu_time(u32::MAX).expect_err("refused").to_string();
        assert!(error.contains("4294967295 (--server-pid)"), "{error}");
    }
}

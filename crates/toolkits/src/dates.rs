//! Times as Java prints them in the locale en_US, in the time zone of the machine.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `DateFormat.getDateTimeInstance(SHORT, LONG)`: `11/29/26, 4:05:06 PM UTC`.
pub fn short_date_long_time(ms: i64) -> String {
    formatted(ms, "%-m/%-d/%y, %-I:%M:%S %p %Z")
}

/// `DateFormat.getDateTimeInstance()`: `Nov 29, 2026, 4:05:06 PM`.
pub fn medium(ms: i64) -> String {
    formatted(ms, "%b %-d, %Y, %-I:%M:%S %p")
}

/// `Date.toString`: `Sun Nov 29 16:05:06 UTC 2026`.
pub fn full(ms: i64) -> String {
    formatted(ms, "%a %b %d %H:%M:%S %Z %Y")
}

/// `ms` are milliseconds since 1970. A time that no calendar here reaches is printed as that number.
fn formatted(ms: i64, format: &str) -> String {
    let printed = Timestamp::from_millisecond(ms).map(|time| {
        time.to_zoned(TimeZone::system())
            .strftime(format)
            .to_string()
    });
    printed.unwrap_or_else(|_| ms.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_beyond_all_calendars_is_a_number() {
        assert_eq!(full(i64::MAX), i64::MAX.to_string());
    }
}

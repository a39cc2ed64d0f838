//! The time, and how it is written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// Seconds since 1970 as `2026-11-24 06:33 UTC`.
pub fn utc(seconds: u64) -> String {
    let (year, month, day) = date(seconds / 86400);
    let minutes = seconds % 86400 / 60;
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// The time now as RFC 3339 has it: `2026-11-24T06:33:07Z`.
pub fn rfc3339_now() -> String {
    let seconds = now();
    let (year, month, day) = date(seconds / 86400);
    let (hour, minute, second) = (seconds % 86400 / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Days since 1970 as year, month and day.
fn date(days: u64) -> (u64, u64, u64) {
    // Howard Hinnant, "chrono-compatible low-level date algorithms": days to a date, years beginning in March.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

//! A point in time, in milliseconds.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A point in time in milliseconds since 1970, UTC. It is written as `2024-11-28T10:30:00.000Z` and read from any ISO 8601 time; a time
/// without a zone is taken as UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

/// The text is not an ISO 8601 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 8601 time")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// Converts milliseconds since 1970; times outside of the years -9999 to 9999 are clamped.
    pub fn from_ms(ms: i64) -> Self {
        let nearest = if ms < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        Self(jiff::Timestamp::from_millisecond(ms).unwrap_or(nearest))
    }

    /// Returns milliseconds since 1970.
    pub fn as_ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Returns whole seconds since 1970.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse().or_else(|_| without_zone(text))?;
        Ok(Self::from_ms(time.as_millisecond()))
    }
}

/// Reads a time without a zone as UTC, as Python's `utcnow().isoformat()` writes it; a named time zone is rejected.
fn without_zone(text: &str) -> Result<jiff::Timestamp, InvalidTimestamp> {
    if text.contains('[') {
        return Err(InvalidTimestamp);
    }
    let time: jiff::civil::DateTime = text.parse().map_err(|_| InvalidTimestamp)?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    Ok(time.map_err(|_| InvalidTimestamp)?.timestamp())
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_iso_8601_time_is_read_and_milliseconds_are_written() {
        let written = |text: &str| text.parse::<Timestamp>().unwrap().to_string();
        assert_eq!(
            written("2024-11-28T10:30:00.000Z"),
            "2024-11-28T10:30:00.000Z"
        );
        assert_eq!(
            written("2024-11-28T12:30:00.1239+02:00"),
            "2024-11-28T10:30:00.123Z"
        );
        assert_eq!(written("2024-11-28t10:30:00z"), "2024-11-28T10:30:00.000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
        for of_utc in [
            "2024-11-28T10:30:00",
            "2024-11-28 10:30:00.000000",
            "20241128T103000",
            "2024-11-28T10:30",
            "2024-11-28T12:30:00+0200",
            "2024-11-28T10:30:00,0+00",
        ] {
            assert_eq!(written(of_utc), "2024-11-28T10:30:00.000Z", "{of_utc}");
        }
        for invalid in [
            "",
            "10:30",
            "2024-11-28T10:30:00[Europe/Berlin]",
            "1700000000",
        ] {
            assert!(invalid.parse::<Timestamp>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn out_of_range_times_are_clamped() {
        assert!(
            Timestamp::from_ms(i64::MAX)
                .to_string()
                .starts_with("9999-12-30T")
        );
        assert!(
            Timestamp::from_ms(i64::MIN)
                .to_string()
                .starts_with("-009999-01-02T")
        );
    }
}

//! A moment, to the millisecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 in UTC; written as in `2024-11-28T10:30:00.000Z`, read from any RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

/// The text is no RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The moment that many milliseconds after 1970 began; times outside the years -9999 to 9999 become their nearest end.
    pub fn from_ms(ms: i64) -> Self {
        let nearest = if ms < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        Self(jiff::Timestamp::from_millisecond(ms).unwrap_or(nearest))
    }

    /// Milliseconds since 1970 began.
    pub fn as_ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since 1970 began.
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
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Ok(Self::from_ms(time.as_millisecond()))
    }
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
    fn any_rfc_3339_time_is_read_and_milliseconds_are_written() {
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
        assert!("2024-11-28T10:30:00".parse::<Timestamp>().is_err());
    }

    #[test]
    fn extremes_are_taken_to_the_nearest_time_there_is() {
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

//! JSON numbers. JSON has one number type: `45000`, `45000.0` and `4.5e4` are equal.

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer, de::Visitor};

/// 2^53: every integer up to it is exact in an `f64`.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Thirty years; milliseconds are exact in this range.
const MAX_SECONDS: f64 = 1e9;

/// An unsigned integer type that JSON numbers are read into.
pub trait WholeNumber: Sized {
    /// The largest value.
    const LARGEST: u64;

    /// Converts the number; one that is too large becomes the largest value.
    fn saturating_from(number: u64) -> Self;
}

impl WholeNumber for u32 {
    const LARGEST: u64 = u32::MAX as u64;

    fn saturating_from(number: u64) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }
}

impl WholeNumber for u64 {
    // exact in `DynamoDB` and JavaScript
    const LARGEST: u64 = MAX_EXACT as u64;

    fn saturating_from(number: u64) -> Self {
        number.min(Self::LARGEST)
    }
}

enum Number {
    Whole(u64),
    Any(f64),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(AnyNumber)
    }
}

struct AnyNumber;

impl Visitor<'_> for AnyNumber {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
        Ok(Number::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
        Ok(u64::try_from(number).map_or(Number::Any(number as f64), Number::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
        Ok(Number::Any(number))
    }
}

impl Number {
    fn nearest(&self) -> u64 {
        match self {
            Self::Whole(number) => *number,
            // the cast turns negative numbers into 0
            Self::Any(number) => number.round() as u64,
        }
    }

    fn exact(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Any(number) => {
                let fits = (0.0..=MAX_EXACT).contains(number) && number.fract() == 0.0;
                fits.then_some(*number as u64)
            }
        }
    }
}

/// A number read by [`rounded`], for use in a list or a map.
#[derive(Deserialize)]
pub(crate) struct Rounded(#[serde(deserialize_with = "rounded")] pub(crate) u64);

/// Reads any number and rounds it to the nearest value of the type, for values that other programs report.
///
/// # Errors
/// When the value is not a number.
pub fn rounded<'de, D: Deserializer<'de>, T: WholeNumber>(reader: D) -> Result<T, D::Error> {
    Ok(T::saturating_from(Number::deserialize(reader)?.nearest()))
}

/// Reads an optional number like [`rounded`].
///
/// # Errors
/// When the value is not a number.
pub fn rounded_opt<'de, D: Deserializer<'de>, T: WholeNumber>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let number = Option::<Number>::deserialize(reader)?;
    Ok(number.map(|number| T::saturating_from(number.nearest())))
}

/// Reads seconds, rounded to milliseconds and clamped to what `DynamoDB` can store: it rejects numbers from 1e126, or nearer to 0 than
/// 1e-130.
///
/// # Errors
/// When the value is not a number.
pub fn seconds_opt<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<f64>, D::Error> {
    let seconds = Option::<f64>::deserialize(reader)?;
    Ok(seconds.map(|seconds| (seconds.clamp(0.0, MAX_SECONDS) * 1000.0).round() / 1000.0))
}

/// Reads a whole number in any notation. Values that a person requests are not rounded.
///
/// # Errors
/// When the value is not a whole number in the range of the type.
pub fn whole<'de, D: Deserializer<'de>, T: WholeNumber>(reader: D) -> Result<T, D::Error> {
    exactly(&Number::deserialize(reader)?)
}

/// Reads an optional number like [`whole`].
///
/// # Errors
/// When the value is not a whole number in the range of the type.
pub fn whole_opt<'de, D: Deserializer<'de>, T: WholeNumber>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let number = Option::<Number>::deserialize(reader)?;
    number.as_ref().map(exactly).transpose()
}

fn exactly<T: WholeNumber, E: serde::de::Error>(number: &Number) -> Result<T, E> {
    let fitting = number.exact().filter(|number| *number <= T::LARGEST);
    fitting.map(T::saturating_from).ok_or_else(|| {
        let max = T::LARGEST;
        E::custom(format!("must be a whole number from 0 to {max}"))
    })
}

/// Writes a number, without a decimal point if it is whole.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(number: &f64, writer: S) -> Result<S::Ok, S::Error> {
    if number.fract() == 0.0 && number.abs() <= MAX_EXACT {
        writer.serialize_i64(*number as i64)
    } else {
        writer.serialize_f64(*number)
    }
}

/// Writes an optional number like [`serialize`].
///
/// # Errors
/// Those of the serializer.
pub fn serialize_opt<S: Serializer>(number: &Option<f64>, writer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serialize(number, writer),
        None => writer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, serde::Serialize)]
    struct Numbers {
        #[serde(deserialize_with = "rounded")]
        near: u32,
        #[serde(default, deserialize_with = "whole_opt")]
        whole: Option<u64>,
        #[serde(default, serialize_with = "serialize_opt")]
        any: Option<f64>,
    }

    fn read(near: &str, whole: &str) -> Result<(u32, Option<u64>), String> {
        let text = format!(r#"{{"near": {near}, "whole": {whole}}}"#);
        let read: Result<Numbers, _> = serde_json::from_str(&text);
        read.map(|numbers| (numbers.near, numbers.whole))
            .map_err(|why| why.to_string())
    }

    #[test]
    fn every_notation_of_a_number_is_read_alike() {
        for (near, whole) in [("45000", "7"), ("45000.0", "7.0"), ("4.5e4", "70e-1")] {
            assert_eq!(read(near, whole), Ok((45_000, Some(7))));
        }
        assert_eq!(read("-1.5", "null"), Ok((0, None)));
        assert_eq!(read("1e300", "0"), Ok((u32::MAX, Some(0))));
        assert_eq!(read("2.5", "0"), Ok((3, Some(0))));
        for bad in ["1.5", "-1", "1e300", "\"1\"", "{}"] {
            let why = read("1", bad).unwrap_err();
            assert!(why.contains(" number"), "{why}");
        }
    }

    #[test]
    fn a_number_above_the_largest_exact_one_is_clamped() {
        #[derive(Deserialize)]
        struct Bytes(#[serde(deserialize_with = "rounded")] u64);
        for large in ["9007199254740993", "18446744073709551615", "1e300"] {
            let Bytes(read) = serde_json::from_str(large).unwrap();
            assert_eq!(read, 1 << 53, "{large}");
        }
    }

    #[test]
    fn seconds_are_clamped_to_what_the_table_stores() {
        #[derive(Deserialize)]
        struct Took(#[serde(deserialize_with = "seconds_opt")] Option<f64>);
        let read = |text: &str| serde_json::from_str::<Took>(text).unwrap().0;
        assert_eq!(
            ["482.5", "6e299", "-1", "1e-300", "5", "null"].map(read),
            [
                Some(482.5),
                Some(1e9),
                Some(0.0),
                Some(0.0),
                Some(5.0),
                None
            ]
        );
    }

    #[test]
    fn whole_numbers_are_written_without_a_point() {
        let written = |any| {
            let numbers = Numbers {
                near: 1,
                whole: None,
                any,
            };
            serde_json::to_value(&numbers).unwrap()["any"].to_string()
        };
        assert_eq!(
            [Some(5.0), Some(-0.0), Some(482.5), Some(1e300), None].map(written),
            ["5", "0", "482.5", "1e+300", "null"]
        );
    }
}

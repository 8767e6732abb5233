//! Constructors of `DynamoDB` attribute values.

use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

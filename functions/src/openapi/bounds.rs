//! Bounds of properties in the `OpenAPI` document, from the constants that the checks use: utoipa's attributes take only literals.

use domain::limits::{
    MAX_CLIP_SECONDS, MAX_CLIPS, MAX_LABEL_BYTES, MAX_LINKED_PARTS, MAX_PARTS, MAX_TOPIC_CHARS,
    MAX_TOPICS, MAX_URL_BYTES, MIN_CLIP_SECONDS, MIN_CLIPS,
};
use utoipa::openapi::{
    Components, RefOr,
    schema::{ArrayItems, Schema},
};

/// The allowed range of a value, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Number(u32, u32),
    Least(u32),
    Text(usize, usize),
    /// Most entries of a list, and the longest text in it.
    Texts(usize, usize),
    /// Most entries of a list that must not be empty.
    List(usize),
}

/// Properties of bodies: schema, property, bound.
const PROPERTIES: &[(&str, &str, Bound)] = &[
    ("UserSubmission", "requestedClipCount", CLIPS),
    ("UserSubmission", "minClipSeconds", SECONDS),
    ("UserSubmission", "maxClipSeconds", SECONDS),
    ("UserSubmission", "youtubeUrl", URL),
    ("UserSubmission", "videoUrl", URL),
    ("UserSubmission", "callbackUrl", URL),
    ("UserSubmission", "topics", TOPICS),
    ("ServiceSubmission", "max_clips", CLIPS),
    ("ServiceSubmission", "min_clip_seconds", SECONDS),
    ("ServiceSubmission", "max_clip_seconds", SECONDS),
    ("ServiceSubmission", "video_url", URL),
    ("ServiceSubmission", "callback_url", URL),
    ("ServiceSubmission", "topics", TOPICS),
    ("ServiceSubmission", "external_job_id", LABEL),
    ("ServiceSubmission", "owner_user_id", LABEL),
    ("NewUpload", "sizeBytes", Bound::Least(1)),
    ("WantedParts", "partNumbers", Bound::List(MAX_LINKED_PARTS)),
    ("UploadedParts", "parts", Bound::List(MAX_PARTS)),
];

const CLIPS: Bound = Bound::Number(MIN_CLIPS, MAX_CLIPS);
const SECONDS: Bound = Bound::Number(MIN_CLIP_SECONDS, MAX_CLIP_SECONDS);
const URL: Bound = Bound::Text(0, MAX_URL_BYTES);
const LABEL: Bound = Bound::Text(0, MAX_LABEL_BYTES);
const TOPICS: Bound = Bound::Texts(MAX_TOPICS, MAX_TOPIC_CHARS);

/// Adds every bound to the schema of its property.
pub(super) fn put_on(components: &mut Components) {
    for (schema, property, bound) in PROPERTIES {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(*schema)
            && let Some(RefOr::T(schema)) = object.properties.get_mut(*property)
        {
            bound.put_on(schema);
        }
    }
}

impl Bound {
    fn put_on(self, schema: &mut Schema) {
        match (self, schema) {
            (Self::Number(least, most), Schema::Object(object)) => {
                object.minimum = Some((least as usize).into());
                object.maximum = Some((most as usize).into());
            }
            (Self::Least(least), Schema::Object(object)) => {
                object.minimum = Some((least as usize).into());
            }
            (Self::Text(least, most), Schema::Object(object)) => {
                object.min_length = Some(least).filter(|least| *least > 0);
                object.max_length = Some(most);
            }
            (Self::Texts(most, longest), Schema::Array(array)) => {
                array.max_items = Some(most);
                if let ArrayItems::RefOrSchema(items) = &mut array.items
                    && let RefOr::T(items) = &mut **items
                {
                    Self::Text(1, longest).put_on(items);
                }
            }
            (Self::List(most), Schema::Array(array)) => {
                array.min_items = Some(1);
                array.max_items = Some(most);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Where the document names a greatest value, and which.
    fn greatest(at: &str, value: &Value, found: &mut Vec<(String, u64)>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if ["maximum", "maxLength", "maxItems"].contains(&name.as_str())
                        && let Some(most) = value.as_u64()
                    {
                        found.push((at.to_owned(), most));
                    }
                    greatest(&format!("{at}/{name}"), value, found);
                }
            }
            Value::Array(values) => {
                for (place, value) in values.iter().enumerate() {
                    greatest(&format!("{at}/{place}"), value, found);
                }
            }
            _ => {}
        }
    }

    fn greatest_of(bound: Bound) -> Vec<u64> {
        match bound {
            Bound::Number(_, most) => vec![u64::from(most)],
            Bound::Least(_) => vec![],
            Bound::Text(_, most) | Bound::List(most) => vec![most as u64],
            Bound::Texts(most, longest) => vec![longest as u64, most as u64],
        }
    }

    #[test]
    fn every_documented_bound_comes_from_a_checked_constant() {
        let document = json!(crate::openapi::document());
        let mut found = Vec::new();
        greatest("", &document["components"]["schemas"], &mut found);
        let mut wanted = Vec::new();
        for (schema, property, bound) in PROPERTIES {
            let at = format!("/{schema}/properties/{property}");
            assert!(
                document["components"]["schemas"].pointer(&at).is_some(),
                "{at} is not described"
            );
            let of_items = matches!(bound, Bound::Texts(..));
            for (place, most) in greatest_of(*bound).into_iter().enumerate() {
                let items = if of_items && place == 0 { "/items" } else { "" };
                wanted.push((format!("{at}{items}"), most));
            }
        }
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}

//! The outcome of an attempt: the file `outcome.json`, and the `output` of `job.completed`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    ErrorCode, Failure, Score, ScoreBreakdown, Stage, Timestamp, json,
    limits::{
        CLIP_INDEX_LIMIT, MAX_MESSAGE_BYTES, MAX_REPORTED_CLIPS, MAX_TEXT_BYTES,
        MAX_TIMING_NAME_BYTES, MAX_TIMINGS, MAX_TITLE_BYTES, MAX_URL_BYTES,
    },
    number, text,
};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a process holds only one")]
pub enum Outcome {
    /// All clips were made.
    Succeeded {
        /// What the attempt produced.
        output: JobOutput,
        /// Report of each stage.
        stages: Vec<StageReport>,
        /// Versions of the tools used, by name such as `ffmpeg`.
        tools: BTreeMap<String, String>,
    },
    /// A stage failed.
    Failed {
        /// One line for display.
        #[serde(deserialize_with = "text::truncated::<_, MAX_MESSAGE_BYTES>")]
        error: String,
        /// Machine-readable reason.
        error_code: ErrorCode,
        /// Stage that failed.
        stage: Stage,
        /// Whether another attempt may succeed.
        retryable: bool,
    },
}

/// The contents of `outcome.json`: how an attempt ended, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// How the attempt ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When the attempt ended.
    pub finished_at: Timestamp,
}

impl From<&Failure> for Outcome {
    fn from(failure: &Failure) -> Self {
        Self::Failed {
            error: text::truncate(&failure.message, MAX_MESSAGE_BYTES),
            error_code: failure.code,
            stage: failure.stage,
            retryable: failure.is_retryable(),
        }
    }
}

/// The `output` of `job.completed`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobOutput {
    /// Number of clips.
    #[serde(deserialize_with = "number::rounded")]
    pub total_clips: u32,
    /// Title of the source, if it has one.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TITLE_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub source_video_title: Option<String>,
    /// Wall-clock time of the whole job.
    #[serde(
        default,
        deserialize_with = "number::seconds_opt",
        serialize_with = "number::serialize_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub processing_time_seconds: Option<f64>,
    /// Milliseconds of the source that were considered; credits are charged for these.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub considered_ms: Option<u64>,
    /// Length of the source.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub source_duration_ms: Option<u64>,
    /// Milliseconds of each stage, by name such as `transcribe_ms`.
    #[serde(
        default,
        deserialize_with = "timings_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    pub timings: Option<BTreeMap<String, u64>>,
    /// The clips in source order.
    #[serde(deserialize_with = "first_clips")]
    pub clips: Vec<ClipOutput>,
    /// Object URL of the transcript.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub transcript_url: Option<String>,
    /// Object URL of the plan.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub plan_url: Option<String>,
}

/// One finished clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipOutput {
    /// Index in source order, from 0.
    #[serde(deserialize_with = "number::rounded")]
    pub clip_index: u32,
    /// Location of the video: an object URL, or a path in the output folder of the command-line tool.
    #[serde(deserialize_with = "text::bounded_or_empty::<_, MAX_URL_BYTES>")]
    pub s3_url: String,
    /// Length of the clip.
    #[serde(deserialize_with = "number::rounded")]
    pub duration_ms: u64,
    /// Overall score, 0 to 1.
    #[serde(deserialize_with = "crate::score::clamped")]
    pub virality_score: Score,
    /// Summary of what is said.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TEXT_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub summary: Option<String>,
    /// A short line to post the clip with.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TITLE_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// Rank by score, from 1.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub rank: Option<u32>,
    /// Where it begins in the source.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_ms: Option<u64>,
    /// Where it ends in the source.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub end_ms: Option<u64>,
    /// The individual scores.
    #[serde(
        default,
        deserialize_with = "json::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub score_breakdown: Option<ScoreBreakdown>,
    /// Why the clip was chosen.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TEXT_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason: Option<String>,
    /// Object URL of the captions (`WebVTT`).
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub captions_url: Option<String>,
    /// Object URL of the thumbnail.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumbnail_url: Option<String>,
    /// Width in pixels.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub width: Option<u32>,
    /// Height in pixels.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub height: Option<u32>,
}

/// Reads as many clips as a job may have and ignores the rest.
fn first_clips<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<ClipOutput>, D::Error> {
    let mut clips = Vec::deserialize(reader)?;
    clips.truncate(MAX_REPORTED_CLIPS);
    Ok(clips)
}

/// Reads the clip of a progress event, if a plan may have a clip of that index: the record stores each until the job ends.
pub(crate) fn clip_within_limit<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<ClipOutput>, D::Error> {
    let clip = Option::<ClipOutput>::deserialize(reader)?;
    Ok(clip.filter(|clip| clip.clip_index < CLIP_INDEX_LIMIT))
}

/// Reads timings up to the limit and ignores those with overlong names.
fn timings_if_any<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<BTreeMap<String, u64>>, D::Error> {
    let reported: Option<BTreeMap<String, number::Rounded>> = json::if_known(reader)?;
    let short = |(name, ms): (String, number::Rounded)| {
        (name.len() <= MAX_TIMING_NAME_BYTES).then_some((name, ms.0))
    };
    Ok(reported.map(|all| {
        all.into_iter()
            .filter_map(short)
            .take(MAX_TIMINGS)
            .collect()
    }))
}

impl JobOutput {
    /// Replaces every file name by its URL.
    #[must_use]
    pub fn with_urls(mut self, address: &impl Fn(&str) -> String) -> Self {
        self.clips = self
            .clips
            .into_iter()
            .map(|clip| clip.with_urls(address))
            .collect();
        self.transcript_url = self.transcript_url.as_deref().map(address);
        self.plan_url = self.plan_url.as_deref().map(address);
        self
    }
}

impl ClipOutput {
    /// Replaces every file name by its URL.
    #[must_use]
    pub fn with_urls(mut self, address: &impl Fn(&str) -> String) -> Self {
        self.s3_url = address(&self.s3_url);
        self.captions_url = self.captions_url.as_deref().map(address);
        self.thumbnail_url = self.thumbnail_url.as_deref().map(address);
        self
    }
}

/// Duration and size of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// Wall-clock time.
    pub seconds: f64,
    /// Bytes of the files that it wrote.
    pub bytes: u64,
    /// Whether all of its output was reused from an earlier run.
    pub reused: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn output(clips: &[Value]) -> Value {
        json!({"total_clips": clips.len(), "clips": clips})
    }

    fn clip() -> Value {
        json!({"clip_index": 0, "s3_url": "https://b/0", "duration_ms": 9, "virality_score": 1})
    }

    fn read(output: Value) -> JobOutput {
        serde_json::from_value(output).unwrap()
    }

    #[test]
    fn clips_beyond_the_limit_are_ignored() {
        for (reported, stored) in [(30, 30), (31, 30), (2000, 30)] {
            let read = read(output(&vec![clip(); reported]));
            assert_eq!(read.clips.len(), stored);
            assert_eq!(read.total_clips as usize, reported);
        }
    }

    #[test]
    fn an_overlong_url_is_dropped_and_other_fields_remain() {
        let long = |bytes: usize| json!("x".repeat(bytes));
        let read = |bytes: usize| {
            let mut clip = clip();
            for field in ["s3_url", "captions_url", "thumbnail_url"] {
                clip[field] = long(bytes);
            }
            let mut output = output(&[clip]);
            output["transcript_url"] = long(bytes);
            output["plan_url"] = long(bytes);
            let output = read(output);
            let clip = output.clips[0].clone();
            assert_eq!(clip.duration_ms, 9);
            let optional = [
                clip.captions_url,
                clip.thumbnail_url,
                output.transcript_url,
                output.plan_url,
            ];
            (
                clip.s3_url.len(),
                optional.map(|url| url.map(|url| url.len())),
            )
        };
        assert_eq!(
            read(MAX_URL_BYTES),
            (MAX_URL_BYTES, [Some(MAX_URL_BYTES); 4])
        );
        assert_eq!(read(MAX_URL_BYTES + 1), (0, [None; 4]));
    }

    #[test]
    fn timings_are_accepted_up_to_their_limits() {
        let parse = |timings: Value| {
            let mut output = output(&[]);
            output["timings"] = timings;
            read(output).timings
        };
        let read = |timings: Value| parse(timings).unwrap();
        assert_eq!(parse(json!(["of a later kind"])), None);
        let (fits, long) = (
            "f".repeat(MAX_TIMING_NAME_BYTES),
            "l".repeat(MAX_TIMING_NAME_BYTES + 1),
        );
        assert_eq!(
            read(json!({&fits: 1.4, &long: 2})),
            BTreeMap::from([(fits, 1)])
        );
        let many: serde_json::Map<_, _> = (0..=MAX_TIMINGS)
            .map(|number| (format!("stage_{number}"), json!(1)))
            .collect();
        assert_eq!(read(Value::Object(many)).len(), MAX_TIMINGS);
    }

    #[test]
    fn unknown_scores_are_dropped_and_other_fields_remain() {
        let mut clip = clip();
        clip["score_breakdown"] = json!({"hook": 92});
        assert_eq!(read(output(&[clip])).clips[0].score_breakdown, None);
    }
}

//! What an attempt ended with: the file `outcome.json`, and the `output` of `job.completed`.

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
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of them in a process"
)]
pub enum Outcome {
    /// All clips are there.
    Succeeded {
        /// What was made.
        output: JobOutput,
        /// What each stage took.
        stages: Vec<StageReport>,
        /// Versions of the tools that made it, e.g. `ffmpeg`.
        tools: BTreeMap<String, String>,
    },
    /// It stopped before the end.
    Failed {
        /// One line for a person.
        #[serde(deserialize_with = "text::truncated::<_, MAX_MESSAGE_BYTES>")]
        error: String,
        /// Stable name of what went wrong.
        error_code: ErrorCode,
        /// Where it stopped.
        stage: Stage,
        /// Whether another attempt may end better.
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
    /// How many clips there are.
    #[serde(deserialize_with = "number::rounded")]
    pub total_clips: u32,
    /// Title of the source, where it has one.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TITLE_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub source_video_title: Option<String>,
    /// Wall time of the whole job.
    #[serde(
        default,
        deserialize_with = "number::seconds_opt",
        serialize_with = "number::serialize_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub processing_time_seconds: Option<f64>,
    /// Milliseconds of the source that were considered; the basis of credits.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub considered_ms: Option<u64>,
    /// How long the source lasts.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub source_duration_ms: Option<u64>,
    /// What each stage took in milliseconds, by names such as `transcribe_ms`.
    #[serde(
        default,
        deserialize_with = "timings_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    pub timings: Option<BTreeMap<String, u64>>,
    /// The clips in the order of the source.
    #[serde(deserialize_with = "first_clips")]
    pub clips: Vec<ClipOutput>,
    /// Where the transcript is.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub transcript_url: Option<String>,
    /// Where the plan is.
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
    /// Its place in the order of the source, from 0.
    #[serde(deserialize_with = "number::rounded")]
    pub clip_index: u32,
    /// Where the video is: an object address, or a path in the tool's folder.
    #[serde(deserialize_with = "text::bounded_or_empty::<_, MAX_URL_BYTES>")]
    pub s3_url: String,
    /// Its length.
    #[serde(deserialize_with = "number::rounded")]
    pub duration_ms: u64,
    /// All scores in one, 0 to 1.
    #[serde(deserialize_with = "crate::score::clamped")]
    pub virality_score: Score,
    /// What is said in it.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TEXT_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub summary: Option<String>,
    /// A short line to post it under.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TITLE_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// Its place by score, from 1.
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
    /// The scores apart.
    #[serde(
        default,
        deserialize_with = "json::if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub score_breakdown: Option<ScoreBreakdown>,
    /// Why it was chosen.
    #[serde(
        default,
        deserialize_with = "text::truncated_opt::<_, MAX_TEXT_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason: Option<String>,
    /// Where its captions are (`WebVTT`).
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub captions_url: Option<String>,
    /// Where its thumbnail is.
    #[serde(
        default,
        deserialize_with = "text::bounded_opt::<_, MAX_URL_BYTES>",
        skip_serializing_if = "Option::is_none"
    )]
    pub thumbnail_url: Option<String>,
    /// Pixels from left to right.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub width: Option<u32>,
    /// Pixels from top to bottom.
    #[serde(
        default,
        deserialize_with = "number::rounded_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub height: Option<u32>,
}

/// Reads as many clips as a job may have: more are no reason to lose these.
fn first_clips<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<ClipOutput>, D::Error> {
    let mut clips = Vec::deserialize(reader)?;
    clips.truncate(MAX_REPORTED_CLIPS);
    Ok(clips)
}

/// Reads the clip that a report of progress names, if a plan may have one of that number: each stands in the record until the job ends.
pub(crate) fn clip_of_a_plan<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<ClipOutput>, D::Error> {
    let clip = Option::<ClipOutput>::deserialize(reader)?;
    Ok(clip.filter(|clip| clip.clip_index < CLIP_INDEX_LIMIT))
}

/// Reads as many timings as there is room for, without those under long names.
fn timings_if_any<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<Option<BTreeMap<String, u64>>, D::Error> {
    let told: Option<BTreeMap<String, number::Near>> = json::if_known(reader)?;
    let short = |(name, ms): (String, number::Near)| {
        (name.len() <= MAX_TIMING_NAME_BYTES).then_some((name, ms.0))
    };
    Ok(told.map(|all| {
        all.into_iter()
            .filter_map(short)
            .take(MAX_TIMINGS)
            .collect()
    }))
}

impl JobOutput {
    /// The same with every file's name turned into its address.
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
    /// The same with every file's name turned into its address.
    #[must_use]
    pub fn with_urls(mut self, address: &impl Fn(&str) -> String) -> Self {
        self.s3_url = address(&self.s3_url);
        self.captions_url = self.captions_url.as_deref().map(address);
        self.thumbnail_url = self.thumbnail_url.as_deref().map(address);
        self
    }
}

/// What a stage took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Which one.
    pub stage: Stage,
    /// Wall time.
    pub seconds: f64,
    /// Bytes of the files it left.
    pub bytes: u64,
    /// Whether all of it was taken from an earlier run.
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
    fn no_more_clips_are_kept_than_a_job_may_have() {
        for (told, kept) in [(30, 30), (31, 30), (2000, 30)] {
            let read = read(output(&vec![clip(); told]));
            assert_eq!(read.clips.len(), kept);
            assert_eq!(read.total_clips as usize, told);
        }
    }

    #[test]
    fn an_address_that_is_too_long_is_none_and_the_rest_stays() {
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
    fn timings_stand_at_their_limits() {
        let told = |timings: Value| {
            let mut output = output(&[]);
            output["timings"] = timings;
            read(output).timings
        };
        let read = |timings: Value| told(timings).unwrap();
        assert_eq!(told(json!(["of a later kind"])), None);
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
    fn scores_of_a_later_kind_are_none_and_the_rest_stays() {
        let mut clip = clip();
        clip["score_breakdown"] = json!({"hook": 92});
        assert_eq!(read(output(&[clip])).clips[0].score_breakdown, None);
    }
}

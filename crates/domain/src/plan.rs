//! The plan: which parts of a source become clips. It is stored as `plan.json`.

use serde::{Deserialize, Serialize};

use crate::{
    Score, TimeRange,
    json::explain,
    limits::{
        CLIP_INDEX_LIMIT, MAX_CLIP_MS, MAX_CLIPS, MAX_CUTS, MAX_TEXT_BYTES, MAX_TITLE_BYTES,
        MIN_CLIP_MS,
    },
    number::whole,
    text::truncate,
};

/// The clips to render, with the reasons for choosing them. The owner may edit it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the file format, 1.
    #[serde(deserialize_with = "whole")]
    pub version: u32,
    /// Name of the planner, with a note if the embedded scorer was the fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<String>,
    /// The clips in source order.
    pub clips: Vec<PlannedClip>,
    /// Candidates that were not chosen, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedCandidate>,
    /// Every sentence with its salience.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentences: Vec<SalientSentence>,
}

/// One clip to render.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedClip {
    /// Index in source order, from 0.
    #[serde(deserialize_with = "whole")]
    pub clip_index: u32,
    /// Rank by score, from 1.
    #[serde(deserialize_with = "whole")]
    pub rank: u32,
    /// Start in the source.
    #[serde(deserialize_with = "whole")]
    pub start_ms: u64,
    /// End in the source.
    #[serde(deserialize_with = "whole")]
    pub end_ms: u64,
    /// A short line to post the clip with.
    pub title: String,
    /// Summary of what is said.
    pub summary: String,
    /// Why the clip was chosen.
    pub reason: String,
    /// Overall score.
    pub virality_score: Score,
    /// The individual scores.
    pub score_breakdown: ScoreBreakdown,
    /// Evidence for the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Parts of the clip that are cut out, such as pauses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<TimeRange>,
}

/// The individual scores of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreBreakdown {
    /// How well the opening catches attention.
    pub hook: Score,
    /// How well the clip flows and stands on its own.
    pub flow: Score,
    /// How much the viewer learns.
    pub value: Score,
    /// How much emotion is in words and voice.
    pub emotion: Score,
}

/// Short phrases such as `question in the opening` for each score.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Evidence for the hook.
    #[serde(default)]
    pub hook: Vec<String>,
    /// Evidence for the flow.
    #[serde(default)]
    pub flow: Vec<String>,
    /// Evidence for the value.
    #[serde(default)]
    pub value: Vec<String>,
    /// Evidence for the emotion.
    #[serde(default)]
    pub emotion: Vec<String>,
}

/// A candidate that was not chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedCandidate {
    /// Start in the source.
    pub start_ms: u64,
    /// End in the source.
    pub end_ms: u64,
    /// Overall score.
    pub virality_score: Score,
    /// Why it was not chosen.
    pub reason: String,
}

/// A sentence with its salience in the whole talk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SalientSentence {
    /// Start in the source.
    pub start_ms: u64,
    /// End in the source.
    pub end_ms: u64,
    /// Text of the sentence.
    pub text: String,
    /// Salience, 0 to 1.
    pub salience: Score,
}

/// Why a `plan.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPlan {
    /// The file is not the JSON of a plan.
    #[error("not a plan: {}", explain(.0))]
    Json(#[from] serde_json::Error),
    /// The format version is not supported.
    #[error("plan version {0} is not supported, only 1")]
    Version(u32),
    /// The plan has no clips.
    #[error("the plan has no clips")]
    Empty,
    /// The plan has too many clips.
    #[error("the plan has {got} clips, the limit is {max}")]
    TooMany {
        /// Number of clips.
        got: usize,
        /// Limit of clips.
        max: usize,
    },
    /// A clip is invalid.
    #[error("clips[{clip}]: {what}")]
    Clip {
        /// Index of the clip in the list.
        clip: usize,
        /// What is wrong with it.
        what: String,
    },
}

impl PlannedClip {
    /// Returns the clip's range in the source.
    ///
    /// # Panics
    /// When the range is empty, which [`Plan::check`] rules out.
    pub fn range(&self) -> TimeRange {
        TimeRange::new(self.start_ms, self.end_ms).expect("a checked plan has no empty clip")
    }

    /// Returns the ranges of the source that remain after the cuts, in order; never empty in a checked plan.
    pub fn shown_ranges(&self) -> Vec<TimeRange> {
        self.range().without(&self.cuts)
    }
}

impl Plan {
    /// Reads and checks a `plan.json` for a source of `duration_ms`.
    ///
    /// # Errors
    /// When it is not a plan, or a clip cannot be rendered from that source.
    pub fn from_json(bytes: &[u8], duration_ms: u64) -> Result<Self, InvalidPlan> {
        let plan: Self = serde_json::from_slice(bytes)?;
        plan.check(duration_ms)?;
        Ok(plan)
    }

    /// Checks that every clip can be rendered from a source of `duration_ms`.
    ///
    /// # Errors
    /// When there is no clip, or a clip is shorter than a tenth of a second, ends after the source, or has the index of another.
    pub fn check(&self, duration_ms: u64) -> Result<(), InvalidPlan> {
        if self.version != 1 {
            return Err(InvalidPlan::Version(self.version));
        }
        if self.clips.is_empty() {
            return Err(InvalidPlan::Empty);
        }
        for (clip, row) in self.clips.iter().enumerate() {
            let wrong = |what: String| Err(InvalidPlan::Clip { clip, what });
            let range = match TimeRange::new(row.start_ms, row.end_ms) {
                Ok(range) => range,
                Err(why) => return wrong(why.to_string()),
            };
            if range.end_ms() > duration_ms {
                return wrong(format!(
                    "ends at {} ms, but the source ends at {duration_ms} ms",
                    range.end_ms()
                ));
            }
            let shown_ms: u64 = row
                .shown_ranges()
                .iter()
                .map(|part| part.duration_ms())
                .sum();
            if shown_ms < MIN_CLIP_MS {
                return wrong(format!(
                    "lasts {shown_ms} ms without its cuts, the minimum is {MIN_CLIP_MS} ms"
                ));
            }
            if self.clips[..clip]
                .iter()
                .any(|other| other.clip_index == row.clip_index)
            {
                return wrong(format!("clip_index {} appears twice", row.clip_index));
            }
        }
        Ok(())
    }

    /// Truncates the texts to their limits: a planner may take them from elsewhere.
    #[must_use]
    pub fn with_truncated_texts(mut self) -> Self {
        for row in &mut self.clips {
            row.title = truncate(&row.title, MAX_TITLE_BYTES);
            row.summary = truncate(&row.summary, MAX_TEXT_BYTES);
            row.reason = truncate(&row.reason, MAX_TEXT_BYTES);
        }
        self
    }

    /// Checks that an edited plan is within the limits of the service.
    ///
    /// # Errors
    /// When there are too many clips or cuts, or a clip or a text is too long.
    pub fn check_edited(&self) -> Result<(), InvalidPlan> {
        let max = MAX_CLIPS as usize;
        if self.clips.len() > max {
            return Err(InvalidPlan::TooMany {
                got: self.clips.len(),
                max,
            });
        }
        for (clip, row) in self.clips.iter().enumerate() {
            let wrong = |what: String| Err(InvalidPlan::Clip { clip, what });
            if row.clip_index >= CLIP_INDEX_LIMIT {
                return wrong(format!("clip_index must be below {CLIP_INDEX_LIMIT}"));
            }
            if row.range().duration_ms() > MAX_CLIP_MS {
                return wrong(format!("is longer than {MAX_CLIP_MS} ms"));
            }
            if row.cuts.len() > MAX_CUTS {
                return wrong(format!("has more than {MAX_CUTS} cuts"));
            }
            let texts = [
                ("title", &row.title, MAX_TITLE_BYTES),
                ("summary", &row.summary, MAX_TEXT_BYTES),
                ("reason", &row.reason, MAX_TEXT_BYTES),
            ];
            for (name, text, max) in texts {
                if text.len() > max {
                    return wrong(format!("{name} has more than {max} bytes"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::limits::MAX_CLIP_SECONDS;

    /// Builds a plan of clips with these indices and lengths.
    fn plan(clips: impl IntoIterator<Item = (u32, u64)>) -> Plan {
        let rows = clips.into_iter().map(|(clip_index, ms)| {
            json!({"clip_index": clip_index, "rank": 1, "start_ms": 1000, "end_ms": 1000 + ms, "title": "", "summary": "", "reason": "",
                "virality_score": 0.5, "score_breakdown": {"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5}})
        });
        let rows: Vec<_> = rows.collect();
        serde_json::from_value(json!({"version": 1, "clips": rows})).unwrap()
    }

    #[test]
    fn an_edited_plan_is_accepted_up_to_its_limits() {
        let accepted = |plan: &Plan| {
            plan.check(u64::MAX)
                .and_then(|()| plan.check_edited())
                .is_ok()
        };
        let many = |clips: u32| plan((0..clips).map(|index| (index, 5000)));
        assert!(accepted(&many(MAX_CLIPS)));
        assert!(!accepted(&many(MAX_CLIPS + 1)));
        assert!(accepted(&plan([(CLIP_INDEX_LIMIT - 1, 5000)])));
        assert!(!accepted(&plan([(CLIP_INDEX_LIMIT, 5000)])));
        for ms in [MIN_CLIP_MS, MAX_CLIP_MS] {
            assert!(accepted(&plan([(0, ms)])), "{ms}");
        }
        for ms in [MIN_CLIP_MS - 1, MAX_CLIP_MS + 1] {
            assert!(!accepted(&plan([(0, ms)])), "{ms}");
        }
        assert_eq!(MAX_CLIP_MS, u64::from(MAX_CLIP_SECONDS) * 1000);
    }
}

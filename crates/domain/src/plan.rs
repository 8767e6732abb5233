//! Which parts of a source become clips: the file `plan.json`.

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

/// The clips to make, with the reasons; a person may edit it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the file format, 1.
    #[serde(deserialize_with = "whole")]
    pub version: u32,
    /// Who planned it, with a note when the embedded scorer had to stand in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<String>,
    /// The clips in the order of the source.
    pub clips: Vec<PlannedClip>,
    /// Candidates that were not taken, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedCandidate>,
    /// Every sentence with how much it matters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentences: Vec<SalientSentence>,
}

/// One clip to be rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedClip {
    /// Its place in the order of the source, from 0.
    #[serde(deserialize_with = "whole")]
    pub clip_index: u32,
    /// Its place by score, from 1.
    #[serde(deserialize_with = "whole")]
    pub rank: u32,
    /// Where it begins in the source.
    #[serde(deserialize_with = "whole")]
    pub start_ms: u64,
    /// Where it ends in the source.
    #[serde(deserialize_with = "whole")]
    pub end_ms: u64,
    /// A short line to post it under.
    pub title: String,
    /// What is said in it.
    pub summary: String,
    /// Why it was chosen.
    pub reason: String,
    /// All scores in one.
    pub virality_score: Score,
    /// The scores apart.
    pub score_breakdown: ScoreBreakdown,
    /// What was seen and heard that made the scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Parts of the source inside the clip that are left out, e.g. pauses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<TimeRange>,
}

/// What a clip is scored by.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreBreakdown {
    /// How much its opening makes one want to hear on.
    pub hook: Score,
    /// How well it runs and stands by itself.
    pub flow: Score,
    /// How much there is to take away.
    pub value: Score,
    /// How much feeling is in words and voice.
    pub emotion: Score,
}

/// Short phrases, a list for each score, e.g. `question in the opening`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// For the hook.
    #[serde(default)]
    pub hook: Vec<String>,
    /// For the flow.
    #[serde(default)]
    pub flow: Vec<String>,
    /// For the value.
    #[serde(default)]
    pub value: Vec<String>,
    /// For the emotion.
    #[serde(default)]
    pub emotion: Vec<String>,
}

/// A candidate that was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DroppedCandidate {
    /// Where it would have begun.
    pub start_ms: u64,
    /// Where it would have ended.
    pub end_ms: u64,
    /// What it scored.
    pub virality_score: Score,
    /// Why it was not taken.
    pub reason: String,
}

/// A sentence with how much it matters for the whole talk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SalientSentence {
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Its words.
    pub text: String,
    /// How much it matters, 0 to 1.
    pub salience: Score,
}

/// Why a `plan.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPlan {
    /// It is not the JSON of a plan.
    #[error("not a plan: {}", explain(.0))]
    Json(#[from] serde_json::Error),
    /// Its format is a later one.
    #[error("plan version {0} is not supported, only 1")]
    Version(u32),
    /// There is nothing to render.
    #[error("the plan has no clips")]
    Empty,
    /// There are more clips than anybody posts.
    #[error("the plan has {got} clips, the limit is {most}")]
    TooMany {
        /// How many there are.
        got: usize,
        /// How many there may be.
        most: usize,
    },
    /// A clip cannot be rendered.
    #[error("clips[{clip}]: {what}")]
    Clip {
        /// Index of the offending clip in the list.
        clip: usize,
        /// What is wrong there.
        what: String,
    },
}

impl PlannedClip {
    /// Where it lies in the source.
    ///
    /// # Panics
    /// When the clip did not come out of [`Plan::check`] or a planner and is empty.
    pub fn range(&self) -> TimeRange {
        TimeRange::new(self.start_ms, self.end_ms).expect("a checked plan has no empty clip")
    }

    /// The parts of the source that are shown, in order; never empty in a checked plan.
    pub fn shown_ranges(&self) -> Vec<TimeRange> {
        self.range().without(&self.cuts)
    }
}

impl Plan {
    /// Reads and checks a `plan.json` for a source of `duration_ms`.
    ///
    /// # Errors
    /// When it is no plan, or a clip of it cannot be rendered from that source.
    pub fn from_json(bytes: &[u8], duration_ms: u64) -> Result<Self, InvalidPlan> {
        let plan: Self = serde_json::from_slice(bytes)?;
        plan.check(duration_ms)?;
        Ok(plan)
    }

    /// Whether every clip can be rendered from a source of `duration_ms`.
    ///
    /// # Errors
    /// When there is no clip, or one is shorter than a tenth of a second, reaches past the end, or shares its index with another.
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
                    "ends at {} ms, after the source ({duration_ms} ms)",
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
                    "{shown_ms} ms of it are shown, fewer than {MIN_CLIP_MS}"
                ));
            }
            if self.clips[..clip]
                .iter()
                .any(|other| other.clip_index == row.clip_index)
            {
                return wrong(format!("clip_index {} is there twice", row.clip_index));
            }
        }
        Ok(())
    }

    /// The same with its texts cut, as a planner that took them from elsewhere may leave them longer than a record has room for.
    #[must_use]
    pub fn with_truncated_texts(mut self) -> Self {
        for row in &mut self.clips {
            row.title = truncate(&row.title, MAX_TITLE_BYTES);
            row.summary = truncate(&row.summary, MAX_TEXT_BYTES);
            row.reason = truncate(&row.reason, MAX_TEXT_BYTES);
        }
        self
    }

    /// Whether a plan that a person sent in is no larger than what the service makes by itself.
    ///
    /// # Errors
    /// When there are too many clips or cuts, a clip is too long, or a text is.
    pub fn check_edited(&self) -> Result<(), InvalidPlan> {
        let most = MAX_CLIPS as usize;
        if self.clips.len() > most {
            return Err(InvalidPlan::TooMany {
                got: self.clips.len(),
                most,
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
            for (name, text, most) in texts {
                if text.len() > most {
                    return wrong(format!("{name} has more than {most} bytes"));
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

    /// A plan whose clips have these indices and lengths.
    fn plan(clips: impl IntoIterator<Item = (u32, u64)>) -> Plan {
        let rows = clips.into_iter().map(|(clip_index, ms)| {
            json!({"clip_index": clip_index, "rank": 1, "start_ms": 1000, "end_ms": 1000 + ms, "title": "", "summary": "", "reason": "",
                "virality_score": 0.5, "score_breakdown": {"hook": 0.5, "flow": 0.5, "value": 0.5, "emotion": 0.5}})
        });
        let rows: Vec<_> = rows.collect();
        serde_json::from_value(json!({"version": 1, "clips": rows})).unwrap()
    }

    #[test]
    fn an_edited_plan_stands_at_its_limits() {
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

//! The price of a job.

use crate::JobOutput;

/// Returns the credits for a finished job: `per_minute` for each started minute of source considered. If that length is unknown, the
/// total length of the clips is used. Returns `None` for an output without clips: nothing is charged yet, which differs from 0.
pub fn credits(output: &JobOutput, per_minute: u64) -> Option<u64> {
    if output.clips.is_empty() {
        return None;
    }
    let clips_ms = || {
        output
            .clips
            .iter()
            .fold(0_u64, |sum, clip| sum.saturating_add(clip.duration_ms))
    };
    // an output with clips has considered some of the source: 0 stands for an unknown length
    let considered_ms = output.considered_ms.filter(|&ms| ms > 0);
    let minutes = considered_ms.unwrap_or_else(clips_ms).div_ceil(60_000);
    Some(minutes.saturating_mul(per_minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(considered_ms: Option<u64>, clips_ms: &[u64]) -> JobOutput {
        let clips: Vec<_> = clips_ms
            .iter()
            .enumerate()
            .map(|(index, ms)| serde_json::json!({"clip_index": index, "s3_url": "u", "duration_ms": ms, "virality_score": 0.5}))
            .collect();
        let output = serde_json::json!({"total_clips": clips.len(), "clips": clips, "considered_ms": considered_ms});
        serde_json::from_value(output).unwrap()
    }

    #[test]
    fn every_started_minute_is_charged_and_no_clips_are_free() {
        let charged = |considered_ms, clips_ms: &[u64], per_minute| {
            credits(&output(considered_ms, clips_ms), per_minute)
        };
        assert_eq!(charged(Some(60_000), &[1], 1), Some(1));
        assert_eq!(charged(Some(60_001), &[1], 1), Some(2));
        assert_eq!(charged(Some(3_605_000), &[1], 3), Some(183));
        assert_eq!(charged(None, &[45_000, 30_000], 1), Some(2));
        assert_eq!(charged(Some(0), &[45_000, 30_000], 1), Some(2));
        assert_eq!(charged(Some(60_000), &[1], 0), Some(0));
        assert_eq!(charged(Some(60_000), &[], 1), None);
        assert_eq!(charged(Some(u64::MAX), &[1], u64::MAX), Some(u64::MAX));
    }
}

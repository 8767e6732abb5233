//! What a job costs its owner.

use crate::JobOutput;

/// Credits for a finished job: `per_minute` for each started minute of source considered; where that is not told, the sum
/// of the clips' lengths stands for it. A job without clips costs nothing.
pub fn credits(output: &JobOutput, per_minute: u64) -> u64 {
    if output.clips.is_empty() {
        return 0;
    }
    let clips_ms = || {
        output
            .clips
            .iter()
            .fold(0_u64, |sum, clip| sum.saturating_add(clip.duration_ms))
    };
    let considered_ms = output.considered_ms.unwrap_or_else(clips_ms);
    considered_ms.div_ceil(60_000).saturating_mul(per_minute)
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
        assert_eq!(credits(&output(Some(60_000), &[1]), 1), 1);
        assert_eq!(credits(&output(Some(60_001), &[1]), 1), 2);
        assert_eq!(credits(&output(Some(3_605_000), &[1]), 3), 183);
        assert_eq!(credits(&output(None, &[45_000, 30_000]), 1), 2);
        assert_eq!(credits(&output(Some(60_000), &[]), 1), 0);
        assert_eq!(credits(&output(Some(u64::MAX), &[1]), u64::MAX), u64::MAX);
    }
}

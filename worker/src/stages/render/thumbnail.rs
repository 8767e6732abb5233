//! Which frame of a clip stands for it.

use domain::Word;

use super::timeline::Timeline;

/// A frame shortly before the end of the first sentence: the speaker is in the picture and in the flow, and no cut is near.
///
/// Without words it is the frame at a third of the clip.
pub(crate) fn frame(words: &[Word], timeline: &Timeline) -> u64 {
    let last = timeline.frame_count().saturating_sub(1);
    let first_end = words
        .iter()
        .find(|word| word.text.ends_with(['.', '?', '!']))
        .map(|word| word.start_ms);
    let at_ms = first_end.unwrap_or(timeline.duration_ms() / 3);
    ((at_ms as f64 / 1000.0 / timeline.seconds(1)) as u64).min(last)
}

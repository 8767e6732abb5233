//! Corrects word times: alignment starts a word too early after a pause, and ends it too late before one.

use std::ops::Range;

use crate::words::SpokenWord;

/// Delays of the voice detector at the start and at the end of speech.
const ONSET_LAG_MS: u64 = 60;
const RELEASE_LAG_MS: u64 = 40;
/// How much of a word that spans a pause may belong to the previous word, by the error of the alignment.
const MAX_EARLY_MS: u64 = 100;
/// Minimum duration of a corrected word.
const MIN_WORD_MS: u64 = 60;

/// Shrinks words to the speech they overlap; `speech` is in milliseconds of the source, in order. Nobody pauses within a word, so
/// a word that spans a pause is assigned to the side that contains more of it.
pub(crate) fn snap_to_speech(words: &mut [SpokenWord], speech: &[Range<u64>]) {
    for word in words {
        let within = |run: &&Range<u64>| {
            let end_ms = run.end.min(word.end_ms);
            end_ms.saturating_sub(run.start.max(word.start_ms + MAX_EARLY_MS))
        };
        let overlaps = |run: &&Range<u64>| run.start < word.end_ms && run.end > word.start_ms;
        let Some(run) = speech.iter().filter(overlaps).max_by_key(within) else {
            continue;
        };
        let start_ms = word.start_ms.max(run.start.saturating_sub(ONSET_LAG_MS));
        let end_ms = word.end_ms.min(run.end.saturating_sub(RELEASE_LAG_MS));
        if start_ms + MIN_WORD_MS <= end_ms {
            (word.start_ms, word.end_ms) = (start_ms, end_ms);
        }
    }
}

/// Makes times monotonic: no word overlaps the next or exceeds the end of the source.
pub(crate) fn make_monotone(words: &mut [SpokenWord], duration_ms: u64) {
    let mut previous_ms = 0;
    for word in words.iter_mut() {
        word.start_ms = word
            .start_ms
            .clamp(previous_ms, duration_ms.max(previous_ms));
        word.end_ms = word
            .end_ms
            .clamp(word.start_ms, duration_ms.max(word.start_ms));
        previous_ms = word.start_ms;
    }
    for at in 1..words.len() {
        let next_ms = words[at].start_ms;
        words[at - 1].end_ms = words[at - 1].end_ms.min(next_ms);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(start_ms: u64, end_ms: u64) -> SpokenWord {
        SpokenWord {
            text: "a".into(),
            spaced: true,
            start_ms,
            end_ms,
            confidence: 1.0,
        }
    }

    #[test]
    fn words_are_shrunk_to_speech() {
        let mut words = [word(1000, 2300), word(2300, 4000), word(9000, 9100)];
        snap_to_speech(&mut words, &[1800..3000, 5000..6000]);
        let times: Vec<(u64, u64)> = words.iter().map(|w| (w.start_ms, w.end_ms)).collect();
        assert_eq!(times, [(1740, 2300), (2300, 2960), (9000, 9100)]);
    }

    #[test]
    fn a_word_that_spans_a_pause_is_assigned_to_one_side() {
        let speech = [0..4000, 6000..9000];
        let mut words = [word(3400, 6200), word(3800, 6200), word(3900, 6100)];
        snap_to_speech(&mut words, &speech);
        let times: Vec<(u64, u64)> = words.iter().map(|w| (w.start_ms, w.end_ms)).collect();
        assert_eq!(times, [(3400, 3960), (5940, 6200), (5940, 6100)]);
    }

    proptest! {
        #[test]
        fn times_are_monotonic(spans in prop::collection::vec((0_u64..3000, 0_u64..900), 0..40)) {
            let mut words: Vec<SpokenWord> = spans.iter().map(|(a, b)| word(*a, a + b)).collect();
            make_monotone(&mut words, 3000);
            prop_assert!(words.iter().all(|w| w.start_ms <= w.end_ms && w.end_ms <= 3000));
            prop_assert!(words.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms));
        }
    }
}

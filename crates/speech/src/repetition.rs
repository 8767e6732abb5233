//! Finds loops: phrases that Whisper sometimes repeats endlessly.

/// Consecutive occurrences from which a phrase counts as a loop: people repeat themselves two or three times.
const MIN_REPEATS: usize = 4;
/// The longest phrase searched for, in tokens.
const MAX_PHRASE_TOKENS: usize = 24;

/// The range of the first loop in `tokens` from its second occurrence to its last: the part to remove.
pub(crate) fn find_loop<T: PartialEq>(tokens: &[T]) -> Option<std::ops::Range<usize>> {
    (1..=MAX_PHRASE_TOKENS.min(tokens.len())).find_map(|phrase| {
        let repeats = |at: &usize| tokens[*at] == tokens[*at - phrase];
        let mut at = phrase;
        while at < tokens.len() {
            let run = (at..tokens.len()).take_while(repeats).count();
            if run >= minimum_run(phrase) {
                return Some(at..at + run / phrase * phrase);
            }
            at += run + 1;
        }
        None
    })
}

/// The number of repeated tokens that make a loop; one or two tokens, as in "ha ha ha ha", must repeat more often than a phrase.
fn minimum_run(phrase: usize) -> usize {
    if phrase <= 2 {
        phrase * (2 * MIN_REPEATS - 1)
    } else {
        phrase * (MIN_REPEATS - 1)
    }
}

/// Returns `tokens` with each loop reduced to its first occurrence.
pub(crate) fn without_loops<T: PartialEq + Clone>(tokens: &[T]) -> Vec<T> {
    let mut remaining = tokens.to_vec();
    while let Some(repeated) = find_loop(&remaining) {
        remaining.drain(repeated);
    }
    remaining
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split(' ').collect()
    }

    #[test]
    fn a_phrase_is_a_loop_from_four_occurrences_on() {
        let thrice = words("never give up never give up never give up again");
        assert_eq!(find_loop(&thrice), None);
        let loops = words("well never give up never give up never give up never give up");
        assert_eq!(find_loop(&loops), Some(4..13));
        assert_eq!(without_loops(&loops), words("well never give up"));
    }

    #[test]
    fn short_laughter_is_not_a_loop() {
        assert_eq!(find_loop(&words("ha ha ha ha ha that is funny")), None);
        assert_eq!(without_loops(&["ha"; 100]), ["ha"]);
    }

    proptest! {
        #[test]
        fn the_result_has_no_loop(tokens in prop::collection::vec(0_u8..3, 0..120)) {
            prop_assert_eq!(find_loop(&without_loops(&tokens)), None);
        }
    }
}

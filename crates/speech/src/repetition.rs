//! Finds text that a decoder repeats for ever, as Whisper does now and then.

/// How often a phrase stands in a row before it is taken for a loop: people say a thing twice, or thrice.
const LOOP: usize = 4;
/// The longest phrase looked for, in tokens.
const LONGEST_PHRASE: usize = 24;

/// Where a loop's second round begins and its last ends, if `tokens` has one: what is to be taken out.
pub(crate) fn find_loop<T: PartialEq>(tokens: &[T]) -> Option<std::ops::Range<usize>> {
    (1..=LONGEST_PHRASE.min(tokens.len())).find_map(|phrase| {
        let again = |at: &usize| tokens[*at] == tokens[*at - phrase];
        let mut at = phrase;
        while at < tokens.len() {
            let run = (at..tokens.len()).take_while(again).count();
            if run >= minimum_run(phrase) {
                return Some(at..at + run / phrase * phrase);
            }
            at += run + 1;
        }
        None
    })
}

/// A single token, as in "ha ha ha ha", must repeat more often than a phrase.
fn minimum_run(phrase: usize) -> usize {
    if phrase <= 2 {
        phrase * (2 * LOOP - 1)
    } else {
        phrase * (LOOP - 1)
    }
}

/// `tokens` with each loop cut down to its first round.
pub(crate) fn without_loops<T: PartialEq + Clone>(tokens: &[T]) -> Vec<T> {
    let mut kept = tokens.to_vec();
    while let Some(again) = find_loop(&kept) {
        kept.drain(again);
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split(' ').collect()
    }

    #[test]
    fn a_phrase_said_three_times_is_no_loop_four_times_is() {
        let thrice = words("never give up never give up never give up again");
        assert_eq!(find_loop(&thrice), None);
        let loops = words("well never give up never give up never give up never give up");
        assert_eq!(find_loop(&loops), Some(4..13));
        assert_eq!(without_loops(&loops), words("well never give up"));
    }

    #[test]
    fn laughter_stays() {
        assert_eq!(find_loop(&words("ha ha ha ha ha that is funny")), None);
        assert_eq!(without_loops(&["ha"; 100]), ["ha"]);
    }

    proptest! {
        #[test]
        fn what_is_left_has_no_loop(tokens in prop::collection::vec(0_u8..3, 0..120)) {
            prop_assert_eq!(find_loop(&without_loops(&tokens)), None);
        }
    }
}

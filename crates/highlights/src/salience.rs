//! Salience: how important each sentence is for the talk.

use crate::{
    semantics::Semantics,
    stats::{sigmoid, z_scores},
    words::Lexicon,
};

/// A word counts as new if it does not occur in this many previous sentences.
const NEW_AFTER: usize = 20;
/// A new word counts as continued if it occurs again within this many sentences.
const CONTINUED_WITHIN: usize = 15;
/// Previous sentences in which repetition is penalised.
const JUST_BEFORE: usize = 3;
/// Sentences on either side that form the neighbourhood of a sentence.
const NEIGHBOURS: usize = 20;

/// For each sentence, the number of new content words that later sentences continue: the sign of a sentence that introduces a
/// subject.
pub(crate) fn introductions(lexicon: &Lexicon) -> Vec<f64> {
    let mut counts = vec![0.0; lexicon.sentences.len()];
    for occurrences in &lexicon.occurrences {
        for (nth, &at) in occurrences.iter().enumerate() {
            let new = nth == 0 || at - occurrences[nth - 1] > NEW_AFTER;
            let continued = occurrences
                .get(nth + 1)
                .is_some_and(|next| next - at <= CONTINUED_WITHIN);
            if new && continued {
                counts[at] += 1.0;
            }
        }
    }
    counts
}

/// The salience of each sentence, 0 to 1; `reference_shares` is the share of its words that refer to something outside it.
pub(crate) fn salience(
    lexicon: &Lexicon,
    semantics: &Semantics,
    reference_shares: &[f64],
) -> Vec<f64> {
    let each =
        |of: &dyn Fn(usize) -> f64| (0..lexicon.sentences.len()).map(of).collect::<Vec<f64>>();
    let introductions = introductions(lexicon);
    let words = |of: &dyn Fn(usize) -> f64| {
        each(&|at| {
            lexicon.sentences[at]
                .iter()
                .map(|&word| of(word))
                .sum::<f64>()
                .ln_1p()
        })
    };
    let parts = [
        (0.45, words(&|word| semantics.rarity(word))),
        (0.25, words(&|word| recurrence(lexicon, word))),
        (0.2, each(&|at| introductions[at].ln_1p())),
        (0.15, each(&|at| centrality(lexicon, semantics, at))),
        (-0.2, each(&|at| repetition(semantics, at))),
        (-0.2, each(&|at| lexicon.lengths[at] as f64)),
        (-0.1, reference_shares.to_vec()),
    ];
    let mut total = vec![-1.0; lexicon.sentences.len()];
    for (weight, values) in parts {
        for (sum, value) in total.iter_mut().zip(z_scores(&values)) {
            *sum += weight * value;
        }
    }
    total.into_iter().map(sigmoid).collect()
}

/// The number of sentences that contain a word, 0 if only one does.
fn recurrence(lexicon: &Lexicon, word: usize) -> f64 {
    let count = lexicon.occurrences[word].len();
    if count > 1 { count as f64 } else { 0.0 }
}

/// Similarity of a sentence to its neighbourhood; closer neighbours and those with more content words weigh more.
fn centrality(lexicon: &Lexicon, semantics: &Semantics, at: usize) -> f64 {
    let (from, to) = (
        at.saturating_sub(NEIGHBOURS),
        (at + NEIGHBOURS + 1).min(lexicon.sentences.len()),
    );
    let weight = |other: usize| {
        let apart = other.abs_diff(at) as f32;
        let content = (lexicon.sentences[other].len() as f32).ln_1p();
        if other == at {
            0.0
        } else {
            content * (-apart / 10.0).exp()
        }
    };
    semantics.closeness(at, semantics.sum(from, to, weight).as_ref())
}

/// Similarity of a sentence to the ones just before it.
fn repetition(semantics: &Semantics, at: usize) -> f64 {
    let before = semantics.sum(at.saturating_sub(JUST_BEFORE), at, |_| 1.0);
    semantics.closeness(at, before.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon(texts: &[&str]) -> Lexicon {
        Lexicon::new(texts, "en")
    }

    #[test]
    fn introductions_are_words_that_are_new_and_continued() {
        let lexicon = lexicon(&[
            "Rockets burn hydrogen.",
            "Hydrogen is light.",
            "Nothing else.",
            "Rockets fly.",
        ]);
        assert_eq!(introductions(&lexicon), [2.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_sentence_with_content_is_more_salient_than_one_without() {
        let lexicon = lexicon(&[
            "Rockets burn liquid hydrogen.",
            "So it is.",
            "Hydrogen lifts rockets.",
            "This is it.",
        ]);
        let salience = salience(
            &lexicon,
            &Semantics::unknown(&lexicon),
            &[0.0, 0.25, 0.0, 0.5],
        );
        assert!(
            salience[0] > salience[2] && salience[2] > salience[1] && salience[1] > salience[3]
        );
        assert!(salience.iter().all(|one| (0.0..=1.0).contains(one)));
    }
}

//! How much each sentence matters for the whole talk.

use crate::{
    meaning::Meaning,
    stats::{sigmoid, standardized},
    words::Lexicon,
};

/// Sentences before, in which a word must not be heard for it to count as newly brought up.
const QUIET_BEFORE: usize = 20;
/// Sentences after, in which it must be heard again to count as taken up.
const TAKEN_UP_WITHIN: usize = 15;
/// Sentences before, which one that matters does not just repeat.
const JUST_BEFORE: usize = 3;
/// Sentences on either side that make the neighbourhood of one.
const NEIGHBOURS: usize = 20;

/// For each sentence how many content words it brings up that the next ones take up: the mark of one that opens a matter.
pub(crate) fn brought_up(lexicon: &Lexicon) -> Vec<f64> {
    let mut counts = vec![0.0; lexicon.sentences.len()];
    for places in &lexicon.places {
        for (nth, &at) in places.iter().enumerate() {
            let new = nth == 0 || at - places[nth - 1] > QUIET_BEFORE;
            let taken_up = places
                .get(nth + 1)
                .is_some_and(|next| next - at <= TAKEN_UP_WITHIN);
            if new && taken_up {
                counts[at] += 1.0;
            }
        }
    }
    counts
}

/// How much each sentence matters, 0 to 1: `pointing` is the share of its words that point outside it.
pub(crate) fn salience(lexicon: &Lexicon, meaning: &Meaning, pointing: &[f64]) -> Vec<f64> {
    let each =
        |of: &dyn Fn(usize) -> f64| (0..lexicon.sentences.len()).map(of).collect::<Vec<f64>>();
    let brought_up = brought_up(lexicon);
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
        (0.45, words(&|word| meaning.rarity(word))),
        (0.25, words(&|word| recurrence(lexicon, word))),
        (0.2, each(&|at| brought_up[at].ln_1p())),
        (0.15, each(&|at| centrality(lexicon, meaning, at))),
        (-0.2, each(&|at| repetition(meaning, at))),
        (-0.2, each(&|at| lexicon.lengths[at] as f64)),
        (-0.1, pointing.to_vec()),
    ];
    let mut total = vec![-1.0; lexicon.sentences.len()];
    for (weight, values) in parts {
        for (sum, value) in total.iter_mut().zip(standardized(&values)) {
            *sum += weight * value;
        }
    }
    total.into_iter().map(sigmoid).collect()
}

/// In how many sentences a word is said, 0 if in one only.
fn recurrence(lexicon: &Lexicon, word: usize) -> f64 {
    let said = lexicon.places[word].len();
    if said > 1 { said as f64 } else { 0.0 }
}

/// How close a sentence is to the middle of its neighbourhood, nearer and fuller neighbours counting for more.
fn centrality(lexicon: &Lexicon, meaning: &Meaning, at: usize) -> f64 {
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
    meaning.closeness(at, meaning.sum(from, to, weight).as_ref())
}

/// How close a sentence is to the ones just before it.
fn repetition(meaning: &Meaning, at: usize) -> f64 {
    let before = meaning.sum(at.saturating_sub(JUST_BEFORE), at, |_| 1.0);
    meaning.closeness(at, before.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon(texts: &[&str]) -> Lexicon {
        Lexicon::new(texts, "en")
    }

    #[test]
    fn a_sentence_brings_up_words_that_are_new_and_taken_up() {
        let lexicon = lexicon(&[
            "Rockets burn hydrogen.",
            "Hydrogen is light.",
            "Nothing else.",
            "Rockets fly.",
        ]);
        assert_eq!(brought_up(&lexicon), [2.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_full_sentence_matters_more_than_an_empty_one() {
        let lexicon = lexicon(&[
            "Rockets burn liquid hydrogen.",
            "So it is.",
            "Hydrogen lifts rockets.",
            "This is it.",
        ]);
        let salience = salience(
            &lexicon,
            &Meaning::unknown(&lexicon),
            &[0.0, 0.25, 0.0, 0.5],
        );
        assert!(
            salience[0] > salience[2] && salience[2] > salience[1] && salience[1] > salience[3]
        );
        assert!(salience.iter().all(|one| (0.0..=1.0).contains(one)));
    }
}

//! Finds pauses and filler words to cut from a clip.

use domain::{TimeRange, Transcript, Word};

/// A longer pause between words is shortened, in milliseconds.
const MAX_PAUSE_MS: u64 = 600;
/// The length a pause is shortened to, half on either side of the cut, in milliseconds.
const REMAINING_PAUSE_MS: u64 = 200;
/// Filler words, in English and related languages.
const FILLERS: [&str; 8] = ["um", "uh", "er", "erm", "uhm", "umm", "hmm", "äh"];

/// The ranges to cut from `clip`: long pauses, except for a short remainder, and filler words; in order and disjoint.
pub fn silences(transcript: &Transcript, clip: TimeRange) -> Vec<TimeRange> {
    let inside: Vec<&Word> = transcript
        .words()
        .filter(|word| word.start_ms >= clip.start_ms() && word.end_ms <= clip.end_ms())
        .collect();
    let is_filler: Vec<bool> = (0..inside.len()).map(|at| is_filler(&inside, at)).collect();
    let of_kind = |filler: bool| {
        let kinds = inside.iter().zip(&is_filler);
        kinds
            .filter(move |(_, is)| **is == filler)
            .map(|(word, _)| *word)
    };
    let fillers = Fillers::new(of_kind(true));
    let spoken: Vec<&Word> = of_kind(false).collect();
    spoken
        .windows(2)
        .filter_map(|pair| cut_between(pair[0], pair[1], fillers.any_between(pair[0], pair[1])))
        .collect()
}

fn cut_between(before: &Word, after: &Word, filler: bool) -> Option<TimeRange> {
    let gap = after.start_ms.saturating_sub(before.end_ms);
    if gap <= REMAINING_PAUSE_MS || (gap <= MAX_PAUSE_MS && !filler) {
        return None;
    }
    TimeRange::new(
        before.end_ms + REMAINING_PAUSE_MS / 2,
        after.start_ms - REMAINING_PAUSE_MS / 2,
    )
    .ok()
}

/// The times of filler words.
struct Fillers {
    /// The start of each, ascending, with the earliest end of this and all later ones.
    times: Vec<(u64, u64)>,
}

impl Fillers {
    fn new<'a>(words: impl Iterator<Item = &'a Word>) -> Self {
        let mut times: Vec<(u64, u64)> = words.map(|word| (word.start_ms, word.end_ms)).collect();
        times.sort_unstable();
        let mut earliest_ms = u64::MAX;
        for (_, end_ms) in times.iter_mut().rev() {
            earliest_ms = earliest_ms.min(*end_ms);
            *end_ms = earliest_ms;
        }
        Self { times }
    }

    /// Whether there is a filler word between two words.
    fn any_between(&self, before: &Word, after: &Word) -> bool {
        let first = self
            .times
            .partition_point(|(start_ms, _)| *start_ms < before.end_ms);
        self.times
            .get(first)
            .is_some_and(|(_, earliest_ms)| *earliest_ms <= after.start_ms)
    }
}

/// Whether the word is a filler such as "um", or part of a "you know" enclosed by commas.
fn is_filler(words: &[&Word], at: usize) -> bool {
    let bare = |at: usize| {
        words[at]
            .text
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase()
    };
    let set_off = |from: usize| {
        from > 0
            && from + 1 < words.len()
            && bare(from) == "you"
            && bare(from + 1) == "know"
            && words[from - 1].text.ends_with(',')
            && words[from + 1].text.ends_with(',')
    };
    FILLERS.contains(&bare(at).as_str()) || set_off(at) || (at > 0 && set_off(at - 1))
}

#[cfg(test)]
mod tests {
    use domain::Segment;

    use super::*;

    fn transcript(words: &[(&str, u64, u64)]) -> Transcript {
        let words: Vec<Word> = words
            .iter()
            .map(|&(text, start_ms, end_ms)| Word {
                text: text.into(),
                start_ms,
                end_ms,
                confidence: 1.0,
            })
            .collect();
        let end_ms = words.last().map_or(0, |word| word.end_ms);
        let segment = Segment {
            start_ms: 0,
            end_ms,
            text: String::new(),
            speaker: None,
            words,
        };
        Transcript {
            version: 1,
            language: "en".into(),
            duration_ms: end_ms,
            source: None,
            segments: vec![segment],
        }
    }

    fn cuts(words: &[(&str, u64, u64)]) -> Vec<[u64; 2]> {
        let transcript = transcript(words);
        let clip = TimeRange::new(0, transcript.duration_ms).unwrap();
        silences(&transcript, clip)
            .into_iter()
            .map(Into::into)
            .collect()
    }

    #[test]
    fn the_work_grows_with_the_number_of_words() {
        let words: Vec<(&str, u64, u64)> = (0..100_000_u64)
            .map(|at| (if at % 2 == 0 { "um" } else { "it" }, at * 10, at * 10 + 5))
            .collect();
        let begun = std::time::Instant::now();
        assert!(cuts(&words).is_empty());
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn long_pauses_are_shortened() {
        assert_eq!(
            cuts(&[("a", 0, 500), ("b", 2000, 2500), ("c", 3000, 3500)]),
            [[600, 1900]]
        );
    }

    #[test]
    fn fillers_are_cut_without_the_words_around_them() {
        assert_eq!(
            cuts(&[("It", 0, 200), ("um,", 300, 700), ("flies", 800, 1000)]),
            [[300, 700]]
        );
        assert_eq!(
            cuts(&[
                ("It's,", 0, 200),
                ("you", 220, 500),
                ("know,", 500, 700),
                ("new", 710, 1000)
            ]),
            [[300, 610]]
        );
        assert!(
            cuts(&[
                ("Do", 0, 200),
                ("you", 210, 400),
                ("know", 410, 600),
                ("him?", 610, 900)
            ])
            .is_empty()
        );
    }
}

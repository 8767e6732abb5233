//! A site's captions as a transcript: sentences, with the times of words spread over the time of their caption.

mod cue;

use domain::{Segment, SpeechOrigin, Transcript, Word};

use self::cue::{Cue, cues};

/// A sentence ends where nothing is shown for this long.
const PAUSE_MS: u64 = 2_000;
/// A sentence of captions without punctuation ends with its caption after this many words.
const LONG_SENTENCE_WORDS: usize = 40;
/// Fewest words a minute for captions to be taken for what is said; even slow talks have more than 80.
const MIN_WORDS_PER_MINUTE: u64 = 40;
/// How far captions may reach past the end of the video they belong to.
const SLACK_MS: u64 = 3_000;
/// Words whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 14] = [
    "mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "e.g.", "i.e.", "etc.", "no.", "jr.",
    "sr.", "approx.",
];

/// Reads `WebVTT` or `SubRip` captions of a video of `duration_ms`.
///
/// None if they are not what is said: too few words, much of the time left out, or of another cut of the video.
pub(super) fn transcript(text: &str, language: &str, duration_ms: u64) -> Option<Transcript> {
    let cues = cues(text);
    let words: usize = cues.iter().map(|cue| cue.words.len()).sum();
    let (first, last) = (cues.first()?, cues.last()?);
    let fits = last.end_ms <= duration_ms + SLACK_MS;
    let enough = words as u64 * 60_000 >= MIN_WORDS_PER_MINUTE * duration_ms;
    let all_along = (last.end_ms - first.start_ms.min(last.end_ms)) * 2 >= duration_ms;
    (fits && enough && all_along).then(|| Transcript {
        version: 1,
        language: language.to_owned(),
        duration_ms,
        source: Some(SpeechOrigin::Captions),
        segments: sentences(&cues, duration_ms),
    })
}

fn sentences(cues: &[Cue], duration_ms: u64) -> Vec<Segment> {
    let mut sentences: Vec<Segment> = Vec::new();
    let mut open = Vec::new();
    for (number, cue) in cues.iter().enumerate() {
        let timed = timed_words(cue, cues.get(number + 1), duration_ms);
        for (place, word) in timed.iter().enumerate() {
            open.push(word.clone());
            let next = timed.get(place + 1).map(|next| next.text.as_str());
            let next = next.or_else(|| cues.get(number + 1)?.words.first().map(String::as_str));
            if ends_sentence(&word.text, next) {
                sentences.extend(sentence(&mut open, cue));
            }
        }
        let breaks = cues.get(number + 1).is_none_or(|next| {
            next.start_ms > cue.end_ms + PAUSE_MS
                || next.speaker_changes
                || open.len() >= LONG_SENTENCE_WORDS
        });
        if breaks {
            sentences.extend(sentence(&mut open, cue));
        }
    }
    sentences
}

/// Makes a sentence of the words so far, if there are any.
fn sentence(words: &mut Vec<Word>, cue: &Cue) -> Option<Segment> {
    let words = std::mem::take(words);
    let (first, last) = (words.first()?, words.last()?);
    Some(Segment {
        start_ms: first.start_ms,
        end_ms: last.end_ms,
        text: words
            .iter()
            .map(|word| word.text.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        speaker: cue.speaker.clone(),
        words,
    })
}

/// Spreads the words over the caption by their length; a caption ends at the latest when the next begins.
fn timed_words(cue: &Cue, next: Option<&Cue>, duration_ms: u64) -> Vec<Word> {
    let start_ms = cue.start_ms.min(duration_ms);
    let end_ms = next
        .map_or(cue.end_ms, |next| cue.end_ms.min(next.start_ms))
        .min(duration_ms)
        .max(start_ms);
    // a space, or a breath, counts as much as a letter
    let lengths: Vec<u64> = cue
        .words
        .iter()
        .map(|word| word.chars().count() as u64 + 1)
        .collect();
    let whole = lengths.iter().sum::<u64>().max(1);
    let at = |letters: u64| start_ms + (end_ms - start_ms) * letters / whole;
    let mut before = 0;
    (cue.words.iter().zip(lengths))
        .map(|(text, length)| {
            let (from, to) = (before, before + length);
            before = to;
            Word {
                text: text.clone(),
                start_ms: at(from),
                end_ms: at(to),
                confidence: 1.0,
            }
        })
        .collect()
}

fn ends_sentence(word: &str, next: Option<&str>) -> bool {
    let bare = word.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']']);
    if bare.ends_with(['!', '?', '…', '。', '！', '？', '؟', '।']) {
        return true;
    }
    let initial = bare.chars().count() == 2 && bare.starts_with(char::is_uppercase);
    let abbreviated = initial || ABBREVIATIONS.contains(&bare.to_lowercase().as_str());
    let goes_on = next.is_some_and(|next| next.starts_with(char::is_lowercase));
    bare.ends_with('.') && !abbreviated && !goes_on
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TALK: &str = "WEBVTT\nKind: captions\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\n1\n00:00:00.000 --> 00:00:02.000 align:start position:0%\n<v Ann>Dr. Smith said &quot;hello\nworld.&quot; And\n\n00:02.000 --> 00:04.000\nthen she <c.loud>left</c> us.\n\nNOTE a remark\n\n00:00:08,000 --> 00:00:10,000\n[Applause]\n- No more";

    fn read(text: &str) -> Transcript {
        transcript(text, "en", 10_000).unwrap()
    }

    #[test]
    fn captions_become_sentences_with_times() {
        let talk = read(TALK);
        let lines: Vec<_> = (talk.segments.iter())
            .map(|s| format!("{}-{} {:?} {}", s.start_ms, s.end_ms, s.speaker, s.text))
            .collect();
        assert_eq!(
            lines,
            [
                "0-1764 Some(\"Ann\") Dr. Smith said \"hello world.\"",
                "1764-4000 None And then she left us.",
                "8000-10000 None No more",
            ]
        );
        assert_eq!(talk.source, Some(SpeechOrigin::Captions));
        let json = serde_json::to_vec(&talk).unwrap();
        assert_eq!(Transcript::from_json(&json).unwrap(), talk);
    }

    #[test]
    fn captions_that_roll_up_say_everything_once() {
        let rolling = "WEBVTT\n\n00:00.000 --> 00:02.000\nwe begin with\n\n00:02.000 --> 00:02.010\nwe begin with\n\n00:02.010 --> 00:04.000\nwe begin with\na small story\n\n00:04.000 --> 00:09.000\na small story\nabout a dog.";
        let talk = read(rolling);
        assert_eq!(
            talk.segments[0].text,
            "we begin with a small story about a dog."
        );
        assert_eq!(
            talk.words()
                .find(|word| word.text == "small")
                .unwrap()
                .start_ms,
            2_010 + 1_990 * 2 / 14
        );
    }

    #[test]
    fn captions_that_are_not_what_is_said_are_not_taken() {
        let few = "WEBVTT\n\n00:00.000 --> 00:10.000\nMusic by the band";
        let late =
            "WEBVTT\n\n00:09.000 --> 00:10.000\none two three four five six seven eight nine ten";
        let other_cut = TALK.replace("00:00:10,000", "00:00:14,000");
        for text in [few, late, &other_cut, "", "WEBVTT", "<html>no</html>"] {
            assert_eq!(transcript(text, "en", 10_000), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_nothing_or_a_transcript_that_can_be_read(
            cues in prop::collection::vec((0_u64..9_000, 0_u64..3_000, "[a-zA-Z.!? <>&\n-]{0,40}"), 0..12)
        ) {
            let clock = |ms: u64| format!("00:{:02}.{:03}", ms / 1000, ms % 1000);
            let mut text = String::from("WEBVTT\n\n");
            for (start, length, words) in cues {
                text += [clock(start), " --> ".into(), clock(start + length), format!("\n{words}\n\n")].concat().as_str();
            }
            if let Some(talk) = transcript(&text, "en", 10_000) {
                let json = serde_json::to_vec(&talk).unwrap();
                prop_assert!(Transcript::from_json(&json).is_ok());
                prop_assert!(talk.segments.iter().all(|s| s.end_ms <= 10_000 && !s.words.is_empty()));
            }
        }
    }
}

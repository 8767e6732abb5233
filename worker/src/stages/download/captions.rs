//! A site's captions as a transcript: sentences, with the times of words spread over the time of their caption.

mod cue;
mod spoken;

use domain::{
    Segment, SpeechOrigin, Transcript, Word,
    limits::{MAX_CAPTION_BYTES, MAX_CAPTION_CUES, MAX_CAPTION_LINES},
};

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

/// Why captions are not taken for what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSpoken {
    #[error("the file has more than {MAX_CAPTION_BYTES} bytes")]
    TooLarge,
    #[error("one has more than {MAX_CAPTION_LINES} lines")]
    TooManyLines,
    #[error("there are more than {MAX_CAPTION_CUES}")]
    TooManyCues,
    #[error("there are none")]
    Empty,
    #[error("they go on after the end of the video")]
    OtherCut,
    #[error("there are fewer than {MIN_WORDS_PER_MINUTE} words a minute")]
    TooFewWords,
    #[error("there is more in a minute than anybody says")]
    TooManyWords,
    #[error("there is a word that is longer than any that is said")]
    EndlessWord,
    #[error("they leave much of the time out")]
    PartOnly,
}

/// Reads `WebVTT` or `SubRip` captions of a video of `duration_ms`.
///
/// # Errors
/// When they are not what is said: too few words or more than anybody says, much of the time left out, or of another cut of
/// the video; or when they are larger than captions of people ever are.
pub(super) fn transcript(
    text: &[u8],
    language: &str,
    duration_ms: u64,
) -> Result<Transcript, NotSpoken> {
    if text.len() > MAX_CAPTION_BYTES {
        return Err(NotSpoken::TooLarge);
    }
    let cues = cues(&String::from_utf8_lossy(text))?;
    let words: usize = cues.iter().map(|cue| cue.words.len()).sum();
    let (Some(first), Some(last)) = (cues.first(), cues.last()) else {
        return Err(NotSpoken::Empty);
    };
    if last.end_ms > duration_ms + SLACK_MS {
        return Err(NotSpoken::OtherCut);
    }
    if (words as u64 * 60_000) < MIN_WORDS_PER_MINUTE * duration_ms {
        return Err(NotSpoken::TooFewWords);
    }
    if (last.end_ms - first.start_ms.min(last.end_ms)) * 2 < duration_ms {
        return Err(NotSpoken::PartOnly);
    }
    let transcript = Transcript {
        version: 1,
        language: language.to_owned(),
        duration_ms,
        source: Some(SpeechOrigin::Captions),
        segments: sentences(&cues, duration_ms),
    };
    if transcript.is_too_fast() {
        return Err(NotSpoken::TooManyWords);
    }
    if transcript.has_overlong_word() {
        return Err(NotSpoken::EndlessWord);
    }
    Ok(transcript)
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

    fn read_talk() -> Transcript {
        read(TALK)
    }

    fn read(text: &str) -> Transcript {
        transcript(text.as_bytes(), "en", 10_000).unwrap()
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

    fn refused(text: &str, duration_ms: u64) -> NotSpoken {
        transcript(text.as_bytes(), "en", duration_ms).unwrap_err()
    }

    #[test]
    fn captions_that_are_not_what_is_said_are_not_taken() {
        let few = "WEBVTT\n\n00:00.000 --> 00:10.000\nMusic by the band";
        let late =
            "WEBVTT\n\n00:09.000 --> 00:10.000\none two three four five six seven eight nine ten";
        let other_cut = TALK.replace("00:00:10,000", "00:00:14,000");
        for (text, why) in [
            (few, NotSpoken::TooFewWords),
            (late, NotSpoken::PartOnly),
            (&other_cut, NotSpoken::OtherCut),
            ("", NotSpoken::Empty),
            ("WEBVTT", NotSpoken::Empty),
            ("<html>no</html>", NotSpoken::Empty),
        ] {
            assert_eq!(refused(text, 10_000), why, "{text}");
        }
    }

    #[test]
    fn captions_at_the_limit_of_words_a_minute_are_taken_and_faster_ones_are_not() {
        let captions = |words: usize| format!("00:00.000 --> 02:00.000\n{}", "word ".repeat(words));
        let most = 2 * domain::limits::MAX_WORDS_PER_MINUTE as usize;
        assert!(transcript(captions(most).as_bytes(), "en", 120_000).is_ok());
        assert_eq!(
            refused(&captions(most + 1), 120_000),
            NotSpoken::TooManyWords
        );
    }

    #[test]
    fn a_caption_file_at_the_limit_of_bytes_is_read_and_a_larger_one_is_not() {
        let padded = |bytes: usize| format!("{TALK}\n\n{}", "x".repeat(bytes - TALK.len() - 2));
        let read = transcript(padded(MAX_CAPTION_BYTES).as_bytes(), "en", 10_000);
        assert_eq!(read.unwrap(), read_talk());
        assert_eq!(
            refused(&padded(MAX_CAPTION_BYTES + 1), 10_000),
            NotSpoken::TooLarge
        );
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
            if let Ok(talk) = transcript(text.as_bytes(), "en", 10_000) {
                let json = serde_json::to_vec(&talk).unwrap();
                prop_assert!(Transcript::from_json(&json).is_ok());
                prop_assert!(talk.segments.iter().all(|s| s.end_ms <= 10_000 && !s.words.is_empty()));
            }
        }
    }
}

//! What `fuzz/` feeds with made-up words: no text may become a tag, a time line or an event.

use domain::Word;

use crate::{cues, escape, piece::pieces, srt, vtt};

/// Words, one a line, as captions of all three formats.
///
/// # Panics
/// When a word breaks out of its place.
pub fn captions(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let words: Vec<Word> = (text.split('\n').zip(0..))
        .map(|(text, at)| Word {
            text: text.to_owned(),
            start_ms: at * 250,
            end_ms: at * 250 + 200,
            confidence: 1.0,
        })
        .collect();
    for piece in pieces(&words) {
        let letters = escape::for_ass(&piece.text);
        assert!(is_plain_in_ass(&letters), "{letters}");
    }
    let cues = cues(&words);
    let (subrip, web) = (srt(&cues), vtt(&cues));
    assert_eq!(subrip.matches("-->").count(), cues.len(), "{subrip}");
    assert_eq!(web.matches("-->").count(), cues.len(), "{web}");
    // a blank line ends a cue: there is one after each, and one after the head of a WebVTT file
    assert_eq!(subrip.matches("\n\n").count(), cues.len(), "{subrip}");
    assert_eq!(web.matches("\n\n").count(), cues.len() + 1, "{web}");
    let tag = |text: &str| {
        let opened = text.split('<').skip(1);
        opened.into_iter().any(|rest| !rest.starts_with('\u{2060}'))
    };
    assert!(!tag(&subrip) && !web.contains('<'));
}

/// Whether braces are escaped, no backslash begins a command, and the line does not end.
fn is_plain_in_ass(letters: &str) -> bool {
    let mut rest = letters.chars();
    while let Some(letter) = rest.next() {
        let plain = match letter {
            '\\' => matches!(rest.next(), Some('{' | '}' | '\u{2060}')),
            other => !matches!(other, '{' | '}' | '\n' | '\r'),
        };
        if !plain {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_grows_gently, replay};

    use super::*;

    #[test]
    fn no_word_of_the_corpus_becomes_a_command() {
        replay("captions", captions);
    }

    #[test]
    fn work_grows_with_the_words() {
        for piece in [
            "word\n", "a", "- ", "<", "{\\b1}", "-->", "我", "e\u{301}", "\u{1160}",
        ] {
            assert_grows_gently(captions, "", piece, "");
        }
    }
}

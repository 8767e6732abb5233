//! The target that `fuzz/` feeds with arbitrary words: no text may become a tag, a time line, an event or a section.

use std::{iter, path::Path, sync::LazyLock};

use domain::{AspectRatio, Word};
use unicode_segmentation::UnicodeSegmentation;

use crate::{Cue, FontFiles, Fonts, STYLES, Style, ass, cues, srt, vtt};

/// Longest word in a transcript: longer ones are cut when it is read.
const LETTERS_OF_A_WORD: usize = 100;
/// Characters of a letter including its combining marks.
const CHARS_OF_A_LETTER: usize = 4;

static FILES: LazyLock<FontFiles> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cache/clipwright/fonts");
    FontFiles::read(Path::new(folder)).expect("fonts that `make setup` has fetched")
});
static FONTS: LazyLock<Fonts<'static>> = LazyLock::new(|| Fonts::new(&FILES).expect("fonts"));

/// Writes a language and words, one per line, as captions of all three formats; the first byte selects the style.
///
/// # Panics
/// When a word escapes its text field.
pub fn captions(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (language, text) = text.split_once('\n').unwrap_or(("en", &text));
    let words: Vec<Word> = (text.split('\n').zip(0..))
        .map(|(text, at)| Word {
            text: word(text),
            start_ms: at * 250,
            end_ms: at * 250 + 200,
            confidence: 1.0,
        })
        .collect();
    let style = &STYLES[usize::from(data.first().copied().unwrap_or_default()) % STYLES.len()];
    let script = |words: &[Word]| {
        let size = AspectRatio::default().output_size();
        ass(words, style, size, &FONTS, language)
    };
    assert_events(&script(&words), &script(&[]), style);
    assert_cues(&cues(&words));
}

/// Cuts a text to the length of a transcript's word.
fn word(text: &str) -> String {
    let letters = text.graphemes(true).take(LETTERS_OF_A_WORD);
    letters
        .flat_map(|letter| letter.chars().take(CHARS_OF_A_LETTER))
        .collect()
}

/// Checks that a script is its head followed by events whose tags are all our own.
fn assert_events(script: &str, head: &str, style: &Style) {
    let events = script.strip_prefix(head).expect("no word changes the head");
    assert!(!events.contains('\r'), "{events:?}");
    for event in events.lines() {
        let text = event.strip_prefix("Dialogue: ").and_then(|fields| {
            // the text is the tenth field and may itself contain commas
            fields.splitn(10, ',').nth(9)
        });
        let text = text.unwrap_or_else(|| panic!("no event: {event:?}"));
        assert!(is_plain(text), "{} {event:?}", style.name);
    }
    let sections: Vec<&str> = script
        .lines()
        .filter(|line| line.starts_with('['))
        .collect();
    assert_eq!(sections, ["[Script Info]", "[V4+ Styles]", "[Events]"]);
}

/// Whether the text of an event begins with a position, has only font tags after it, and no command in its letters.
fn is_plain(text: &str) -> bool {
    let mut rest = text;
    let blocks = iter::from_fn(|| {
        let letters = letters_before_tags(rest)?;
        let (tags, after) = rest[letters..].strip_prefix('{')?.split_once('}')?;
        rest = after;
        Some((letters, tags))
    });
    let are_ours = blocks.enumerate().all(|(number, (letters, tags))| {
        if number == 0 {
            letters == 0 && tags.starts_with("\\pos(") && !tags.contains("\\fn")
        } else {
            is_font(tags)
        }
    });
    are_ours && letters_before_tags(rest) == Some(rest.len())
}

/// Number of bytes before the next tags, `None` if there is a command among them.
fn letters_before_tags(text: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '{' => return Some(at),
            '}' => return None,
            '\\' => {
                let (_, next) = letters.next()?;
                matches!(next, '{' | '}' | '\u{2060}').then_some(())?;
            }
            _ => (),
        }
    }
    Some(text.len())
}

/// Whether tags set one of our fonts, its size and its weight, and nothing else.
fn is_font(tags: &str) -> bool {
    let parts = tags.strip_prefix("\\fn").and_then(|tags| {
        let (name, rest) = tags.split_once("\\fs")?;
        let (size, bold) = rest.split_once("\\b")?;
        Some((name, size, bold))
    });
    parts.is_some_and(|(name, size, bold)| {
        let found = Fonts::name(Fonts::find(name)).0;
        found == name && size.parse::<f64>().is_ok() && matches!(bold, "0" | "1")
    })
}

/// Checks that there is one time line and one blank line for each cue, and no tag.
fn assert_cues(cues: &[Cue]) {
    let (subrip, web) = (srt(cues), vtt(cues));
    assert_eq!(subrip.matches("-->").count(), cues.len(), "{subrip}");
    assert_eq!(web.matches("-->").count(), cues.len(), "{web}");
    // a blank line ends a cue: there is one after each, and one after the head of a WebVTT file
    assert_eq!(subrip.matches("\n\n").count(), cues.len(), "{subrip}");
    assert_eq!(web.matches("\n\n").count(), cues.len() + 1, "{web}");
    let mut opened = subrip.split('<').skip(1);
    assert!(opened.all(|rest| rest.starts_with('\u{2060}')), "{subrip}");
    assert!(!web.contains('<'), "{web}");
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_scales_linearly, replay};

    use super::*;

    #[test]
    fn words_of_the_corpus_are_never_commands() {
        replay("captions", captions);
    }

    #[test]
    fn the_check_distinguishes_injected_tags_from_ours() {
        let ours = r"{\pos(1.0,2.0)}{\fnPoppins Bold\fs80.00\b0}a";
        assert!(is_plain(ours));
        assert!(is_plain(&format!("{ours}\\{{\\\u{2060}b1\\}}")));
        for escaped in [r"{\b1}", r"\N", "}", r"{\fnArial\fs1\b1}", "{", "\\"] {
            assert!(!is_plain(&format!("{ours}{escaped}")), "{escaped}");
        }
    }

    #[test]
    fn words_are_never_commands_in_any_style() {
        let words = "en\n{\\b1}\n\\N\nx\\h{\\p1}m 0 0{\\p0}\r\n[Events]\nDialogue: 0,0:00:00.00,9:00:00.00,Idle,,0,0,0,,x\n\u{85}{\n}\u{2028}\\\n<i>";
        for first in 0..STYLES.len() as u8 {
            captions(&[&[first], words.as_bytes()].concat());
        }
    }

    #[test]
    fn work_grows_with_the_words() {
        for token in [
            "incomprehensibilities\n",
            "-\n",
            "成功之前放弃成功\n",
            "\u{301}\u{301}\u{301}\u{301}\n",
            "a",
            "- ",
            "<",
            "{\\b1}",
            "-->",
            "我",
            "e\u{301}",
            "\u{1160}",
        ] {
            assert_scales_linearly(captions, "", token, "");
        }
    }
}

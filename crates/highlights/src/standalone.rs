//! Whether a run of sentences is understandable on its own: how it opens and whether it is complete.

use domain::Segment;

use crate::words::words_of;

/// First words that continue an earlier thought, by language.
const CONTINUATIONS: [(&str, &str); 6] = [
    (
        "en",
        "and but or nor because which also too then therefore thus hence otherwise plus whereas though although anyway",
    ),
    (
        "de",
        "und aber oder denn weil also dann deshalb deswegen trotzdem sondern doch",
    ),
    ("fr", "et mais ou car donc puis alors aussi parce ensuite"),
    ("es", "y e pero o porque pues entonces luego también sino"),
    ("pt", "e mas ou porque então pois também depois"),
    ("it", "e ma o perché quindi allora poi anche però"),
];

/// First words that refer to somebody or something mentioned before, by language.
const REFERENCES: [(&str, &str); 6] = [
    (
        "en",
        "he she it they him her his hers its their them this that these those he's she's it's they're he'd she'd they'd he'll she'll it'll they'll they've that's that'll",
    ),
    (
        "de",
        "er sie es ihn ihm ihr dieser diese dieses das jene jener jenes",
    ),
    ("fr", "il elle ils elles ce cela ça celui celle ceux c'est"),
    (
        "es",
        "él ella ellos ellas esto eso este esta estos estas aquel",
    ),
    ("pt", "ele ela eles elas isto isso este esta estes estas"),
    (
        "it",
        "lui lei loro questo questa questi queste quello quella",
    ),
];

/// Last words that leave an English sentence unfinished.
const UNFINISHED_ENDINGS: &str = "a an the and or but so because to of in on at for with from by as if than is are was were be i we you he she they my your our their his its very which who whose \
     that's it's there's we're you're gonna like into about";

/// How the first sentence of a run depends on what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It does not.
    Independent,
    /// It begins with a connective such as "so", which listeners tolerate.
    Linked,
    /// It continues a sentence or a thought.
    Continuation,
    /// It begins with a reference to something mentioned before.
    Reference,
}

/// Classifies the sentence `text` as the opening of a clip.
pub(crate) fn opening(text: &str, language: &str) -> Opening {
    let words = words_of(text);
    let spoken = words.iter().map(String::as_str);
    let mut rest = spoken.skip_while(|word| is_discourse_marker(word));
    let Some(first) = rest.next() else {
        return Opening::Continuation;
    };
    let second = rest.next().unwrap_or_default();
    let in_list = |lists, word| listed(lists, language, word);
    if text.chars().next().is_some_and(char::is_lowercase) || in_list(&CONTINUATIONS, first) {
        return Opening::Continuation;
    }
    if in_list(&REFERENCES, first) {
        return Opening::Reference;
    }
    if first != "so" {
        return Opening::Independent;
    }
    if in_list(&REFERENCES, second) {
        Opening::Reference
    } else {
        Opening::Linked
    }
}

/// Whether the sentence `text` is complete; `punctuated` says whether the transcript has sentence punctuation at all.
pub(crate) fn is_complete(text: &str, punctuated: bool) -> bool {
    let text = text.trim_end_matches(['"', '\'', ')', '\u{201d}', '\u{2019}', ' ']);
    if text.ends_with("...")
        || text.ends_with(['\u{2026}', ',', ';', ':', '-', '\u{2013}', '\u{2014}'])
    {
        return false;
    }
    if punctuated
        && !text.ends_with([
            '.', '!', '?', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{61f}', '\u{964}',
        ])
    {
        return false;
    }
    words_of(text).last().is_some_and(|last| {
        !UNFINISHED_ENDINGS
            .split_whitespace()
            .any(|word| word == last)
    })
}

/// Whether most sentences of a transcript end with punctuation.
pub(crate) fn is_punctuated(segments: &[Segment]) -> bool {
    let marked = segments
        .iter()
        .filter(|segment| {
            segment
                .text
                .trim_end()
                .ends_with(|mark: char| !mark.is_alphanumeric())
        })
        .count();
    2 * marked >= segments.len()
}

/// For each sentence, the share of words that refer to something outside it.
pub(crate) fn reference_shares(texts: &[&str], language: &str) -> Vec<f64> {
    texts
        .iter()
        .map(|text| {
            let words = words_of(text);
            let reference_shares = words
                .iter()
                .filter(|word| listed(&REFERENCES, language, word) || word.as_str() == "here");
            reference_shares.count() as f64 / words.len().max(4) as f64
        })
        .collect()
}

fn is_discourse_marker(word: &str) -> bool {
    matches!(
        word,
        "ok" | "okay" | "well" | "um" | "uh" | "er" | "yeah" | "right" | "now" | "alright"
    )
}

fn listed(lists: &[(&str, &str)], language: &str, word: &str) -> bool {
    let language = language.split(['-', '_']).next().unwrap_or_default();
    lists
        .iter()
        .filter(|(code, _)| *code == language)
        .any(|(_, words)| words.split_whitespace().any(|known| known == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_that_depend_on_context_are_recognised() {
        let of = |text| opening(text, "en");
        assert_eq!(of("Rockets burn fuel."), Opening::Independent);
        assert_eq!(of("Okay, rockets burn fuel."), Opening::Independent);
        assert_eq!(of("So let us begin."), Opening::Linked);
        assert_eq!(of("And so it goes."), Opening::Continuation);
        assert_eq!(of("of the rocket."), Opening::Continuation);
        assert_eq!(of("He built it."), Opening::Reference);
        assert_eq!(of("So that's why."), Opening::Reference);
        assert_eq!(of("Well, this was new."), Opening::Reference);
        assert_eq!(opening("Aber das ist neu.", "de-AT"), Opening::Continuation);
        assert_eq!(opening("And then?", "de"), Opening::Independent);
    }

    #[test]
    fn unfinished_sentences_are_recognised() {
        assert!(is_complete("It flies.", true));
        assert!(is_complete("\u{201c}It flies!\u{201d}", true));
        assert!(is_complete("它飞了。", true));
        assert!(!is_complete("It flies to.", true));
        assert!(!is_complete("It flies,", true));
        assert!(!is_complete("It flies", true));
        assert!(is_complete("it flies", false));
        assert!(!is_complete("it flies because", false));
    }
}

//! Whether a run of sentences stands alone: how it opens and how it ends.

use domain::Segment;

use crate::words::words_of;

/// First words that carry on from something said before, by language.
const CARRIES_ON: [(&str, &str); 6] = [
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

/// First words that stand for somebody or something named before, by language.
const STANDS_FOR: [(&str, &str); 6] = [
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

/// Last words that leave an English sentence hanging.
const LEAVES_HANGING: &str = "a an the and or but so because to of in on at for with from by as if than is are was were be i we you he she they my your our their his its very which who whose \
     that's it's there's we're you're gonna like into about";

/// How the first sentence of a run takes up what was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It needs nothing.
    Fresh,
    /// It begins with a link such as "so", which a listener forgives.
    Linked,
    /// It carries on a sentence or a thought.
    CarriesOn,
    /// Its subject was named before.
    StandsFor,
}

/// How the sentence `text` would open a clip.
pub(crate) fn opening(text: &str, language: &str) -> Opening {
    let words = words_of(text);
    let spoken = words.iter().map(String::as_str);
    let mut rest = spoken.skip_while(|word| is_throat_clearing(word));
    let Some(first) = rest.next() else {
        return Opening::CarriesOn;
    };
    let second = rest.next().unwrap_or_default();
    let in_list = |lists, word| listed(lists, language, word);
    if text.chars().next().is_some_and(char::is_lowercase) || in_list(&CARRIES_ON, first) {
        return Opening::CarriesOn;
    }
    if in_list(&STANDS_FOR, first) {
        return Opening::StandsFor;
    }
    if first != "so" {
        return Opening::Fresh;
    }
    if in_list(&STANDS_FOR, second) {
        Opening::StandsFor
    } else {
        Opening::Linked
    }
}

/// Whether the sentence `text` comes to an end; `punctuated`: whether the transcript marks the ends of sentences at all.
pub(crate) fn finishes(text: &str, punctuated: bool) -> bool {
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
    words_of(text)
        .last()
        .is_some_and(|last| !LEAVES_HANGING.split_whitespace().any(|word| word == last))
}

/// Whether most sentences of a transcript end with a mark.
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

/// For each sentence the share of its words that point at something outside it, in English.
pub(crate) fn pointing(texts: &[&str], language: &str) -> Vec<f64> {
    texts
        .iter()
        .map(|text| {
            let words = words_of(text);
            let pointing = words
                .iter()
                .filter(|word| listed(&STANDS_FOR, language, word) || word.as_str() == "here");
            pointing.count() as f64 / words.len().max(4) as f64
        })
        .collect()
}

fn is_throat_clearing(word: &str) -> bool {
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
    fn openings_that_need_something_before_are_known() {
        let of = |text| opening(text, "en");
        assert_eq!(of("Rockets burn fuel."), Opening::Fresh);
        assert_eq!(of("Okay, rockets burn fuel."), Opening::Fresh);
        assert_eq!(of("So let us begin."), Opening::Linked);
        assert_eq!(of("And so it goes."), Opening::CarriesOn);
        assert_eq!(of("of the rocket."), Opening::CarriesOn);
        assert_eq!(of("He built it."), Opening::StandsFor);
        assert_eq!(of("So that's why."), Opening::StandsFor);
        assert_eq!(of("Well, this was new."), Opening::StandsFor);
        assert_eq!(opening("Aber das ist neu.", "de-AT"), Opening::CarriesOn);
        assert_eq!(opening("And then?", "de"), Opening::Fresh);
    }

    #[test]
    fn unfinished_sentences_are_known() {
        assert!(finishes("It flies.", true));
        assert!(finishes("\u{201c}It flies!\u{201d}", true));
        assert!(finishes("它飞了。", true));
        assert!(!finishes("It flies to.", true));
        assert!(!finishes("It flies,", true));
        assert!(!finishes("It flies", true));
        assert!(finishes("it flies", false));
        assert!(!finishes("it flies because", false));
    }
}

//! Title and summary of a clip, in the words of the transcript, and the reason for choosing it.

use domain::Evidence;

use crate::{candidates::Run, standalone::Opening, talk::Talk};

/// Maximum length of a title, in characters.
const TITLE_CHARS: usize = 60;
/// Maximum length of a summary, in characters.
const SUMMARY_CHARS: usize = 280;
/// Words that a title does not begin with.
const LEAD_INS: &str =
    "so and but now well okay ok um uh yeah right then also actually basically because";
/// Words that a title does not end with.
const TRAILERS: &str = "a an the and or but of to in on at for with from by as is are was were that which who whose this my your our their its i we so if than first every";

/// The title of a clip: its strongest sentence, or as much of it as fits.
pub(crate) fn title(talk: &Talk<'_>, run: Run) -> String {
    let best = (run.first..=run.last)
        .max_by(|&a, &b| {
            let weight = |at: usize| {
                let fresh = talk.openings[at] == Opening::Independent;
                let short = title_of(&talk.segments[at].text).1;
                talk.salience[at] + if fresh { 0.2 } else { 0.0 } + if short { 0.3 } else { 0.0 }
            };
            weight(a).total_cmp(&weight(b)).then(b.cmp(&a))
        })
        .unwrap_or(run.first);
    title_of(&talk.segments[best].text).0
}

/// A sentence as a title, and whether it fits completely.
fn title_of(text: &str) -> (String, bool) {
    let all: Vec<&str> = text.split_whitespace().collect();
    let mut words = all.as_slice();
    let bare = |word: &str| {
        word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'')
            .to_lowercase()
    };
    let listed = |list: &str, word: &str| list.split_whitespace().any(|known| known == bare(word));
    while words.len() > 2 && listed(LEAD_INS, words[0]) {
        words = &words[1..];
    }
    let fitting = fitting(words);
    let whole = fitting == words.len();
    let mut kept = &words[..fitting];
    // a complete clause is better than as many words as fit
    let clause = kept
        .iter()
        .rposition(|word| word.ends_with([',', ';', ':', '\u{2014}']))
        .filter(|&at| at >= 3);
    let rest = if whole || clause.is_some() {
        ""
    } else {
        "\u{2026}"
    };
    if let Some(clause) = clause.filter(|_| !whole) {
        kept = &kept[..=clause];
    }
    while !whole && kept.len() > 1 && listed(TRAILERS, kept[kept.len() - 1]) {
        kept = &kept[..kept.len() - 1];
    }
    // a text in a script without spaces is one word
    let line: String = kept
        .join(" ")
        .chars()
        .take(TITLE_CHARS - rest.len() / 3)
        .collect();
    let closing =
        |c: char| c.is_alphanumeric() || matches!(c, '?' | '!' | ')' | '%' | '"' | '\u{201d}');
    let line = capitalized(line.trim_end_matches(|c: char| !closing(c)));
    (line + rest, whole)
}

fn fitting(words: &[&str]) -> usize {
    let mut chars = 0;
    words
        .iter()
        .take_while(|word| {
            chars += word.chars().count() + 1;
            chars <= TITLE_CHARS
        })
        .count()
        .max(1)
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest).collect()
    })
}

/// The summary of a clip: its one or two most salient sentences, in order.
pub(crate) fn summary(talk: &Talk<'_>, run: Run) -> String {
    let mut by_salience: Vec<usize> = (run.first..=run.last).collect();
    by_salience.sort_by(|&a, &b| {
        talk.salience[b]
            .total_cmp(&talk.salience[a])
            .then(a.cmp(&b))
    });
    let text = |at: usize| talk.segments[at].text.trim();
    let mut chosen = vec![by_salience[0]];
    let length = |at: usize| text(at).chars().count();
    if let Some(&second) = by_salience.get(1)
        && length(chosen[0]) + length(second) < SUMMARY_CHARS
    {
        chosen.push(second);
        chosen.sort_unstable();
    }
    let texts: Vec<&str> = chosen.into_iter().map(text).collect();
    capitalized(&texts.join(" "))
}

/// The reason for choosing a clip: its evidence as one sentence.
pub(crate) fn reason(evidence: &Evidence) -> String {
    let firsts: Vec<&str> = [
        &evidence.hook,
        &evidence.value,
        &evidence.emotion,
        &evidence.flow,
    ]
    .into_iter()
    .flat_map(|list| list.iter().take(2))
    .map(String::as_str)
    .collect();
    match firsts.split_last() {
        None => "The best stretch of what there is.".into(),
        Some((only, [])) => format!("{}.", capitalized(only)),
        Some((last, rest)) => format!("{} and {last}.", capitalized(&rest.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_complete_clauses_without_lead_ins() {
        let of = |text| title_of(text).0;
        assert_eq!(of("So, whales sing."), "Whales sing");
        assert_eq!(of("Why do whales sing?"), "Why do whales sing?");
        assert_eq!(
            of(
                "And the song travels far, because water carries every sound much better than the air does."
            ),
            "The song travels far"
        );
        assert_eq!(
            of("The whales of the southern sea sing for hours to the others of their kind."),
            "The whales of the southern sea sing for hours to the others\u{2026}"
        );
    }

    #[test]
    fn a_word_longer_than_a_title_is_truncated() {
        assert_eq!(title_of(&"w".repeat(90)).0.chars().count(), TITLE_CHARS);
    }

    #[test]
    fn the_reason_is_a_sentence() {
        let evidence = |hook: &[&str], flow: &[&str]| Evidence {
            hook: hook.iter().map(|&text| text.into()).collect(),
            flow: flow.iter().map(|&text| text.into()).collect(),
            ..Evidence::default()
        };
        assert_eq!(
            reason(&evidence(
                &["a question in the opening"],
                &["stays with one matter"]
            )),
            "A question in the opening and stays with one matter."
        );
        assert_eq!(reason(&evidence(&[], &["explains"])), "Explains.");
        assert_eq!(
            reason(&Evidence::default()),
            "The best stretch of what there is."
        );
    }
}

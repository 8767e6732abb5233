//! What is said in a line of captions: without tags, entities and remarks.

/// Entities that captions use (`WebVTT`, 4.2.2).
const ENTITIES: [(&str, &str); 8] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&nbsp;", " "),
    ("&lrm;", ""),
    ("&rlm;", ""),
    ("&amp;", "&"),
];

/// A line without tags and entities; a voice tag names the speaker.
pub(super) fn plain(line: &str, speaker: &mut Option<String>) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, opened)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = tag(opened) else {
            // "a < b" is said
            text.push('<');
            rest = opened;
            continue;
        };
        if let Some(name) = tag
            .strip_prefix("v ")
            .filter(|name| !name.trim().is_empty())
        {
            *speaker = Some(name.trim().to_owned());
        }
        rest = after;
    }
    text.push_str(rest);
    ENTITIES
        .iter()
        .fold(text, |text, (entity, letter)| text.replace(entity, letter))
}

/// The tag that `opened` begins with, and what comes after it; none if it is no tag or is not closed before the next.
fn tag(opened: &str) -> Option<(&str, &str)> {
    if !opened.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/') {
        return None;
    }
    let end = opened.find(['<', '>'])?;
    let (tag, rest) = opened.split_at(end);
    Some((tag, rest.strip_prefix('>')?))
}

/// A text without what is heard but not said: `[applause]`, `(laughs)`, `♪`. A bracket that is not closed is said.
pub(super) fn without_remarks(text: &str) -> String {
    let remarks = remarks(text);
    let mut remarks = remarks.iter().peekable();
    let mut spoken = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        while remarks.next_if(|&&(_, end)| end < at).is_some() {}
        let inside = remarks.peek().is_some_and(|&&(start, _)| start <= at);
        if !inside && !matches!(letter, '♪' | '♫' | '\u{200b}' | '\u{feff}') {
            spoken.push(letter);
        }
    }
    spoken
}

/// First and last byte of each closed pair of brackets that lies in no other, in order.
fn remarks(text: &str) -> Vec<(usize, usize)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut waiting = [0_usize; 2];
    let mut closed: Vec<(usize, usize)> = Vec::new();
    for (at, letter) in text.char_indices() {
        let kind = usize::from(matches!(letter, '[' | ']'));
        match letter {
            '[' | '(' => {
                open.push((at, letter));
                waiting[kind] += 1;
            }
            ']' | ')' if waiting[kind] > 0 => {
                let opening = if letter == ']' { '[' } else { '(' };
                // one of the other kind that is still open was not closed inside
                while let Some((start, other)) = open.pop() {
                    waiting[usize::from(other == '[')] -= 1;
                    if other == opening {
                        while closed.pop_if(|(inner, _)| *inner > start).is_some() {}
                        closed.push((start, at));
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    closed
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn tags_are_taken_out_and_comparisons_are_not() {
        let mut speaker = None;
        let text = plain(
            "<v Ann Lee>a <i>b</i> &lt;c&gt; &amp;lt; <00:01.000>d < e",
            &mut speaker,
        );
        assert_eq!(
            (text.as_str(), speaker.as_deref()),
            ("a b <c> &lt; d < e", Some("Ann Lee"))
        );
        assert_eq!(plain("a < b and c > d <i", &mut None), "a < b and c > d <i");
        assert_eq!(plain("a <b <i>c</i>", &mut None), "a <b c");
    }

    #[test]
    fn remarks_are_taken_out() {
        assert_eq!(
            without_remarks("[Music] so (he (really) laughs) ♪ yes :)"),
            " so   yes :)"
        );
        assert_eq!(without_remarks("(a [b) c] d"), " c] d");
    }

    #[test]
    fn a_bracket_that_is_not_closed_is_said() {
        for text in ["[we begin", "a (b", "a) b]", "[[(("] {
            assert_eq!(without_remarks(text), text);
        }
        assert_eq!(without_remarks("[we (laughs) begin"), "[we  begin");
    }

    #[test]
    fn the_work_on_a_line_grows_with_its_length() {
        let begun = Instant::now();
        for text in ["<", "[", "(", "<a", "[(", "()", "&amp;"] {
            let line = text.repeat(1_000_000);
            without_remarks(&plain(&line, &mut None));
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

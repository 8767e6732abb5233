//! Keeps words from being read as commands by the players of each format.

/// For the text of an ASS event: braces are shown, and no backslash begins a command.
pub(crate) fn for_ass(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' | '}' => safe.extend(['\\', c]),
            // a word joiner after it: libass shows a backslash that no known letter follows
            '\\' => safe.push_str("\\\u{2060}"),
            _ => safe.push(c),
        }
    }
    safe
}

/// For the text of an SRT cue: no arrow of a time line, no tag, and no command of ASS, which many players take there as well.
pub(crate) fn for_srt(text: &str) -> String {
    // a word joiner, which is not seen: fewer hyphens would do only for an arrow of exactly two
    let mut safe = text.replace("-->", "--\u{2060}>");
    for sign in ['<', '{', '\\'] {
        safe = safe.replace(sign, &format!("{sign}\u{2060}"));
    }
    safe
}

/// For the text of a `WebVTT` cue.
pub(crate) fn for_vtt(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_for_text() {
        assert_eq!(for_ass(r"{\b1}\N"), "\\{\\\u{2060}b1\\}\\\u{2060}N");
        assert_eq!(for_srt("a --> <b>"), "a --\u{2060}> <\u{2060}b>");
        assert!(!for_srt("a ---->").contains("-->"));
        assert_eq!(
            for_srt(r"{\an8}a\Nb"),
            "{\u{2060}\\\u{2060}an8}a\\\u{2060}Nb"
        );
        assert_eq!(for_vtt("R&D <i> -->"), "R&amp;D &lt;i&gt; --&gt;");
    }
}

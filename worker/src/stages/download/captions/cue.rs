//! The captions of a `WebVTT` or `SubRip` file, cleaned of everything that is not spoken.

/// One caption with what is new in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    pub(super) speaker: Option<String>,
    /// Whether somebody else begins to speak with it.
    pub(super) speaker_changes: bool,
    pub(super) words: Vec<String>,
}

/// A caption as it stands in the file.
struct Block {
    start_ms: u64,
    end_ms: u64,
    lines: Vec<String>,
}

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
/// Captions that are this close may repeat each other's lines, rolling up.
const ROLL_GAP_MS: u64 = 500;

/// Reads a file; what is not a caption is passed over. In order of time, none without words.
pub(super) fn cues(text: &str) -> Vec<Cue> {
    let mut blocks = blocks(text);
    blocks.sort_by_key(|block| block.start_ms);
    let mut cues: Vec<Cue> = Vec::new();
    let mut shown: (u64, Vec<String>) = (0, Vec::new());
    for block in blocks {
        let rolls = block.start_ms <= shown.0 + ROLL_GAP_MS;
        let repeated = if rolls {
            repeated_lines(&shown.1, &block.lines)
        } else {
            0
        };
        cues.extend(cue(&block, repeated));
        shown = (block.end_ms, block.lines);
    }
    cues
}

/// How many lines at the beginning of `now` are those that `before` ended with.
fn repeated_lines(before: &[String], now: &[String]) -> usize {
    (1..=before.len().min(now.len()))
        .rev()
        .find(|&count| before[before.len() - count..] == now[..count])
        .unwrap_or(0)
}

fn cue(block: &Block, repeated: usize) -> Option<Cue> {
    let mut cue = Cue {
        start_ms: block.start_ms,
        end_ms: block.end_ms,
        speaker: None,
        speaker_changes: false,
        words: Vec::new(),
    };
    for line in &block.lines[repeated..] {
        let spoken = without_remarks(&plain(line, &mut cue.speaker));
        let bare = spoken.trim_start_matches(['>', '-', '–', '—', ' ']);
        cue.speaker_changes |= cue.words.is_empty() && bare.len() < spoken.trim_start().len();
        cue.words.extend(bare.split_whitespace().map(str::to_owned));
    }
    cue.speaker_changes |= cue.speaker.is_some();
    (!cue.words.is_empty()).then_some(cue)
}

/// A line without tags and entities; a voice tag names the speaker.
fn plain(line: &str, speaker: &mut Option<String>) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, tagged)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = tagged.split_once('>') else {
            rest = tagged;
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

/// A line without what is heard but not said: `[applause]`, `(laughs)`, `♪`.
fn without_remarks(line: &str) -> String {
    let mut depth = 0_u32;
    let spoken = line.chars().filter(|letter| {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' if depth > 0 => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0 && !matches!(letter, '♪' | '♫' | '\u{200b}' | '\u{feff}')
    });
    spoken.collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some((start_ms, end_ms)) = times(line) else {
            continue;
        };
        let lines = lines
            .by_ref()
            .take_while(|line| !line.is_empty())
            .filter(|line| !line.contains("-->"));
        blocks.push(Block {
            start_ms,
            end_ms,
            lines: lines.map(str::to_owned).collect(),
        });
    }
    blocks
}

/// `00:01.000 --> 00:02.500 align:start` is (1000, 2500).
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, rest) = line.split_once("-->")?;
    let (start, end) = (
        clock(start.trim())?,
        clock(rest.split_whitespace().next()?)?,
    );
    (start <= end).then_some((start, end))
}

/// `[hours:]minutes:seconds.milliseconds` in milliseconds; `SubRip` has a comma.
fn clock(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once(['.', ','])?;
    let parts: Option<Vec<u64>> = whole
        .split(':')
        .map(|part| part.parse().ok().filter(|part| *part < 10_000))
        .collect();
    let seconds = parts
        .filter(|parts| (2..=3).contains(&parts.len()))?
        .iter()
        .fold(0, |sum, part| sum * 60 + part);
    Some(seconds * 1000 + fraction.parse::<u64>().ok().filter(|ms| *ms < 1000)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_read() {
        assert_eq!(clock("01:02:03.004"), Some(3_723_004));
        assert_eq!(clock("02:03,500"), Some(123_500));
        for bad in [
            "",
            "1.5",
            "a:b.c",
            "00:00",
            "99999999999999999999:00.000",
            "1:2:3:4.000",
        ] {
            assert_eq!(clock(bad), None, "{bad}");
        }
    }

    #[test]
    fn tags_and_remarks_are_taken_out() {
        let mut speaker = None;
        let text = plain(
            "<v Ann Lee>a <i>b</i> &lt;c&gt; &amp;lt; <00:01.000>d < e",
            &mut speaker,
        );
        assert_eq!(
            (text.as_str(), speaker.as_deref()),
            ("a b <c> &lt; d  e", Some("Ann Lee"))
        );
        assert_eq!(
            without_remarks("[Music] so (he (really) laughs) ♪ yes :)"),
            " so   yes :)"
        );
    }
}

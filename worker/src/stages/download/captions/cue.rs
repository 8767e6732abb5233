//! The captions of a `WebVTT` or `SubRip` file, cleaned of everything that is not spoken.

use domain::limits::{MAX_CAPTION_CUES, MAX_CAPTION_LINES};

use super::{
    NotSpoken,
    spoken::{plain, without_remarks},
};

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

/// Captions that are this close may repeat each other's lines, rolling up.
const ROLL_GAP_MS: u64 = 500;

/// Reads a file; what is not a caption is passed over. In order of time, none without words.
///
/// # Errors
/// When it holds more captions, or more lines in one, than people can read.
pub(super) fn cues(text: &str) -> Result<Vec<Cue>, NotSpoken> {
    let mut blocks = blocks(text)?;
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
    Ok(cues)
}

/// How many lines at the beginning of `now` are those that `before` ended with.
///
/// The prefix function of Knuth, Morris and Pratt, so that the work grows with the number of lines and not with its square.
fn repeated_lines(before: &[String], now: &[String]) -> usize {
    let borders = borders(now);
    let recent = &before[before.len().saturating_sub(now.len())..];
    recent.iter().fold(0, |matched, line| {
        // a whole match goes on from its longest border
        let matched = if matched == now.len() {
            borders[matched.saturating_sub(1)]
        } else {
            matched
        };
        extended(now, &borders, matched, line)
    })
}

/// For each line the number of lines up to it that are also the first lines, all of them not counted.
fn borders(lines: &[String]) -> Vec<usize> {
    let mut borders = vec![0; lines.len()];
    for at in 1..lines.len() {
        borders[at] = extended(lines, &borders, borders[at - 1], &lines[at]);
    }
    borders
}

/// How many lines match once `line` comes after `matched` of them.
fn extended(lines: &[String], borders: &[usize], mut matched: usize, line: &String) -> usize {
    loop {
        if lines.get(matched) == Some(line) {
            return matched + 1;
        }
        if matched == 0 {
            return 0;
        }
        matched = borders[matched - 1];
    }
}

fn cue(block: &Block, repeated: usize) -> Option<Cue> {
    let mut cue = Cue {
        start_ms: block.start_ms,
        end_ms: block.end_ms,
        speaker: None,
        speaker_changes: false,
        words: Vec::new(),
    };
    let lines: Vec<String> = block.lines[repeated..]
        .iter()
        .map(|line| plain(line, &mut cue.speaker))
        .collect();
    // a remark may run over two lines
    for spoken in without_remarks(&lines.join("\n")).lines() {
        let bare = spoken.trim_start_matches(['>', '-', '–', '—', ' ']);
        cue.speaker_changes |= cue.words.is_empty() && bare.len() < spoken.trim_start().len();
        cue.words.extend(bare.split_whitespace().map(str::to_owned));
    }
    cue.speaker_changes |= cue.speaker.is_some();
    (!cue.words.is_empty()).then_some(cue)
}

fn blocks(text: &str) -> Result<Vec<Block>, NotSpoken> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some((start_ms, end_ms)) = times(line) else {
            continue;
        };
        let shown: Vec<String> = lines
            .by_ref()
            .take_while(|line| !line.is_empty())
            .filter(|line| !line.contains("-->"))
            .take(MAX_CAPTION_LINES + 1)
            .map(str::to_owned)
            .collect();
        if shown.len() > MAX_CAPTION_LINES {
            return Err(NotSpoken::TooManyLines);
        }
        if blocks.len() == MAX_CAPTION_CUES {
            return Err(NotSpoken::TooManyCues);
        }
        blocks.push(Block {
            start_ms,
            end_ms,
            lines: shown,
        });
    }
    Ok(blocks)
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
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

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

    fn words(text: &str) -> Vec<String> {
        let cues = cues(&format!("00:00.000 --> 00:02.000\n{text}")).unwrap();
        cues.into_iter().flat_map(|cue| cue.words).collect()
    }

    #[test]
    fn a_bracket_that_is_not_closed_takes_nothing_with_it() {
        assert_eq!(
            words("[we begin\nwith (a story"),
            ["[we", "begin", "with", "(a", "story"]
        );
        assert_eq!(words("[applause and\ncheering] we begin"), ["we", "begin"]);
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn lines_at_the_beginning_that_were_at_the_end_are_counted() {
        let repeated = |before: &[&str], now: &[&str]| repeated_lines(&lines(before), &lines(now));
        assert_eq!(repeated(&["x", "a", "b"], &["a", "b", "c"]), 2);
        assert_eq!(repeated(&["a"], &["a"]), 1);
        assert_eq!(repeated(&["a", "b"], &["b", "a"]), 1);
        assert_eq!(repeated(&["a"], &["b"]), 0);
        assert_eq!(repeated(&[], &["b"]), 0);
        assert_eq!(repeated(&["b"], &[]), 0);
    }

    #[test]
    fn the_work_on_repeated_lines_grows_with_their_number() {
        // the worst case of comparing each suffix with each prefix: 10^10 comparisons of lines
        let mut before = vec!["a".to_owned(); 200_000];
        let now = before.clone();
        before.push("b".to_owned());
        let begun = Instant::now();
        assert_eq!(repeated_lines(&before, &now), 0);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_cue_at_the_limit_of_lines_is_read_and_a_longer_one_is_not() {
        let cue = |lines| format!("00:00.000 --> 00:02.000\n{}", "word\n".repeat(lines));
        let read = cues(&cue(MAX_CAPTION_LINES)).unwrap();
        assert_eq!(read[0].words.len(), MAX_CAPTION_LINES);
        assert_eq!(
            cues(&cue(MAX_CAPTION_LINES + 1)),
            Err(NotSpoken::TooManyLines)
        );
    }

    #[test]
    fn a_file_at_the_limit_of_cues_is_read_and_a_longer_one_is_not() {
        let file = |count| "00:00.000 --> 00:02.000\nword\n\n".repeat(count);
        assert!(cues(&file(MAX_CAPTION_CUES)).is_ok());
        assert_eq!(
            cues(&file(MAX_CAPTION_CUES + 1)),
            Err(NotSpoken::TooManyCues)
        );
    }

    proptest! {
        #[test]
        fn the_longest_repetition_is_found(before in "[ab]{0,12}", now in "[ab]{0,12}") {
            let split = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
            let (before, now) = (split(&before), split(&now));
            let longest = (0..=before.len().min(now.len()))
                .rev()
                .find(|&count| before[before.len() - count..] == now[..count]);
            prop_assert_eq!(Some(repeated_lines(&before, &now)), longest);
        }
    }
}

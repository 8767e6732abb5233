//! What a person sees at the end: the table of the clips.

use std::{fmt::Write as _, path::Path};

use domain::{ClipOutput, ErrorCode, JobOutput};

const TITLE_WIDTH: usize = 48;

/// The clips by rank: rank, time range, length, score, title, file.
pub(crate) fn table(output: &JobOutput, folder: &Path) -> String {
    let mut clips: Vec<&ClipOutput> = output.clips.iter().collect();
    clips.sort_by_key(|clip| clip.rank);
    let mut table = format!(
        "{:>4}  {:<17}  {:>6}  {:>5}  {:<TITLE_WIDTH$}  file\n",
        "rank", "from – to", "length", "score", "title"
    );
    for clip in clips {
        let _ = writeln!(
            table,
            "{:>4}  {:<17}  {:>5.1}s  {:>5.2}  {:<TITLE_WIDTH$}  {}",
            clip.rank.unwrap_or(0),
            format!(
                "{} – {}",
                clock(clip.start_ms.unwrap_or(0)),
                clock(clip.end_ms.unwrap_or(0))
            ),
            clip.duration_ms as f64 / 1000.0,
            clip.virality_score.get(),
            shortened(clip.title.as_deref().unwrap_or("")),
            folder.join(&clip.s3_url).display(),
        );
    }
    table
}

/// What a person at this machine can do about a failure, to follow its message.
pub(crate) fn hint(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::SourceForbidden => {
            Some("; sources of your own network are taken with --allow-private-networks")
        }
        ErrorCode::SourceBlocked => {
            Some("; the cookies of a browser that is signed in there may help: --cookies FILE")
        }
        _ => None,
    }
}

fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// One line of at most [`TITLE_WIDTH`] characters, without what a terminal would obey.
fn shortened(title: &str) -> String {
    let title = title.replace(char::is_control, " ");
    if title.chars().count() <= TITLE_WIDTH {
        return title;
    }
    let kept: String = title.chars().take(TITLE_WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_long_titles_are_cut() {
        assert_eq!([clock(65_200), clock(3_605_000)], ["1:05", "1:00:05"]);
        assert_eq!(shortened("a\n\u{1b}[31mb"), "a  [31mb");
        assert_eq!(shortened(&"word ".repeat(20)).chars().count(), TITLE_WIDTH);
    }
}

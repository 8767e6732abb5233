//! What a person sees at the end: the table of the clips.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use domain::{ClipOutput, ErrorCode, JobOutput};

const TITLE_WIDTH: usize = 48;

/// What is told of a clip.
pub(crate) struct Row<'a> {
    pub(crate) rank: u32,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) duration_ms: u64,
    pub(crate) score: f64,
    pub(crate) title: &'a str,
    /// Where it is; none where it is not on this machine.
    pub(crate) file: Option<PathBuf>,
}

/// The clips by rank: rank, time range, length, score, title, file.
pub(crate) fn table(output: &JobOutput, folder: &Path) -> String {
    rows(output.clips.iter().map(|clip| row(clip, folder)).collect())
}

fn row<'a>(clip: &'a ClipOutput, folder: &Path) -> Row<'a> {
    Row {
        rank: clip.rank.unwrap_or(0),
        start_ms: clip.start_ms.unwrap_or(0),
        end_ms: clip.end_ms.unwrap_or(0),
        duration_ms: clip.duration_ms,
        score: clip.virality_score.get(),
        title: clip.title.as_deref().unwrap_or(""),
        file: Some(folder.join(&clip.s3_url)),
    }
}

/// A table of clips by rank.
pub(crate) fn rows(mut rows: Vec<Row<'_>>) -> String {
    rows.sort_by_key(|row| row.rank);
    let header = format!(
        "{:>4}  {:<17}  {:>6}  {:>5}  {:<TITLE_WIDTH$}  file",
        "rank", "from – to", "length", "score", "title"
    );
    let has_files = rows.iter().any(|row| row.file.is_some());
    let header = header
        .strip_suffix("file")
        .filter(|_| !has_files)
        .unwrap_or(&header);
    let mut table = format!("{}\n", header.trim_end());
    for row in rows {
        let range = format!("{} – {}", clock(row.start_ms), clock(row.end_ms));
        let line = format!(
            "{:>4}  {range:<17}  {:>5.1}s  {:>5.2}  {:<TITLE_WIDTH$}  {}",
            row.rank,
            row.duration_ms as f64 / 1000.0,
            row.score,
            shortened(row.title),
            row.file.unwrap_or_default().display(),
        );
        let _ = writeln!(table, "{}", line.trim_end());
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

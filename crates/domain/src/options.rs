//! The options of a submission, and their validation.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    TimeRange, language,
    limits::{
        MAX_CLIP_SECONDS, MAX_CLIPS, MAX_OFFSET_SECONDS, MAX_TOPIC_CHARS, MAX_TOPICS,
        MIN_CLIP_SECONDS, MIN_CLIPS,
    },
};

/// Names of the caption styles, which the crate `captions` implements.
pub const CAPTION_STYLES: [&str; 7] = [
    "bold", "clean", "karaoke", "boxed", "neon", "headline", "minimal",
];

/// The options of a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClipOptions {
    /// Number of clips to make, [`MIN_CLIPS`] to [`MAX_CLIPS`].
    pub requested_clip_count: u32,
    /// Minimum length of a clip in seconds, [`MIN_CLIP_SECONDS`] to [`MAX_CLIP_SECONDS`].
    pub min_clip_seconds: u32,
    /// Maximum length of a clip in seconds, in the same range and not below the minimum.
    pub max_clip_seconds: u32,
    /// Aspect ratio of the clips.
    pub aspect_ratio: AspectRatio,
    /// Layout of the picture.
    pub layout: Layout,
    /// BCP 47 tag of the spoken language; `None` detects it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Topics that the clips should cover.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Name of a caption style, or `none`.
    pub captions: String,
    /// Whether to cut out pauses and filler words.
    pub remove_silences: bool,
    /// First second of the source to consider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<f64>,
    /// Last second of the source to consider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_seconds: Option<f64>,
}

impl Default for ClipOptions {
    fn default() -> Self {
        Self {
            requested_clip_count: 5,
            min_clip_seconds: 15,
            max_clip_seconds: 60,
            aspect_ratio: AspectRatio::default(),
            layout: Layout::default(),
            language: None,
            topics: Vec::new(),
            captions: "bold".into(),
            remove_silences: false,
            start_seconds: None,
            end_seconds: None,
        }
    }
}

/// An option is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct InvalidOption {
    /// Name of the option in the submission.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl ClipOptions {
    /// Validates every option.
    ///
    /// # Errors
    /// Names the first option that is out of range.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let (clips, seconds) = (MIN_CLIPS..=MAX_CLIPS, MIN_CLIP_SECONDS..=MAX_CLIP_SECONDS);
        within("requestedClipCount", self.requested_clip_count, &clips)?;
        within("minClipSeconds", self.min_clip_seconds, &seconds)?;
        within("maxClipSeconds", self.max_clip_seconds, &seconds)?;
        if self.max_clip_seconds < self.min_clip_seconds {
            return Err(InvalidOption {
                field: "maxClipSeconds",
                what: "must not be below minClipSeconds".into(),
            });
        }
        self.check_texts()?;
        self.check_window()
    }

    fn check_texts(&self) -> Result<(), InvalidOption> {
        let wrong = |field, what: String| Err(InvalidOption { field, what });
        if self.captions != "none" && !CAPTION_STYLES.contains(&self.captions.as_str()) {
            let names = CAPTION_STYLES.join(", ");
            return wrong("captions", format!("must be none or one of {names}"));
        }
        if let Some(tag) = self.language.as_deref() {
            if !language::is_tag(tag) {
                let what = "must be a BCP 47 tag such as en or pt-BR";
                return wrong("language", what.into());
            }
            if language::whisper_code(tag).is_none() {
                return wrong(
                    "language",
                    format!("speech recognition does not support {tag}"),
                );
            }
        }
        if self.topics.len() > MAX_TOPICS {
            return wrong(
                "topics",
                format!(
                    "must have at most {MAX_TOPICS} entries, got {}",
                    self.topics.len()
                ),
            );
        }
        let fits =
            |topic: &String| !topic.trim().is_empty() && topic.chars().count() <= MAX_TOPIC_CHARS;
        if !self.topics.iter().all(fits) {
            return wrong(
                "topics",
                format!("each must have from 1 to {MAX_TOPIC_CHARS} characters"),
            );
        }
        Ok(())
    }

    /// Returns the part of a source of `duration_ms` to consider; `None` if it starts after the source has ended.
    pub fn window(&self, duration_ms: u64) -> Option<TimeRange> {
        let ms = |seconds: f64| (seconds * 1000.0).round() as u64;
        let end_ms = self.end_seconds.map_or(duration_ms, ms).min(duration_ms);
        TimeRange::new(self.start_seconds.map_or(0, ms), end_ms).ok()
    }

    fn check_window(&self) -> Result<(), InvalidOption> {
        let second = |field, value: Option<f64>| match value {
            Some(value) if !(0.0..=f64::from(MAX_OFFSET_SECONDS)).contains(&value) => {
                Err(InvalidOption {
                    field,
                    what: format!("must be from 0 to {MAX_OFFSET_SECONDS}, got {value}"),
                })
            }
            _ => Ok(()),
        };
        second("startSeconds", self.start_seconds)?;
        second("endSeconds", self.end_seconds)?;
        if self
            .end_seconds
            .is_some_and(|end| end <= self.start_seconds.unwrap_or(0.0))
        {
            return Err(InvalidOption {
                field: "endSeconds",
                what: "must be after startSeconds".into(),
            });
        }
        Ok(())
    }
}

fn within(
    field: &'static str,
    value: u32,
    limits: &RangeInclusive<u32>,
) -> Result<(), InvalidOption> {
    if limits.contains(&value) {
        return Ok(());
    }
    let (min, max) = (limits.start(), limits.end());
    Err(InvalidOption {
        field,
        what: format!("must be from {min} to {max}, got {value}"),
    })
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Size {
    /// Returns the width divided by the height.
    pub fn ratio(self) -> f64 {
        f64::from(self.width) / f64::from(self.height)
    }
}

/// The aspect ratio of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum AspectRatio {
    /// Portrait, for Shorts, Reels and `TikTok`.
    #[default]
    #[serde(rename = "9:16")]
    Portrait,
    /// Square.
    #[serde(rename = "1:1")]
    Square,
    /// Slightly taller than wide, for feeds.
    #[serde(rename = "4:5")]
    Feed,
    /// Landscape.
    #[serde(rename = "16:9")]
    Landscape,
}

impl AspectRatio {
    /// Every aspect ratio.
    pub const ALL: [Self; 4] = [Self::Portrait, Self::Square, Self::Feed, Self::Landscape];

    /// Returns the size in which clips of this aspect ratio are rendered.
    pub fn output_size(self) -> Size {
        let (width, height) = match self {
            Self::Portrait => (1080, 1920),
            Self::Square => (1080, 1080),
            Self::Feed => (1080, 1350),
            Self::Landscape => (1920, 1080),
        };
        Size { width, height }
    }

    /// The name on the wire, such as `9:16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portrait => "9:16",
            Self::Square => "1:1",
            Self::Feed => "4:5",
            Self::Landscape => "16:9",
        }
    }
}

/// The layout of a clip's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Chooses a layout for each shot.
    #[default]
    Auto,
    /// A virtual camera follows the speaker.
    Track,
    /// Two speakers, one above the other.
    Split,
    /// The whole picture on a blurred background.
    Fit,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Track, Self::Split, Self::Fit];

    /// The name on the wire, such as `auto`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Track => "track",
            Self::Split => "split",
            Self::Fit => "fit",
        }
    }
}

macro_rules! named {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let names = || Self::ALL.map(Self::name).join(", ");
                Self::ALL
                    .into_iter()
                    .find(|one| one.name() == text)
                    .ok_or_else(|| format!("must be one of {}", names()))
            }
        }
    };
}

named!(AspectRatio);
named!(Layout);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_accepted_up_to_their_limits() {
        let wrong = |change: &dyn Fn(&mut ClipOptions)| {
            let mut options = ClipOptions::default();
            change(&mut options);
            options.check().err().map(|wrong| wrong.field)
        };
        assert_eq!(wrong(&|_| ()), None);
        for (clips, is_wrong) in [
            (MIN_CLIPS - 1, true),
            (MIN_CLIPS, false),
            (MAX_CLIPS, false),
            (MAX_CLIPS + 1, true),
        ] {
            let field = is_wrong.then_some("requestedClipCount");
            assert_eq!(wrong(&|o| o.requested_clip_count = clips), field);
        }
        for seconds in [MIN_CLIP_SECONDS, MAX_CLIP_SECONDS] {
            let both = |o: &mut ClipOptions| {
                (o.min_clip_seconds, o.max_clip_seconds) = (seconds, seconds);
            };
            assert_eq!(wrong(&both), None);
        }
        assert_eq!(
            wrong(&|o| o.min_clip_seconds = MIN_CLIP_SECONDS - 1),
            Some("minClipSeconds")
        );
        assert_eq!(
            wrong(&|o| o.max_clip_seconds = MAX_CLIP_SECONDS + 1),
            Some("maxClipSeconds")
        );
        assert_eq!(wrong(&|o| o.max_clip_seconds = 10), Some("maxClipSeconds"));
        for (count, is_wrong) in [(MAX_TOPIC_CHARS, false), (MAX_TOPIC_CHARS + 1, true)] {
            let field = is_wrong.then_some("topics");
            assert_eq!(wrong(&|o| o.topics = vec!["é".repeat(count)]), field);
        }
        for (count, is_wrong) in [(MAX_TOPICS, false), (MAX_TOPICS + 1, true)] {
            let field = is_wrong.then_some("topics");
            assert_eq!(wrong(&|o| o.topics = vec!["x".to_owned(); count]), field);
        }
        for (tag, is_wrong) in [("pt-BR", false), ("english", true), ("tlh", true)] {
            let field = is_wrong.then_some("language");
            assert_eq!(wrong(&|o| o.language = Some(tag.to_owned())), field);
        }
        let latest = f64::from(MAX_OFFSET_SECONDS);
        for (second, is_wrong) in [(latest, false), (latest + 0.1, true), (f64::NAN, true)] {
            let field = is_wrong.then_some("startSeconds");
            assert_eq!(wrong(&|o| o.start_seconds = Some(second)), field);
            let field = is_wrong.then_some("endSeconds");
            assert_eq!(wrong(&|o| o.end_seconds = Some(second)), field);
        }
        assert_eq!(
            wrong(&|o| (o.start_seconds, o.end_seconds) = (Some(9.0), Some(9.0))),
            Some("endSeconds")
        );
    }

    #[test]
    fn names_round_trip() {
        for ratio in AspectRatio::ALL {
            assert_eq!(ratio.to_string().parse(), Ok(ratio));
            assert_eq!(
                serde_json::to_string(&ratio).unwrap(),
                format!("\"{ratio}\"")
            );
        }
        for layout in Layout::ALL {
            assert_eq!(layout.to_string().parse(), Ok(layout));
        }
        assert!("2:1".parse::<AspectRatio>().unwrap_err().contains("9:16"));
    }
}

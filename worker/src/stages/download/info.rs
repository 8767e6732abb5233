//! What `yt-dlp --dump-single-json` tells of a page before anything is downloaded.

use std::{collections::BTreeMap, time::Duration};

use domain::{ErrorCode, Failure};
use serde::Deserialize;
use serde_json::Value;

use super::{DownloadLimits, STAGE};

/// The parts of a video's description that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    pub(super) title: Option<String>,
    /// In seconds.
    duration: Option<f64>,
    language: Option<String>,
    is_live: Option<bool>,
    live_status: Option<String>,
    formats: Option<Vec<Format>>,
    /// Captions by language; those made by machines are in another field, which is not read.
    subtitles: Option<BTreeMap<String, Vec<Subtitles>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Format {
    vcodec: Option<String>,
    acodec: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Subtitles {
    ext: Option<String>,
}

/// Takes the description of one video out of the JSON, which may be of a list: its first entry then.
///
/// # Errors
/// When there is no video in it.
pub(super) fn parse(json: &[u8]) -> Result<(Info, Value), Failure> {
    let unreadable =
        |why| Failure::internal(STAGE, format!("what yt-dlp tells cannot be read: {why}"));
    let mut value: Value = serde_json::from_slice(json).map_err(unreadable)?;
    while let Some(entries) = value.get_mut("entries") {
        value = entries.get_mut(0).map(Value::take).unwrap_or_default();
    }
    if !value.is_object() {
        return Err(Failure::input(
            STAGE,
            ErrorCode::SourceUnsupported,
            "the page shows no video",
        ));
    }
    let info = Info::deserialize(&value).map_err(unreadable)?;
    Ok((info, value))
}

impl Info {
    /// Refuses what must not even be begun.
    ///
    /// # Errors
    /// When the video is longer than the limit or a live stream.
    pub(super) fn check(&self, limits: &DownloadLimits) -> Result<(), Failure> {
        let refused = |code, message| Err(Failure::input(STAGE, code, message));
        let live = matches!(self.live_status.as_deref(), Some("is_live" | "is_upcoming"));
        if live || self.is_live == Some(true) {
            return refused(
                ErrorCode::SourceUnsupported,
                "a live stream has to end before it can be clipped".to_owned(),
            );
        }
        match self.duration() {
            Some(duration) if duration > limits.max_duration => {
                let minutes = |time: Duration| time.as_secs().div_ceil(60);
                let (lasts, limit) = (minutes(duration), minutes(limits.max_duration));
                refused(
                    ErrorCode::SourceTooLong,
                    format!("the source lasts {lasts} min, the limit is {limit} min"),
                )
            }
            _ => Ok(()),
        }
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.duration?).ok()
    }

    /// Whether the sound can be had without the pictures, and the pictures without the sound.
    pub(super) fn has_sound_apart(&self) -> bool {
        // `none` is the name for no stream; a codec that is not named is there all the same
        let none = |codec: &Option<String>| codec.as_deref() == Some("none");
        let formats = self.formats.as_deref().unwrap_or_default();
        formats
            .iter()
            .any(|format| none(&format.vcodec) && !none(&format.acodec))
            && formats
                .iter()
                .any(|format| !none(&format.vcodec) && none(&format.acodec))
    }

    /// The language of the captions to take, as the site names it: in the language wanted, else the one spoken;
    /// where neither is known, only if there is no choice.
    pub(super) fn captions_language(&self, wanted: Option<&str>) -> Option<&str> {
        let offered: Vec<&str> = (self.subtitles.iter().flatten())
            .filter(|(_, files)| {
                files
                    .iter()
                    .any(|file| matches!(file.ext.as_deref(), Some("vtt" | "srt")))
            })
            .map(|(language, _)| language.as_str())
            .collect();
        match wanted.or(self.language.as_deref()) {
            Some(tag) => (offered.iter().find(|offer| offer.eq_ignore_ascii_case(tag)))
                .or_else(|| offered.iter().find(|offer| primary(offer) == primary(tag)))
                .copied(),
            None if offered.len() == 1 => Some(offered[0]),
            None => None,
        }
    }
}

/// `en` of `en-US`.
fn primary(tag: &str) -> String {
    tag.split(['-', '_'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(json: &str) -> Info {
        parse(json.as_bytes()).unwrap().0
    }

    #[test]
    fn a_list_gives_its_first_video() {
        let (info, value) = parse(
            br#"{"_type":"playlist","entries":[{"title":"a","duration":1.5},{"title":"b"}]}"#,
        )
        .unwrap();
        assert_eq!(
            (info.title.as_deref(), info.duration()),
            (Some("a"), Some(Duration::from_millis(1500)))
        );
        assert_eq!(value["title"], "a");
        for empty in ["{\"entries\":[]}", "{\"entries\":null}", "null"] {
            assert_eq!(
                parse(empty.as_bytes()).unwrap_err().code,
                ErrorCode::SourceUnsupported,
                "{empty}"
            );
        }
    }

    #[test]
    fn long_and_live_ones_are_refused() {
        let code = |json| {
            info(json)
                .check(&DownloadLimits::default())
                .map_err(|why| why.code)
        };
        assert_eq!(code(r#"{"duration":14400}"#), Ok(()));
        assert_eq!(code(r#"{"duration":14401}"#), Err(ErrorCode::SourceTooLong));
        assert_eq!(
            code(r#"{"is_live":true}"#),
            Err(ErrorCode::SourceUnsupported)
        );
        assert_eq!(code(r#"{"live_status":"was_live"}"#), Ok(()));
    }

    #[test]
    fn sound_is_apart_only_if_the_pictures_are_too() {
        let both = r#"{"formats":[{"vcodec":"none"},{"vcodec":"avc1","acodec":"none"}]}"#;
        assert!(info(both).has_sound_apart());
        assert!(!info(r#"{"formats":[{"vcodec":"none","acodec":"opus"},{"vcodec":"avc1","acodec":"mp4a"}]}"#).has_sound_apart());
        assert!(!info(r#"{"formats":[{},{"vcodec":"none","acodec":"none"}]}"#).has_sound_apart());
    }

    #[test]
    fn captions_are_taken_in_the_right_language() {
        let offered = r#"{"language":"de","subtitles":{"de-DE":[{"ext":"vtt"}],"en":[{"ext":"json3"},{"ext":"vtt"}],"fr":[{"ext":"ttml"}],"live_chat":[{"ext":"json"}]}}"#;
        let offered = info(offered);
        assert_eq!(offered.captions_language(None), Some("de-DE"));
        assert_eq!(offered.captions_language(Some("en-US")), Some("en"));
        assert_eq!(offered.captions_language(Some("fr")), None);
        assert_eq!(info(r#"{"subtitles":{"en":[{"ext":"vtt"}]},"automatic_captions":{"de":[{"ext":"vtt"}]}}"#).captions_language(None), Some("en"));
        assert_eq!(
            info(r#"{"automatic_captions":{"de":[{"ext":"vtt"}]}}"#).captions_language(Some("de")),
            None
        );
    }
}

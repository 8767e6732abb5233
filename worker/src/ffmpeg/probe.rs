//! What a media file holds, as `ffprobe` tells it.

use std::path::Path;

use domain::Size;
use serde::Deserialize;

use super::{
    command::{Arguments, CallError, run},
    media::{Colours, FieldOrder, FrameRate, Media, Mix, Sound, Video, turned_size},
};
use crate::children::time_to_look;

/// What the programs say of a picture with more pixels than they are told to unpack, after its size.
pub(crate) const TOO_MANY_PIXELS: &str = "exceeds specified max pixel count";

/// From this height on, players take colours that name no matrix for BT.709, below for BT.601.
const HD_LINES: u32 = 720;

/// What is asked for: a file may say much more of itself.
const ENTRIES: &str = "stream=index,codec_type,codec_name,width,height,sample_aspect_ratio,avg_frame_rate,r_frame_rate,color_transfer,color_space,color_range,pix_fmt,field_order,\
     duration,sample_rate,channels,channel_layout:stream_tags=language,DURATION:stream_disposition=default,attached_pic:stream_side_data=rotation:\
     format=format_name,duration:format_tags=title";

/// Asks `ffprobe` what `file` holds.
///
/// # Errors
/// When it is no media file of the allowed containers, has too many pixels, or cannot be read.
pub(crate) async fn probe(
    ffprobe: &Path,
    file: &Path,
    max_pixels: u64,
) -> Result<Media, CallError> {
    let args = Arguments::new()
        .words("-hide_banner -loglevel error -print_format json -show_entries")
        .arg(ENTRIES)
        .input(file, max_pixels);
    let (output, stderr) = run(ffprobe, &args, time_to_look()).await?;
    // a picture that is not unpacked leaves its stream without a size
    if stderr.contains(TOO_MANY_PIXELS) {
        return Err(CallError::Failed { stderr });
    }
    read(&output).ok_or(CallError::Failed { stderr })
}

/// What a report of `ffprobe` says; none if it is not the JSON of one.
pub(crate) fn read(report: &[u8]) -> Option<Media> {
    let report: Report = serde_json::from_slice(report).ok()?;
    Some(report.into_media())
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
struct Format {
    #[serde(default, rename = "format_name")]
    names: String,
    duration: Option<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize, Default)]
struct Tags {
    title: Option<String>,
    language: Option<String>,
    /// Matroska writes a stream's length here, as `00:01:02.345000000`.
    #[serde(rename = "DURATION")]
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    index: usize,
    codec_type: Option<String>,
    codec_name: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    color_transfer: Option<String>,
    color_space: Option<String>,
    color_range: Option<String>,
    pix_fmt: Option<String>,
    field_order: Option<String>,
    duration: Option<String>,
    sample_rate: Option<String>,
    #[serde(default)]
    channels: u32,
    channel_layout: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    default: u8,
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

impl Report {
    fn into_media(self) -> Media {
        let of_kind = |kind: &'static str| {
            self.streams
                .iter()
                .filter(move |s| s.codec_type.as_deref() == Some(kind))
        };
        let pictures = || of_kind("video").filter(|s| s.disposition.attached_pic == 0);
        // a cover is not always marked as one
        let moving = pictures().find(|s| !s.has_codec(&STILL_CODECS));
        let video = moving.or_else(|| pictures().next()).map(Stream::video);
        // ffprobe leaves out the name of a codec that it cannot decode
        let decodable = |s: &&Stream| s.codec_name.is_some();
        let longest = self.streams.iter().filter_map(Stream::duration_ms).max();
        Media {
            format: self.format.names.clone(),
            duration_ms: self
                .format
                .duration
                .as_deref()
                .and_then(seconds_to_ms)
                .or(longest)
                .unwrap_or(0),
            stream_count: self.streams.len(),
            title: self
                .format
                .tags
                .title
                .clone()
                .filter(|title| !title.trim().is_empty()),
            video,
            sounds: of_kind("audio")
                .filter(decodable)
                .map(Stream::sound)
                .collect(),
        }
    }
}

/// Codecs of single pictures, which are also those of some films.
const STILL_CODECS: [&str; 5] = ["mjpeg", "png", "bmp", "gif", "webp"];

impl Stream {
    fn has_codec(&self, names: &[&str]) -> bool {
        let name = self.codec_name.as_deref();
        name.is_some_and(|name| names.contains(&name))
    }

    fn video(&self) -> Video {
        let stored = Size {
            width: self.width,
            height: self.height,
        };
        let pixel = self
            .sample_aspect_ratio
            .as_deref()
            .and_then(pixel_ratio)
            .unwrap_or(1.0);
        let square = Size {
            width: (f64::from(stored.width) * pixel).round().max(1.0) as u32,
            height: stored.height,
        };
        let turned = self
            .side_data_list
            .iter()
            .find_map(|data| data.rotation)
            .unwrap_or(0.0);
        let sideways = (turned / 90.0).round() as i64 % 2 != 0;
        Video {
            index: self.index,
            stored,
            sideways,
            area: None,
            subtitles: None,
            shown: turned_size(square, sideways),
            frame_rate: self.frame_rate(),
            hdr: matches!(
                self.color_transfer.as_deref(),
                Some("smpte2084" | "arib-std-b67")
            ),
            colours: self.colours(),
            interlaced: self.field_order.as_deref().and_then(field_order),
        }
    }

    fn colours(&self) -> Colours {
        let is_yuv = self.pix_fmt.as_deref().is_none_or(|name| {
            ["yuv", "nv", "p0", "p2", "p4", "gray", "y2"]
                .iter()
                .any(|kind| name.starts_with(kind))
        });
        let is_full = self.color_range.as_deref() == Some("pc")
            || self
                .pix_fmt
                .as_deref()
                .is_some_and(|name| name.starts_with("yuvj"));
        match self.color_space.as_deref() {
            Some(name) if name.starts_with("bt2020") => Colours::Wide,
            _ if !is_yuv => Colours::Other("auto"),
            Some("bt709") if is_full => Colours::Other("auto"),
            None | Some("unknown" | "reserved") if self.height < HD_LINES || is_full => {
                Colours::Other("bt601")
            }
            None | Some("bt709" | "unknown" | "reserved") => Colours::Bt709,
            Some(_) => Colours::Other("auto"),
        }
    }

    fn frame_rate(&self) -> FrameRate {
        let known = [&self.avg_frame_rate, &self.r_frame_rate];
        known
            .into_iter()
            .find_map(|rate| FrameRate::parse(rate.as_deref()?))
            .unwrap_or(FrameRate {
                frames: 25,
                seconds: 1,
            })
    }

    fn sound(&self) -> Sound {
        Sound {
            index: self.index,
            default: self.disposition.default != 0,
            language: self.tags.language.clone().filter(|tag| tag != "und"),
            duration_ms: self.duration_ms(),
            sample_rate: self
                .sample_rate
                .as_deref()
                .and_then(|rate| rate.parse().ok())
                .unwrap_or(0),
            channels: self.channels,
            layout: self.channel_layout.clone(),
            mix: Mix::Usual,
        }
    }

    fn duration_ms(&self) -> Option<u64> {
        let plain = self.duration.as_deref().and_then(seconds_to_ms);
        plain.or_else(|| self.tags.duration.as_deref().and_then(clock_to_ms))
    }
}

/// The second letter of ffprobe's word is the order of display; the first, of storing.
fn field_order(word: &str) -> Option<FieldOrder> {
    match word {
        "tt" | "bt" => Some(FieldOrder::TopFirst),
        "bb" | "tb" => Some(FieldOrder::BottomFirst),
        _ => None,
    }
}

fn seconds_to_ms(text: &str) -> Option<u64> {
    let seconds: f64 = text.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| (seconds * 1000.0).round() as u64)
}

fn clock_to_ms(text: &str) -> Option<u64> {
    text.split(':')
        .try_fold(0.0, |sum, part| {
            Some(sum * 60.0 + part.parse::<f64>().ok()?)
        })
        .map(|s| (s * 1000.0) as u64)
}

/// `4:3` is how much wider than high a pixel is; `0:1` and `N/A` mean unknown.
fn pixel_ratio(text: &str) -> Option<f64> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (f64, f64) = (width.parse().ok()?, height.parse().ok()?);
    (width > 0.0 && height > 0.0).then_some(width / height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(json: &str) -> Media {
        serde_json::from_str::<Report>(json).unwrap().into_media()
    }

    #[test]
    fn a_turned_anamorphic_hdr_picture_is_understood() {
        let media = media(
            r#"{"streams":[{"index":2,"codec_type":"video","width":1440,"height":1080,"sample_aspect_ratio":"4:3","avg_frame_rate":"30000/1001",
            "color_transfer":"smpte2084","side_data_list":[{"rotation":-90}]}],"format":{"duration":"12.5"}}"#,
        );
        let video = media.video.unwrap();
        assert_eq!(media.duration_ms, 12_500);
        assert_eq!(
            video.shown,
            Size {
                width: 1080,
                height: 1920
            }
        );
        assert!(video.is_anamorphic() && video.hdr && video.interlaced.is_none());
        assert!((video.frame_rate.get() - 29.97).abs() < 0.01);
    }

    #[test]
    fn an_unmarked_cover_and_sound_that_cannot_be_decoded_are_passed_over() {
        let media = media(
            r#"{"streams":[{"index":0,"codec_type":"video","codec_name":"mjpeg"},{"index":1,"codec_type":"video","codec_name":"h264"},
            {"index":2,"codec_type":"audio","sample_rate":"48000"},{"index":3,"codec_type":"audio","codec_name":"aac"}]}"#,
        );
        assert_eq!(media.video.map(|video| video.index), Some(1));
        let sounds: Vec<usize> = media.sounds.iter().map(|sound| sound.index).collect();
        assert_eq!(sounds, [3]);
    }

    #[test]
    fn a_cover_picture_is_no_video_and_unknown_rates_do_not_divide_by_zero() {
        let media = media(
            r#"{"streams":[{"index":0,"codec_type":"audio","codec_name":"mp3","tags":{"language":"und","DURATION":"00:01:02.500000000"}},
            {"index":1,"codec_type":"video","avg_frame_rate":"0/0","disposition":{"attached_pic":1}}],"format":{}}"#,
        );
        assert_eq!(media.video, None);
        assert_eq!(media.duration_ms, 62_500);
        assert_eq!(media.sounds[0].language, None);
        assert_eq!(FrameRate::parse("0/0"), None);
    }
}

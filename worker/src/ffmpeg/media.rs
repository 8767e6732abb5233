//! What is known of a media file: its picture and its sound.

use domain::Size;
use reframe::Rect;
use serde::Serialize;

/// A media file with a picture, and sound if it has any.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Media {
    /// ffmpeg's names for the container, with commas between.
    pub(crate) format: String,
    /// 0 where the container does not say.
    pub(crate) duration_ms: u64,
    pub(crate) stream_count: usize,
    /// Title in the file's tags.
    pub(crate) title: Option<String>,
    pub(crate) video: Option<Video>,
    pub(crate) sounds: Vec<Sound>,
}

/// The picture stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Video {
    /// Number of the stream in the file.
    pub(crate) index: usize,
    /// Size as stored, in pixels.
    pub(crate) stored: Size,
    /// Whether it is shown on its side.
    pub(crate) sideways: bool,
    /// The part of a decoded frame inside of its bars, if it has any; see [`Video::without_bars`].
    pub(crate) area: Option<Rect>,
    /// Subtitles that are part of the picture.
    pub(crate) subtitles: Option<Band>,
    /// Size as shown: turned upright, without bars, with square pixels.
    pub(crate) shown: Size,
    /// Frames per second on average.
    pub(crate) frame_rate: FrameRate,
    /// Whether brightness is coded for high dynamic range (PQ or HLG).
    pub(crate) hdr: bool,
    /// How its colours become those of a clip.
    pub(crate) colours: Colours,
    /// The order of the half-pictures where each frame is two of them, interleaved.
    pub(crate) interlaced: Option<FieldOrder>,
}

/// How the colours of a picture of ordinary brightness are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// As those of a clip: BT.709 in limited range, named or, as players assume of 720 lines and more, not named.
    Bt709,
    /// With this matrix, in ffmpeg's words, or in full range or RGB: they are converted.
    Other(&'static str),
    /// In the wide gamut of BT.2020; they stay, with their tags.
    Wide,
}

/// Which lines of a frame come first in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldOrder {
    TopFirst,
    BottomFirst,
}

/// Lines of a picture, in pixels of what is shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Band {
    /// The first of them.
    pub(crate) top: u32,
    /// The line below the last of them.
    pub(crate) bottom: u32,
}

/// One sound track.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sound {
    /// Number of the stream in the file.
    pub(crate) index: usize,
    /// Whether players take it by default.
    pub(crate) default: bool,
    /// ISO 639 language in its tags.
    pub(crate) language: Option<String>,
    /// Its own length, where the container says so.
    pub(crate) duration_ms: Option<u64>,
    /// Samples a second; 0 where it cannot be decoded.
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    /// ffmpeg's name for what each channel is for.
    pub(crate) layout: Option<String>,
    /// How it is brought to one or two channels.
    pub(crate) mix: Mix,
}

/// How the channels of a sound are brought to one or two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub(crate) enum Mix {
    /// As its layout says.
    #[default]
    Usual,
    /// Of these channels alone, in equal parts, the same on both sides.
    Only(Vec<usize>),
}

impl Mix {
    /// The filter to go before all others, with a comma behind it, for sound in `mono` or `stereo`.
    pub(crate) fn filter(&self, layout: &str) -> String {
        let Self::Only(channels) = self else {
            return String::new();
        };
        let part = 1.0 / channels.len() as f64;
        let parts: Vec<String> = channels
            .iter()
            .map(|channel| format!("{part:.4}*c{channel}"))
            .collect();
        let all = parts.join("+");
        match layout {
            "mono" => format!("pan=mono|c0={all},"),
            _ => format!("pan=stereo|c0={all}|c1={all},"),
        }
    }
}

impl Video {
    /// Size of a decoded frame, which ffmpeg has turned upright; its pixels may not be square.
    pub(crate) fn upright(&self) -> Size {
        turned_size(self.stored, self.sideways)
    }

    /// Size of what is shown of a decoded frame.
    pub(crate) fn visible(&self) -> Size {
        self.area.map_or(self.upright(), |area| area.size)
    }

    /// The filter that cuts the bars off, if there are any.
    pub(crate) fn crop(&self) -> Option<String> {
        let Rect { x, y, size } = self.area?;
        Some(format!("crop={}:{}:{x}:{y}", size.width, size.height))
    }

    /// Whether the pixels are not square.
    pub(crate) fn is_anamorphic(&self) -> bool {
        self.shown != self.visible()
    }

    /// The same picture with only a part of it shown.
    pub(crate) fn without_bars(self, area: Rect) -> Self {
        let (all, shown) = (self.upright(), self.shown);
        let part = |shown: u32, part: u32, all: u32| {
            ((f64::from(shown) * f64::from(part) / f64::from(all)).round() as u32).max(1)
        };
        Self {
            area: Some(area),
            shown: Size {
                width: part(shown.width, area.size.width, all.width),
                height: part(shown.height, area.size.height, all.height),
            },
            ..self
        }
    }
}

pub(super) fn turned_size(size: Size, sideways: bool) -> Size {
    if sideways {
        Size {
            width: size.height,
            height: size.width,
        }
    } else {
        size
    }
}

/// Frames per second as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameRate {
    pub(crate) frames: u32,
    pub(crate) seconds: u32,
}

impl FrameRate {
    /// Frames per second as a number.
    pub(crate) fn get(self) -> f64 {
        f64::from(self.frames) / f64::from(self.seconds)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (frames, seconds) = text.split_once('/')?;
        let rate = Self {
            frames: frames.parse().ok()?,
            seconds: seconds.parse().ok()?,
        };
        (rate.frames > 0 && rate.seconds > 0).then_some(rate)
    }
}

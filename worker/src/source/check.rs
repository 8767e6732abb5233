//! Which sources are refused before anything of them is decoded.

use domain::{
    ErrorCode, Failure, Size, Stage,
    limits::{MAX_ASPECT_RATIO, MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, MIN_SIDE_PX},
};

use super::{too_large, unsupported};
use crate::{
    cli::Limits,
    ffmpeg::media::{Media, Sound},
};

/// Refuses what cannot be clipped, or listened to if it has no picture.
///
/// # Errors
/// With the limit that it is over.
pub(super) fn check(media: &Media, limits: &Limits) -> Result<(), Failure> {
    if media.stream_count > limits.max_streams {
        return Err(too_large(format!(
            "the source has {} streams, the limit is {}",
            media.stream_count, limits.max_streams
        )));
    }
    media.sounds.iter().try_for_each(check_sound)?;
    if let Some(video) = &media.video {
        check_size(video.stored, limits.max_pixels)?;
        // it is unpacked at the one size and brought to the other
        check_size(video.shown, limits.max_pixels)?;
    } else if media.sounds.is_empty() {
        return Err(unsupported("the source has neither picture nor sound"));
    }
    Ok(())
}

/// Refuses what lasts too long, or has no length at all.
///
/// # Errors
/// With the limit that it is over.
pub(super) fn check_length(media: &Media, limits: &Limits) -> Result<(), Failure> {
    if media.duration_ms == 0 {
        return Err(unsupported("the source has no length"));
    }
    if media.duration_ms > limits.max_source_seconds.saturating_mul(1000) {
        let message = format!(
            "the source lasts {} s, the limit is {} s",
            media.duration_ms.div_ceil(1000),
            limits.max_source_seconds
        );
        return Err(Failure::input(
            Stage::Download,
            ErrorCode::SourceTooLong,
            message,
        ));
    }
    Ok(())
}

/// A moment of sound is unpacked at once, whose memory grows with its channels and, at a very low rate, with its length.
fn check_sound(sound: &Sound) -> Result<(), Failure> {
    let &Sound {
        sample_rate,
        channels,
        ..
    } = sound;
    // 0 is sound of an unknown kind, which is not decoded
    if sample_rate != 0 && !(MIN_SAMPLE_RATE..=MAX_SAMPLE_RATE).contains(&sample_rate) {
        return Err(unsupported(format!(
            "the sound has {sample_rate} samples a second, which no recording has"
        )));
    }
    if channels > MAX_CHANNELS {
        return Err(too_large(format!(
            "the sound has {channels} channels, the limit is {MAX_CHANNELS}"
        )));
    }
    Ok(())
}

fn check_size(Size { width, height }: Size, max_pixels: u64) -> Result<(), Failure> {
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(too_large(format!(
            "the picture has {width}x{height} pixels, the limit is {max_pixels} in all"
        )));
    }
    let (short, long) = (width.min(height), width.max(height));
    if short < MIN_SIDE_PX {
        return Err(unsupported(format!(
            "the picture is {width}x{height} pixels, too small to be clipped"
        )));
    }
    // a ground of the picture itself is made as wide or as high as its shape asks for
    if long > short.saturating_mul(MAX_ASPECT_RATIO) {
        return Err(unsupported(format!(
            "the picture is {width}x{height} pixels, too long for its width to be clipped"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::limits::{
        DOWNLOAD_IDLE_SECONDS, DOWNLOAD_TIMEOUT_SECONDS, MAX_PIXELS, MAX_SOURCE_BYTES,
        MAX_SOURCE_SECONDS, MAX_STREAMS,
    };

    use super::*;
    use crate::ffmpeg::media::{Colours, FrameRate, Video};

    fn of_size(stored: (u32, u32), shown: (u32, u32)) -> Media {
        let size = |(width, height)| Size { width, height };
        let frame_rate = FrameRate {
            frames: 25,
            seconds: 1,
        };
        Media {
            format: String::new(),
            duration_ms: 1,
            stream_count: 1,
            title: None,
            video: Some(Video {
                index: 0,
                stored: size(stored),
                shown: size(shown),
                sideways: false,
                area: None,
                subtitles: None,
                frame_rate,
                hdr: false,
                colours: Colours::Bt709,
                interlaced: None,
            }),
            sounds: Vec::new(),
        }
    }

    #[test]
    fn a_picture_is_measured_as_stored_and_as_shown() {
        let small = (160, 90);
        let code = |size| {
            let ends = [of_size(size, small), of_size(small, size)];
            let codes = ends.map(|media| check(&media, &Limits::usual()).err().map(|why| why.code));
            assert_eq!(codes[0], codes[1], "{size:?}");
            codes[0]
        };
        let (width, height) = (7680, (MAX_PIXELS / 7680) as u32);
        assert_eq!(code((width, height)), None);
        let too_large = Some(ErrorCode::SourceTooLarge);
        assert_eq!(code((width, height + 1)), too_large);
        assert_eq!(code((u32::MAX, u32::MAX)), too_large);
        let unsupported = Some(ErrorCode::SourceUnsupported);
        assert_eq!(code((MIN_SIDE_PX, MIN_SIDE_PX)), None);
        assert_eq!(code((MIN_SIDE_PX, MIN_SIDE_PX - 1)), unsupported);
        assert_eq!(code((100 * MAX_ASPECT_RATIO, 100)), None);
        assert_eq!(code((100, 100 * MAX_ASPECT_RATIO + 1)), unsupported);
    }

    #[test]
    fn sound_is_measured_before_it_is_decoded() {
        let code = |sample_rate, channels| {
            let mut media = of_size((160, 90), (160, 90));
            media.sounds.push(Sound {
                sample_rate,
                channels,
                ..Sound::default()
            });
            check(&media, &Limits::usual()).err().map(|why| why.code)
        };
        for rate in [0, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE] {
            assert_eq!(code(rate, MAX_CHANNELS), None, "{rate}");
        }
        for rate in [4, MIN_SAMPLE_RATE - 1, MAX_SAMPLE_RATE + 1] {
            assert_eq!(code(rate, 2), Some(ErrorCode::SourceUnsupported), "{rate}");
        }
        assert_eq!(
            code(48_000, MAX_CHANNELS + 1),
            Some(ErrorCode::SourceTooLarge)
        );
    }

    #[test]
    fn the_limits_of_a_source_are_what_the_tool_has_by_default() {
        let usual = Limits::usual();
        assert_eq!(
            (usual.max_bytes, usual.max_source_seconds, usual.max_streams),
            (MAX_SOURCE_BYTES, MAX_SOURCE_SECONDS, MAX_STREAMS)
        );
        assert_eq!(
            (usual.download_seconds, usual.stall_seconds),
            (DOWNLOAD_TIMEOUT_SECONDS, DOWNLOAD_IDLE_SECONDS)
        );
        let mut media = of_size((160, 90), (160, 90));
        media.stream_count = MAX_STREAMS;
        media.duration_ms = MAX_SOURCE_SECONDS * 1000;
        assert!(check(&media, &usual).is_ok() && check_length(&media, &usual).is_ok());
        let crowded = Media {
            stream_count: MAX_STREAMS + 1,
            ..media.clone()
        };
        let crowded = check(&crowded, &usual).unwrap_err();
        assert_eq!(crowded.code, ErrorCode::SourceTooLarge);
        media.duration_ms += 1;
        let long = check_length(&media, &usual).unwrap_err();
        assert_eq!(long.code, ErrorCode::SourceTooLong);
    }
}

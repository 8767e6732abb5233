//! A source that lies on this machine, looked at once: what it holds, whether it can be clipped, and what tells it from others.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use domain::{
    ErrorCode, Failure, Fingerprint, Size, Stage, TimeRange,
    limits::{LEAST_SAMPLE_RATE, LEAST_SIDE_PX, MOST_CHANNELS, MOST_OBLONG, MOST_SAMPLE_RATE},
};
use isolang::Language;
use sha2::{Digest, Sha256};

use crate::{
    children::time_to_look,
    cli::Limits,
    ffmpeg::{
        command::{Arguments, CallError, run},
        probe::{Media, Sound, TOO_MANY_PIXELS, Video, probe},
    },
    setup::Home,
};

/// A video file that can be clipped.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) title: Option<String>,
    pub(crate) media: Media,
    pub(crate) video: Video,
    pub(crate) bytes: u64,
}

/// Looks at a file and refuses what cannot be clipped.
///
/// # Errors
/// With the `error_code` of the contract for what is wrong with it.
pub(crate) async fn inspect(
    home: &Home,
    limits: &Limits,
    path: &Path,
    title: Option<String>,
) -> Result<Source, Failure> {
    let path =
        std::fs::canonicalize(path).map_err(|why| unreadable(Stage::Download, path, &why))?;
    let meta = path
        .metadata()
        .map_err(|why| unreadable(Stage::Download, &path, &why))?;
    if !meta.is_file() {
        return Err(unsupported(format!("{}: not a file", path.display())));
    }
    if meta.len() == 0 {
        return Err(unsupported(format!(
            "{}: the file is empty",
            path.display()
        )));
    }
    if meta.len() > limits.max_bytes {
        return Err(too_large(format!(
            "the source has {} bytes, the limit is {}",
            meta.len(),
            limits.max_bytes
        )));
    }
    let ffprobe = home.program(Stage::Download, "ffprobe")?;
    let media = probe(&ffprobe, &path, limits.max_pixels)
        .await
        .map_err(|why| no_media(&path, limits.max_pixels, &why))?;
    let video = check(&media, limits)?;
    first_frame(home, limits, &path, &video).await?;
    let fingerprint = fingerprint(&path).map_err(|why| unreadable(Stage::Download, &path, &why))?;
    let title = title
        .or_else(|| media.title.clone())
        .or_else(|| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .map(|title| domain::text::cut(&title, domain::limits::LONGEST_TITLE));
    Ok(Source {
        path,
        fingerprint,
        title,
        media,
        video,
        bytes: meta.len(),
    })
}

impl Source {
    /// The part of the source that the options want considered.
    ///
    /// # Errors
    /// When it begins after the end of the source.
    pub(crate) fn window(&self, options: &domain::ClipOptions) -> Result<TimeRange, Failure> {
        options.window(self.media.duration_ms).ok_or_else(|| {
            Failure::input(
                Stage::Download,
                ErrorCode::NoClips,
                format!(
                    "the source ends at {:.1} s, before the part to consider begins",
                    self.media.duration_ms as f64 / 1000.0
                ),
            )
        })
    }

    /// From its start to its end.
    pub(crate) fn whole(&self) -> Option<TimeRange> {
        TimeRange::new(0, self.media.duration_ms).ok()
    }

    /// The sound track to listen to: one in the wanted language, else the default one, else the first.
    pub(crate) fn sound(&self, language: Option<&str>) -> Option<&Sound> {
        let sounds = &self.media.sounds;
        let spoken = |sound: &&Sound| {
            language.is_some_and(|wanted| {
                sound
                    .language
                    .as_deref()
                    .is_some_and(|tag| same_language(tag, wanted))
            })
        };
        sounds
            .iter()
            .find(spoken)
            .or_else(|| sounds.iter().find(|sound| sound.default))
            .or_else(|| sounds.first())
    }
}

/// Whether an ISO 639-2 tag of a file (`ger`, `deu`) and a BCP 47 tag (`de-AT`) name the same language.
fn same_language(tag: &str, wanted: &str) -> bool {
    let tag = language(tag);
    tag.is_some() && tag == language(wanted)
}

fn language(tag: &str) -> Option<Language> {
    let primary = tag.split(['-', '_']).next()?.to_ascii_lowercase();
    match primary.len() {
        2 => Language::from_639_1(&primary),
        _ => Language::from_639_3(terminological(&primary)),
    }
}

/// ISO 639-2 has two codes for some languages; the bibliographic one is not part of ISO 639-3.
fn terminological(code: &str) -> &str {
    match code {
        "alb" => "sqi",
        "arm" => "hye",
        "baq" => "eus",
        "bur" => "mya",
        "chi" => "zho",
        "cze" => "ces",
        "dut" => "nld",
        "fre" => "fra",
        "geo" => "kat",
        "ger" => "deu",
        "gre" => "ell",
        "ice" => "isl",
        "mac" => "mkd",
        "mao" => "mri",
        "may" => "msa",
        "per" => "fas",
        "rum" => "ron",
        "slo" => "slk",
        "tib" => "bod",
        "wel" => "cym",
        other => other,
    }
}

fn check(media: &Media, limits: &Limits) -> Result<Video, Failure> {
    if media.stream_count > limits.max_streams {
        return Err(too_large(format!(
            "the source has {} streams, the limit is {}",
            media.stream_count, limits.max_streams
        )));
    }
    media.sounds.iter().try_for_each(check_sound)?;
    let Some(video) = media.video.clone() else {
        return Err(unsupported("the source has no picture"));
    };
    check_size(video.stored, limits.max_pixels)?;
    // it is unpacked at the one size and brought to the other
    check_size(video.shown, limits.max_pixels)?;
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
    Ok(video)
}

/// A moment of sound is unpacked at once, whose memory grows with its channels and, at a very low rate, with its length.
fn check_sound(sound: &Sound) -> Result<(), Failure> {
    let &Sound {
        sample_rate,
        channels,
        ..
    } = sound;
    // 0 is sound of an unknown kind, which is not decoded
    if sample_rate != 0 && !(LEAST_SAMPLE_RATE..=MOST_SAMPLE_RATE).contains(&sample_rate) {
        return Err(unsupported(format!(
            "the sound has {sample_rate} samples a second, which no recording has"
        )));
    }
    if channels > MOST_CHANNELS {
        return Err(too_large(format!(
            "the sound has {channels} channels, the limit is {MOST_CHANNELS}"
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
    if short < LEAST_SIDE_PX {
        return Err(unsupported(format!(
            "the picture is {width}x{height} pixels, too small to be clipped"
        )));
    }
    // a ground of the picture itself is made as wide or as high as its shape asks for
    if long > short.saturating_mul(MOST_OBLONG) {
        return Err(unsupported(format!(
            "the picture is {width}x{height} pixels, too long for its width to be clipped"
        )));
    }
    Ok(())
}

/// Whether a picture comes out at all: a header can promise frames that are not there.
async fn first_frame(
    home: &Home,
    limits: &Limits,
    path: &Path,
    video: &Video,
) -> Result<(), Failure> {
    let ffmpeg = home.program(Stage::Download, "ffmpeg")?;
    let args = Arguments::new()
        .words("-hide_banner -nostdin -loglevel error")
        .input(path, limits.max_pixels)
        .words(&format!(
            "-map 0:{} -frames:v 1 -vf scale=16:16 -f rawvideo -pix_fmt gray pipe:1",
            video.index
        ));
    match run(&ffmpeg, &args, time_to_look()).await {
        Ok((picture, _)) if !picture.is_empty() => Ok(()),
        Ok(_) => Err(unsupported("the source has no frame that can be shown")),
        Err(why) => Err(why
            .at_limit(Stage::Download)
            .unwrap_or_else(|| unsupported(format!("the picture cannot be decoded: {why}")))),
    }
}

/// Size and samples from all over the file; reading all of a film to tell it from another would take longer than clipping it.
fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    const SAMPLES: u64 = 64;
    const SAMPLE_BYTES: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    let step = (length.saturating_sub(SAMPLE_BYTES) / (SAMPLES - 1)).max(SAMPLE_BYTES);
    let mut sample = Vec::with_capacity(SAMPLE_BYTES as usize);
    for number in 0..SAMPLES {
        let at = (number * step).min(length.saturating_sub(SAMPLE_BYTES));
        file.seek(SeekFrom::Start(at))?;
        sample.clear();
        file.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample)?;
        hash.update(&sample);
    }
    Ok(Fingerprint::of_bytes(&hash.finalize()))
}

/// A file that the user names and that cannot be read.
pub(crate) fn unreadable(stage: Stage, path: &Path, why: &io::Error) -> Failure {
    let why = if why.kind() == io::ErrorKind::NotFound {
        "no such file".to_owned()
    } else {
        why.to_string()
    };
    Failure::input(
        stage,
        ErrorCode::SourceUnavailable,
        format!("{}: {why}", path.display()),
    )
}

/// A file that a person may have edited and that cannot be used.
pub(crate) fn unusable(stage: Stage, path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::input(
        stage,
        ErrorCode::SourceUnsupported,
        format!("{}: {why}", path.display()),
    )
}

/// Whether the first box is the one that every MP4 or `QuickTime` file begins with.
fn begins_like_mp4(path: &Path) -> bool {
    let mut head = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.ends_with(b"ftyp")
}

pub(crate) fn no_media(path: &Path, max_pixels: u64, why: &CallError) -> Failure {
    if let Some(failure) = why.at_limit(Stage::Download) {
        return failure;
    }
    match why {
        CallError::Failed { stderr } if stderr.contains(TOO_MANY_PIXELS) => {
            let size = stderr
                .split("Picture size ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            too_large(format!(
                "the picture has {} pixels, the limit is {max_pixels} in all",
                size.unwrap_or("too many")
            ))
        }
        CallError::Failed { stderr }
            if stderr.contains("moov atom not found") && begins_like_mp4(path) =>
        {
            unsupported(format!(
                "{}: the file is truncated, its index is missing",
                path.display()
            ))
        }
        CallError::Failed { .. } => unsupported(format!(
            "{}: not a video in a supported format",
            path.display()
        )),
        other => Failure::internal(Stage::Download, other),
    }
}

fn unsupported(message: impl Into<String>) -> Failure {
    Failure::input(Stage::Download, ErrorCode::SourceUnsupported, message)
}

fn too_large(message: String) -> Failure {
    Failure::input(Stage::Download, ErrorCode::SourceTooLarge, message)
}

#[cfg(test)]
mod tests {
    use domain::limits::{
        DOWNLOAD_SECONDS, DOWNLOAD_SILENCE_SECONDS, MOST_PIXELS, MOST_STREAMS, SOURCE_BYTES,
        SOURCE_SECONDS,
    };

    use super::*;
    use crate::ffmpeg::probe::FrameRate;

    #[test]
    fn files_that_differ_anywhere_a_sample_is_taken_or_in_length_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let print = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            fingerprint(&path).unwrap().to_string()
        };
        let mut bytes = vec![7; 1 << 20];
        let first = print("a", &bytes);
        assert_eq!(first, print("b", &bytes));
        bytes[1 << 19] = 8;
        assert_ne!(first, print("c", &bytes));
        assert_ne!(print("d", b"x"), print("e", b"xx"));
    }

    fn of_size(stored: (u32, u32), shown: (u32, u32)) -> Media {
        let size = |(width, height)| Size { width, height };
        let frame_rate = FrameRate {
            frames: 25,
            seconds: 1,
        };
        Media {
            duration_ms: 1,
            stream_count: 1,
            title: None,
            video: Some(Video {
                index: 0,
                stored: size(stored),
                shown: size(shown),
                anamorphic: stored != shown,
                frame_rate,
                hdr: false,
                interlaced: false,
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
        let (width, height) = (7680, (MOST_PIXELS / 7680) as u32);
        assert_eq!(code((width, height)), None);
        let too_large = Some(ErrorCode::SourceTooLarge);
        assert_eq!(code((width, height + 1)), too_large);
        assert_eq!(code((u32::MAX, u32::MAX)), too_large);
        let unsupported = Some(ErrorCode::SourceUnsupported);
        assert_eq!(code((LEAST_SIDE_PX, LEAST_SIDE_PX)), None);
        assert_eq!(code((LEAST_SIDE_PX, LEAST_SIDE_PX - 1)), unsupported);
        assert_eq!(code((100 * MOST_OBLONG, 100)), None);
        assert_eq!(code((100, 100 * MOST_OBLONG + 1)), unsupported);
    }

    #[test]
    fn sound_is_measured_before_it_is_decoded() {
        let code = |sample_rate, channels| {
            let mut media = of_size((160, 90), (160, 90));
            media.sounds.push(Sound {
                index: 1,
                default: true,
                language: None,
                duration_ms: None,
                sample_rate,
                channels,
            });
            check(&media, &Limits::usual()).err().map(|why| why.code)
        };
        for rate in [0, LEAST_SAMPLE_RATE, MOST_SAMPLE_RATE] {
            assert_eq!(code(rate, MOST_CHANNELS), None, "{rate}");
        }
        for rate in [4, LEAST_SAMPLE_RATE - 1, MOST_SAMPLE_RATE + 1] {
            assert_eq!(code(rate, 2), Some(ErrorCode::SourceUnsupported), "{rate}");
        }
        assert_eq!(
            code(48_000, MOST_CHANNELS + 1),
            Some(ErrorCode::SourceTooLarge)
        );
    }

    #[test]
    fn the_limits_of_a_source_are_what_the_tool_has_by_default() {
        let usual = Limits::usual();
        assert_eq!(
            (usual.max_bytes, usual.max_source_seconds, usual.max_streams),
            (SOURCE_BYTES, SOURCE_SECONDS, MOST_STREAMS)
        );
        assert_eq!(
            (usual.download_seconds, usual.stall_seconds),
            (DOWNLOAD_SECONDS, DOWNLOAD_SILENCE_SECONDS)
        );
        let mut media = of_size((160, 90), (160, 90));
        media.stream_count = MOST_STREAMS;
        media.duration_ms = SOURCE_SECONDS * 1000;
        assert!(check(&media, &usual).is_ok());
        let crowded = Media {
            stream_count: MOST_STREAMS + 1,
            ..media.clone()
        };
        let code = |media| check(media, &usual).unwrap_err().code;
        assert_eq!(code(&crowded), ErrorCode::SourceTooLarge);
        media.duration_ms += 1;
        assert_eq!(code(&media), ErrorCode::SourceTooLong);
    }

    #[test]
    fn languages_are_matched_by_what_they_name() {
        let same = [
            ("eng", "en-US"),
            ("spa", "es"),
            ("ger", "de"),
            ("deu", "de-AT"),
            ("jpn", "ja"),
            ("chi", "zh-Hant"),
            ("por", "pt_BR"),
        ];
        assert!(same.iter().all(|(tag, wanted)| same_language(tag, wanted)));
        let other = [("deu", "en"), ("est", "es"), ("und", "en"), ("", "")];
        assert!(!other.iter().any(|(tag, wanted)| same_language(tag, wanted)));
    }
}

//! A source that lies on this machine, looked at once: what it holds, whether it can be clipped, and what tells it from others.

mod bars;
mod channels;
mod check;
mod fields;
mod fingerprint;
mod frames;
mod indexed;
mod language;
mod subtitles;

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
};

use domain::{ErrorCode, Failure, Fingerprint, Stage, TimeRange};

use self::{
    check::{check, check_length},
    fingerprint::fingerprint,
    language::same_language,
};
use crate::{
    children::time_to_look,
    cli::Limits,
    ffmpeg::{
        command::{Arguments, CallError, run},
        media::{Media, Sound, Video},
        probe::{TOO_MANY_PIXELS, probe},
    },
    setup::Home,
};

/// A media file that can be clipped, or listened to.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The file that is worked on: the one that was given, or a copy of it that can be sought in.
    pub(crate) path: PathBuf,
    /// Of the file that was given.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) title: Option<String>,
    pub(crate) media: Media,
    /// The sound track that is listened to and that clips get.
    pub(crate) sound: Option<Sound>,
    /// Bytes of the file that was given.
    pub(crate) bytes: u64,
}

/// What looking at a source needs.
#[derive(Debug)]
pub(crate) struct Inspector<'a> {
    pub(crate) home: &'a Home,
    pub(crate) limits: &'a Limits,
    /// Where a copy that can be sought in is put, if the source is none.
    pub(crate) folder: &'a Path,
    /// BCP 47 tag of the language that is spoken, if the person knows it: chooses among sound tracks.
    pub(crate) language: Option<&'a str>,
}

impl Inspector<'_> {
    /// Looks at a file and refuses what cannot be used; `copied` hears the fraction that is copied, where it has to be.
    ///
    /// # Errors
    /// With the `error_code` of the contract for what is wrong with it.
    pub(crate) async fn inspect(
        &self,
        path: &Path,
        title: Option<String>,
        copied: impl FnMut(f64),
    ) -> Result<Source, Failure> {
        let unreadable = |why| unreadable(Stage::Download, path, &why);
        let given = std::fs::canonicalize(path).map_err(unreadable)?;
        let meta = given.metadata().map_err(unreadable)?;
        check_file(&given, &meta, self.limits)?;
        let media = self.probe(&given).await?;
        check(&media, self.limits)?;
        let fingerprint = fingerprint(&given).map_err(unreadable)?;
        let title = title
            .or_else(|| media.title.clone())
            .or_else(|| Some(given.file_stem()?.to_string_lossy().into_owned()))
            .map(|title| domain::text::truncate(&title, domain::limits::MAX_TITLE_BYTES));
        let (path, mut media) = if indexed::is_needed(&media) {
            let copy = indexed::copy(self, &given, &fingerprint, copied).await?;
            let media = self.probe(&copy).await?;
            (copy, media)
        } else {
            (given, media)
        };
        check_length(&media, self.limits)?;
        if let Some(video) = media.video.take() {
            self.first_frame(&path, &video).await?;
            media.video = Some(self.looked_at(&path, video, media.duration_ms).await?);
        }
        let mut sound = self.spoken_sound(&path, &media).await?;
        if let Some(sound) = &mut sound {
            sound.mix = channels::mix(self.home, &path, sound, media.duration_ms).await?;
        }
        Ok(Source {
            path,
            fingerprint,
            title,
            media,
            sound,
            bytes: meta.len(),
        })
    }

    /// The sound track to listen to. Of several, one in which somebody speaks: recorders write what the machine plays, often nothing, before
    /// the microphone.
    async fn spoken_sound(&self, path: &Path, media: &Media) -> Result<Option<Sound>, Failure> {
        let (preferred, others) = chosen_sound(&media.sounds, self.language);
        if others.is_empty() {
            return Ok(preferred.cloned());
        }
        for sound in preferred.into_iter().chain(others) {
            if channels::has_voice(self.home, path, sound, media.duration_ms).await? {
                return Ok(Some(sound.clone()));
            }
        }
        Ok(preferred.cloned())
    }

    async fn probe(&self, path: &Path) -> Result<Media, Failure> {
        let ffprobe = self.home.program(Stage::Download, "ffprobe")?;
        let max_pixels = self.limits.max_pixels;
        probe(&ffprobe, path, max_pixels)
            .await
            .map_err(|why| no_media(path, max_pixels, &why))
    }

    /// The picture with what a few frames of it tell: its bars, its subtitles and its half-pictures.
    async fn looked_at(
        &self,
        path: &Path,
        mut video: Video,
        duration_ms: u64,
    ) -> Result<Video, Failure> {
        let mut frames = frames::frames(self.home, path, &video, duration_ms).await?;
        let upright = video.upright();
        if let Some(area) = tokio::task::block_in_place(|| bars::area(&frames, upright)) {
            video = video.without_bars(area);
            frames = frames::frames(self.home, path, &video, duration_ms).await?;
        }
        video.subtitles = subtitles::band(&frames, video.shown.height);
        video.interlaced = fields::order(self.home, path, &video, duration_ms).await?;
        Ok(video)
    }

    /// Whether a picture comes out at all: a header can promise frames that are not there.
    async fn first_frame(&self, path: &Path, video: &Video) -> Result<(), Failure> {
        let ffmpeg = self.home.program(Stage::Download, "ffmpeg")?;
        let args = Arguments::new()
            .words("-hide_banner -nostdin -loglevel error")
            .input(path, self.limits.max_pixels)
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
}

/// The preferred sound track: one in the requested language, else the default one, else the first; and those to fall back on, none where
/// the language decides.
fn chosen_sound<'a>(
    sounds: &'a [Sound],
    language: Option<&str>,
) -> (Option<&'a Sound>, Vec<&'a Sound>) {
    let is_spoken = |sound: &&Sound| {
        let tag = sound.language.as_deref();
        tag.zip(language)
            .is_some_and(|(tag, wanted)| same_language(tag, wanted))
    };
    let default = |sound: &&Sound| sound.default;
    if let Some(spoken) = sounds.iter().find(is_spoken) {
        return (Some(spoken), Vec::new());
    }
    let preferred = sounds.iter().find(default).or_else(|| sounds.first());
    let others = sounds.iter().filter(|sound| Some(*sound) != preferred);
    (preferred, others.collect())
}

fn check_file(path: &Path, meta: &Metadata, limits: &Limits) -> Result<(), Failure> {
    if !meta.is_file() {
        return Err(unsupported(format!("{}: not a file", path.display())));
    }
    if meta.len() == 0 {
        let what = format!("{}: the file is empty", path.display());
        return Err(unsupported(what));
    }
    if meta.len() > limits.max_bytes {
        return Err(too_large(format!(
            "the source has {} bytes, the limit is {}",
            meta.len(),
            limits.max_bytes
        )));
    }
    Ok(())
}

impl Source {
    /// Its picture.
    ///
    /// # Errors
    /// When it has none.
    pub(crate) fn picture(&self) -> Result<&Video, Failure> {
        let video = self.media.video.as_ref();
        video.ok_or_else(|| unsupported("the source has no picture"))
    }

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
                "{}: the file is truncated, its index is missing: the recording broke off before it was written. A tool such as untrunc \
                 can mend it with the help of a whole file of the same camera or program",
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

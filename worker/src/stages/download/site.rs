//! A video on a site's page, through `yt-dlp` held to the guard: captions or sound first, then the pictures.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use domain::{
    ErrorCode, Failure, Transcript,
    limits::{MAX_CAPTION_BYTES, MAX_PIXELS},
};
use egress::{Guard, Proxy, ProxyLimits};
use tokio::{fs, io::AsyncReadExt, sync::oneshot};
use url::Url;

use super::{
    Ahead, CONNECT, Download, Downloaded, STAGE, captions,
    info::{self, Info},
    process::{Said, YtDlp},
    refusal,
};
use crate::{
    children::time_for_sound,
    ffmpeg::command::{Arguments, CallError, run},
    temporary::TemporaryFolder,
};

/// The part of the progress bar that goes to the sound where it comes first: about its part of the bytes.
const SOUND_SHARE: f64 = 0.1;
/// Up to 1080 lines, which is what clips are made of, in the codec that is quickest to decode.
const PICTURE_ORDER: &str = "res:1080,vcodec:h264";

/// Fetches the video of a page.
pub(super) async fn fetch(
    what: &Download<'_>,
    guard: Guard,
    url: &Url,
    folder: &Path,
    ahead: oneshot::Sender<Ahead>,
    progress: &mut impl FnMut(f64),
) -> Result<Downloaded, Failure> {
    let site = Site::open(what, guard, folder).await?;
    let info = site.describe(url).await?;
    info.check(&what.limits)?;
    let captions = site.captions(&info, what.language).await?;
    let mut ahead = Some(ahead);
    let mut tell = |news: Ahead| ahead.take().map(|ahead| ahead.send(news));
    if let Some(captions) = captions.clone() {
        tell(Ahead::Captions(captions));
    }
    let video = if info.has_sound_apart() {
        let sound = site.sound(|part| progress(part * SOUND_SHARE)).await?;
        tell(Ahead::Sound(sound.clone()));
        let pictures = site
            .pictures(true, |part| {
                progress(SOUND_SHARE + part * (1.0 - SOUND_SHARE));
            })
            .await?;
        site.join(&pictures, &sound).await?
    } else {
        site.pictures(false, progress).await?
    };
    Ok(Downloaded {
        video,
        title: info.title,
        captions,
    })
}

/// A page being downloaded.
struct Site<'a> {
    what: &'a Download<'a>,
    ytdlp: YtDlp,
    proxy: Proxy,
    folder: &'a Path,
    /// The description of the page, for the later runs.
    info: PathBuf,
    /// Home of the programs; removed when dropped.
    _home: TemporaryFolder,
}

impl<'a> Site<'a> {
    async fn open(what: &'a Download<'a>, guard: Guard, folder: &'a Path) -> Result<Self, Failure> {
        let limits = ProxyLimits {
            max_bytes: what.limits.max_bytes,
            connect: CONNECT,
            ..ProxyLimits::default()
        };
        let proxy = Proxy::start(guard, limits)
            .await
            .map_err(|why| Failure::internal(STAGE, why))?;
        let home = TemporaryFolder::new()
            .map_err(|why| Failure::io(STAGE, &std::env::temp_dir(), &why))?;
        let ytdlp = YtDlp {
            program: program(what, "yt-dlp")?,
            deno: program(what, "deno")?,
            proxy: proxy.url(),
            home: home.path().to_owned(),
            cookies: match what.cookies {
                Some(cookies) => Some(copied(cookies, &home.path().join("cookies.txt")).await?),
                None => None,
            },
            max_bytes: what.limits.max_bytes,
        };
        Ok(Self {
            what,
            ytdlp,
            proxy,
            folder,
            info: home.path().join("info.json"),
            _home: home,
        })
    }

    async fn describe(&self, url: &Url) -> Result<Info, Failure> {
        let described = self.ytdlp.describe(url.as_str()).await?;
        let page = described.map_err(|said| self.refusal(&said))?;
        let (info, value) = info::parse(&page.stdout)?;
        fs::write(&self.info, value.to_string())
            .await
            .map_err(|why| Failure::io(STAGE, &self.info, &why))?;
        Ok(info)
    }

    /// The captions that people made, if there are any that really hold what is said.
    async fn captions(
        &self,
        info: &Info,
        wanted: Option<&str>,
    ) -> Result<Option<Transcript>, Failure> {
        let (Some(language), Some(duration)) = (info.captions_language(wanted), info.duration())
        else {
            return Ok(None);
        };
        let selection = [
            "--skip-download",
            "--write-subs",
            "--sub-langs",
            &pattern(language),
            "--sub-format",
            "vtt/srt",
        ];
        let ended = self
            .ytdlp
            .download(
                &self.info,
                &selection,
                &self.folder.join("captions"),
                |_| {},
            )
            .await?;
        let (Ok(_), Some(path)) = (ended, self.named("captions.").await) else {
            return Ok(None);
        };
        let text = head(&path)
            .await
            .map_err(|why| Failure::io(STAGE, &path, &why))?;
        let read = captions::transcript(&text, language, duration.as_millis() as u64);
        Ok(read
            .inspect_err(|why| {
                tracing::warn!(%why, "the site's captions are not what is said; it is listened to");
            })
            .ok())
    }

    async fn sound(&self, progress: impl FnMut(f64)) -> Result<PathBuf, Failure> {
        self.download("sound", &["--format", "bestaudio"], progress)
            .await
    }

    async fn pictures(&self, apart: bool, progress: impl FnMut(f64)) -> Result<PathBuf, Failure> {
        let format = if apart {
            "bestvideo"
        } else {
            "best/bestvideo*"
        };
        self.download(
            "pictures",
            &["--format", format, "--format-sort", PICTURE_ORDER],
            progress,
        )
        .await
    }

    /// Downloads to a file whose name tells its format, so that another one is never gone on with.
    async fn download(
        &self,
        name: &str,
        selection: &[&str],
        progress: impl FnMut(f64),
    ) -> Result<PathBuf, Failure> {
        let output = self.folder.join(format!("{name}.%(format_id)s.%(ext)s"));
        let ended = self
            .ytdlp
            .download(&self.info, selection, &output, progress)
            .await?;
        let said = ended.map_err(|said| self.refusal(&said))?;
        let file = self.named(&format!("{name}.")).await;
        file.ok_or_else(|| self.refusal(&said))
    }

    /// The whole file whose name begins like this.
    async fn named(&self, prefix: &str) -> Option<PathBuf> {
        let mut files = fs::read_dir(self.folder).await.ok()?;
        while let Ok(Some(file)) = files.next_entry().await {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with(prefix)
                && ![".part", ".ytdl"]
                    .iter()
                    .any(|unfinished| name.ends_with(unfinished))
            {
                return Some(file.path());
            }
        }
        None
    }

    /// Puts pictures and sound into one file, as they are.
    async fn join(&self, pictures: &Path, sound: &Path) -> Result<PathBuf, Failure> {
        let whole = self.folder.join("source.mkv");
        let arguments = Arguments::new()
            .words("-hide_banner -nostdin -loglevel error -y")
            .input(pictures, MAX_PIXELS)
            .input(sound, MAX_PIXELS)
            .words("-map 0:v:0 -map 1:a:0 -c copy")
            .arg(crate::ffmpeg::command::file_url(&whole));
        let failed = |why: CallError| {
            why.at_limit(STAGE).unwrap_or_else(|| {
                let message = format!("pictures and sound cannot be joined: {why}");
                Failure::internal(STAGE, message)
            })
        };
        let time = time_for_sound(self.what.limits.max_duration.as_millis() as u64);
        let ffmpeg = program(self.what, "ffmpeg")?;
        run(&ffmpeg, &arguments, time).await.map_err(failed)?;
        // the sound stays: somebody may be listening to it
        fs::remove_file(pictures)
            .await
            .map_err(|why| Failure::io(STAGE, pictures, &why))?;
        Ok(whole)
    }

    /// Why a run failed: what the proxy saw is surer than what the program says.
    fn refusal(&self, program: &Said) -> Failure {
        if let Some(why) = self.proxy.violation() {
            return refusal::of_egress(&why);
        }
        let said = String::from_utf8_lossy(&program.stdout);
        if said.contains("larger than max-filesize") {
            return refusal::of_egress(&egress::Error::TooLarge {
                limit: self.what.limits.max_bytes,
            });
        }
        refusal::of_site(&program.stderr, self.what.cookies.is_some())
    }
}

/// A file of captions, no further than one byte past the limit.
async fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = fs::File::open(path).await?;
    file.take(MAX_CAPTION_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .await?;
    Ok(text)
}

fn program(what: &Download<'_>, name: &str) -> Result<PathBuf, Failure> {
    let path = what.programs.join(name);
    std::fs::canonicalize(&path).map_err(|_| {
        Failure::setup(
            STAGE,
            format!("{} is missing; run `make setup`", path.display()),
        )
    })
}

/// Copies the user's cookies, which `yt-dlp` would write to, for nobody else to read.
async fn copied(cookies: &Path, to: &Path) -> Result<PathBuf, Failure> {
    let copy = async {
        fs::copy(cookies, to).await?;
        fs::set_permissions(to, std::fs::Permissions::from_mode(0o600)).await
    };
    copy.await.map(|()| to.to_owned()).map_err(|why| {
        Failure::input(
            STAGE,
            ErrorCode::SourceUnavailable,
            format!("{}: {why}", cookies.display()),
        )
    })
}

/// `yt-dlp` takes languages as patterns.
fn pattern(language: &str) -> String {
    language.replace('.', "\\.").replace('+', "\\+")
}

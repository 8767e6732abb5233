//! What can be asked of the command-line tool.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::{
    AspectRatio, ClipOptions, Layout,
    limits::{
        DOWNLOAD_IDLE_SECONDS, DOWNLOAD_TIMEOUT_SECONDS, MAX_PIXELS, MAX_SOURCE_BYTES,
        MAX_SOURCE_SECONDS, MAX_STREAMS,
    },
};

/// Turns a long talk video into short, captioned, scored, vertical clips.
#[derive(Debug, Parser)]
#[command(name = "clipwright", version, about, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print the result, or what went wrong, as JSON on standard output; no progress.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of them in a process"
)]
pub(crate) enum Command {
    #[command(flatten)]
    Tool(Tool),
    /// Follow a job of the service, or all of one's own, as they go on.
    Watch(Watch),
    /// Work on an attempt of the service: what the container runs. The environment says which.
    Task,
}

/// Which jobs are followed, and where.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The job's id.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) job: Option<String>,
    /// All jobs of the owner, until Ctrl-C.
    #[arg(long)]
    pub(crate) all: bool,
    /// Where the service's public API is.
    #[arg(long, value_name = "URL", env = "CLIPWRIGHT_API")]
    pub(crate) api: String,
    /// The user's token.
    #[arg(
        long,
        value_name = "JWT",
        env = "CLIPWRIGHT_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: String,
}

/// What a person runs on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Tool {
    /// Turn a video into clips: all stages in one go.
    Clip(ClipArguments),
    /// Write down what is said in a video or a sound file.
    Transcribe(TranscribeArguments),
    /// Choose the clips from a transcript.
    Plan(PlanArguments),
    /// Make the clips of a plan; those already made from the same are left as they are.
    Render(RenderArguments),
}

/// Arguments of `clipwright clip`.
#[derive(Debug, Args)]
pub(crate) struct ClipArguments {
    /// A file, the address of a video, or the page of a site that shows one.
    pub(crate) source: String,
    /// The folder for clips, transcript and plan; results that still fit are reused.
    #[arg(short, long, allow_hyphen_values = true)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) planner: PlannerOptions,
    #[command(flatten)]
    pub(crate) model: SpeechModelOption,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Arguments of `clipwright transcribe`.
#[derive(Debug, Args)]
pub(crate) struct TranscribeArguments {
    /// A file, the address of a video, or the page of a site that shows one.
    pub(crate) source: String,
    /// Where the transcript goes.
    #[arg(
        short,
        long,
        default_value = "transcript.json",
        allow_hyphen_values = true
    )]
    pub(crate) out: PathBuf,
    /// Language spoken, e.g. `en`; detected if not given.
    #[arg(long)]
    pub(crate) language: Option<String>,
    #[command(flatten)]
    pub(crate) model: SpeechModelOption,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Arguments of `clipwright plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// The transcript.
    pub(crate) transcript: PathBuf,
    /// The video; without it the sound takes no part in the scores.
    #[arg(long)]
    pub(crate) source: Option<PathBuf>,
    /// Where the plan goes.
    #[arg(short, long, default_value = "plan.json", allow_hyphen_values = true)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    pub(crate) planner: PlannerOptions,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Arguments of `clipwright render`.
#[derive(Debug, Args)]
pub(crate) struct RenderArguments {
    /// A file, the address of a video, or the page of a site that shows one.
    pub(crate) source: String,
    /// The plan.
    pub(crate) plan: PathBuf,
    /// The transcript, for the captions; the one beside the plan if not given.
    #[arg(long)]
    pub(crate) transcript: Option<PathBuf>,
    /// The folder for the clips.
    #[arg(short, long, allow_hyphen_values = true)]
    pub(crate) out: PathBuf,
    /// Language of the sound track to use, where the source has several; the default track if not given.
    #[arg(long)]
    pub(crate) language: Option<String>,
    #[command(flatten)]
    pub(crate) rendering: RenderOptions,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Which clips to make, and how.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many clips, 1 to 30.
    #[arg(
        long = "clips",
        visible_alias = "requested-clip-count",
        value_name = "N",
        default_value_t = 5
    )]
    clips: u32,
    /// Shortest clip in seconds, 5 to 180.
    #[arg(long, value_name = "S", default_value_t = 15)]
    min_clip_seconds: u32,
    /// Longest clip in seconds, 5 to 180.
    #[arg(long, value_name = "S", default_value_t = 60)]
    max_clip_seconds: u32,
    /// Language spoken, e.g. `en`; detected if not given.
    #[arg(long)]
    language: Option<String>,
    /// What the clips should be about; several with commas.
    #[arg(long, value_delimiter = ',')]
    topics: Vec<String>,
    /// Cut pauses and filler words out.
    #[arg(long)]
    remove_silences: bool,
    /// First second of the source to consider.
    #[arg(long, value_name = "S")]
    start_seconds: Option<f64>,
    /// Last second of the source to consider.
    #[arg(long, value_name = "S")]
    end_seconds: Option<f64>,
    #[command(flatten)]
    rendering: RenderOptions,
}

/// How the clips are rendered.
#[derive(Debug, Clone, Args)]
pub(crate) struct RenderOptions {
    /// Shape of the clips: 9:16, 1:1, 4:5 or 16:9.
    #[arg(long, default_value_t)]
    pub(crate) aspect_ratio: AspectRatio,
    /// How the picture is laid out: auto, track, split or fit.
    #[arg(long, default_value_t)]
    pub(crate) layout: Layout,
    /// Style of the captions, or `none`.
    #[arg(long, default_value = captions::STYLES[0].name, value_parser = caption_style)]
    pub(crate) captions: String,
}

/// A language model that chooses the clips in place of the embedded scorer. Its key is read from `CLIPWRIGHT_PLANNER_KEY`.
#[derive(Debug, Args)]
pub(crate) struct PlannerOptions {
    /// Address of an OpenAI-compatible endpoint, e.g. `https://host/v1`.
    #[arg(
        long,
        value_name = "URL",
        requires = "planner_model",
        env = "CLIPWRIGHT_PLANNER_URL"
    )]
    pub(crate) planner_url: Option<String>,
    /// Name of the model there.
    #[arg(long, value_name = "NAME", env = "CLIPWRIGHT_PLANNER_MODEL")]
    pub(crate) planner_model: Option<String>,
}

/// What a source may be like.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// Largest source in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = MAX_SOURCE_BYTES)]
    pub(crate) max_bytes: u64,
    /// Longest source in seconds.
    #[arg(long, value_name = "S", default_value_t = MAX_SOURCE_SECONDS)]
    pub(crate) max_source_seconds: u64,
    /// Most pixels in a picture (8K has 33,177,600).
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS)]
    pub(crate) max_pixels: u64,
    /// Most streams in a file.
    #[arg(long, value_name = "N", default_value_t = MAX_STREAMS)]
    pub(crate) max_streams: usize,
    /// Longest time that fetching the source may take, in seconds.
    #[arg(long, value_name = "S", default_value_t = DOWNLOAD_TIMEOUT_SECONDS)]
    pub(crate) download_seconds: u64,
    /// Longest time without anything arriving, in seconds.
    #[arg(long, value_name = "S", default_value_t = DOWNLOAD_IDLE_SECONDS)]
    pub(crate) stall_seconds: u64,
    /// Cookies for a site that asks for them, in Netscape format.
    #[arg(long, value_name = "FILE")]
    pub(crate) cookies: Option<PathBuf>,
    /// Let addresses lead into private networks; for local use only.
    #[arg(long)]
    pub(crate) allow_private_networks: bool,
}

impl Limits {
    /// The limits of a tool that was told nothing about them.
    pub(crate) fn usual() -> Self {
        #[derive(Parser)]
        struct Nothing {
            #[command(flatten)]
            limits: Limits,
        }
        Nothing::parse_from(["clipwright"]).limits
    }
}

/// The speech model.
#[derive(Debug, Args)]
pub(crate) struct SpeechModelOption {
    /// A faster-whisper model folder in place of the one of `make setup`.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
}

impl Options {
    /// The options of the contract.
    pub(crate) fn into_domain(self) -> ClipOptions {
        ClipOptions {
            requested_clip_count: self.clips,
            min_clip_seconds: self.min_clip_seconds,
            max_clip_seconds: self.max_clip_seconds,
            language: self.language,
            topics: self.topics,
            remove_silences: self.remove_silences,
            start_seconds: self.start_seconds,
            end_seconds: self.end_seconds,
            ..self.rendering.into_domain()
        }
    }
}

impl RenderOptions {
    /// The options of the contract, those that do not matter for rendering as they are by default.
    pub(crate) fn into_domain(self) -> ClipOptions {
        ClipOptions {
            aspect_ratio: self.aspect_ratio,
            layout: self.layout,
            captions: self.captions,
            ..ClipOptions::default()
        }
    }
}

fn caption_style(name: &str) -> Result<String, String> {
    if name == "none" || captions::style(name).is_some() {
        return Ok(name.to_owned());
    }
    let names: Vec<_> = captions::STYLES.iter().map(|style| style.name).collect();
    Err(format!("must be none or one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let cli = Cli::parse_from(["clipwright", "clip", "talk.mp4", "--out", "x"]);
        let Command::Tool(Tool::Clip(arguments)) = cli.command else {
            panic!("not clip")
        };
        assert_eq!(arguments.options.into_domain(), ClipOptions::default());
    }
}

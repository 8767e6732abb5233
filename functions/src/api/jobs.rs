//! Jobs as clients see them.

use std::{collections::BTreeMap, time::Duration};

use aws::{Bucket, StoreError};
use domain::{ClipOptions, ClipOutput, Job, Score, ScoreBreakdown, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// How long a link to an object is valid.
const LINK_LIFETIME: Duration = Duration::from_hours(1);

/// A job, for users.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
pub(crate) struct JobView {
    id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `canceled`
    status: &'static str,
    attempt: u32,
    progress_percent: u32,
    progress_stage: Option<String>,
    current_step: String,
    clips_completed: Option<u32>,
    total_clips: Option<u32>,
    source: SourceView,
    #[schema(value_type = Object)]
    options: ClipOptions,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    clips: Vec<ClipView>,
    transcript_url: Option<String>,
    plan_url: Option<String>,
    error_message: Option<String>,
    error_code: Option<String>,
    credits_charged: Option<u64>,
    timings: Option<BTreeMap<String, u64>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobSource)]
struct SourceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    youtube_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_id: Option<String>,
    title: Option<String>,
    duration_ms: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Clip)]
struct ClipView {
    clip_index: u32,
    rank: Option<u32>,
    title: Option<String>,
    summary: Option<String>,
    reason: Option<String>,
    start_ms: Option<u64>,
    end_ms: Option<u64>,
    duration_ms: u64,
    #[schema(value_type = f64)]
    virality_score: Score,
    #[schema(value_type = Option<Object>)]
    score_breakdown: Option<ScoreBreakdown>,
    width: Option<u32>,
    height: Option<u32>,
    /// absent in lists
    #[serde(skip_serializing_if = "Option::is_none")]
    video_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    captions_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobList {
    pub(crate) jobs: Vec<JobView>,
    /// cursor of the next page, `null` on the last
    pub(crate) next_cursor: Option<String>,
}

/// The response to a back end's submission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    job_id: String,
    status: &'static str,
}

/// A job, for back ends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceJob)]
pub(crate) struct ServiceJobView {
    job_id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `canceled`
    status: &'static str,
    attempt: u32,
    progress_percent: u32,
    current_step: String,
    clips_completed: Option<u32>,
    total_clips: Option<u32>,
    error: Option<String>,
    error_code: Option<String>,
    output: Option<ServiceOutput>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
struct ServiceOutput {
    total_clips: usize,
    source_video_title: Option<String>,
    #[schema(value_type = Vec<Object>)]
    clips: Vec<ClipOutput>,
    transcript_url: Option<String>,
    plan_url: Option<String>,
}

impl JobView {
    /// A view without links, for lists and immediate responses.
    pub(crate) fn plain(job: Job) -> Self {
        let clips = job.shown_clips().into_iter().cloned();
        let clips = clips.map(ClipView::plain).collect();
        Self {
            id: job.id.into(),
            status: job.status.name(),
            attempt: job.attempt,
            progress_percent: job.progress_percent,
            progress_stage: job.progress_stage,
            current_step: job.current_step,
            clips_completed: job.clips_completed,
            total_clips: job.total_clips,
            source: SourceView {
                youtube_url: job.source.youtube_url,
                video_url: job.source.video_url,
                upload_id: job.source.upload_id,
                title: job.source.title,
                duration_ms: job.source.duration_ms,
            },
            options: job.options,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            updated_at: job.updated_at,
            clips,
            transcript_url: None,
            plan_url: None,
            error_message: job.error_message,
            error_code: job.error_code,
            credits_charged: job.credits_charged,
            timings: job.timings.map(camel_case),
        }
    }

    /// Its position in a list: id and creation time.
    pub(crate) fn position(&self) -> (String, String) {
        (self.id.clone(), self.created_at.to_string())
    }

    /// Drops the clips and shortens the texts, for a view that would not fit otherwise.
    pub(crate) fn brief(mut self) -> Self {
        self.clips.clear();
        self.timings = None;
        self.current_step = short(&self.current_step);
        for text in [&mut self.error_message, &mut self.source.title] {
            *text = text.as_deref().map(short);
        }
        self
    }

    /// A view with links to every stored object.
    pub(crate) async fn with_links(mut job: Job, bucket: &Bucket) -> Result<Self, StoreError> {
        let linked = linked_clips(&job, bucket).await?;
        let transcript_url = link(bucket, job.transcript_url.take()).await?;
        let plan_url = link(bucket, job.plan_url.take()).await?;
        let mut view = Self::plain(job);
        for (shown, clip) in view.clips.iter_mut().zip(linked) {
            shown.video_url = Some(clip.s3_url);
            shown.captions_url = clip.captions_url;
            shown.thumbnail_url = clip.thumbnail_url;
        }
        Ok(Self {
            transcript_url,
            plan_url,
            ..view
        })
    }
}

impl ClipView {
    fn plain(clip: ClipOutput) -> Self {
        Self {
            clip_index: clip.clip_index,
            rank: clip.rank,
            title: clip.title,
            summary: clip.summary,
            reason: clip.reason,
            start_ms: clip.start_ms,
            end_ms: clip.end_ms,
            duration_ms: clip.duration_ms,
            virality_score: clip.virality_score,
            score_breakdown: clip.score_breakdown,
            width: clip.width,
            height: clip.height,
            video_url: None,
            captions_url: None,
            thumbnail_url: None,
        }
    }
}

impl From<&Job> for Accepted {
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.id.to_string(),
            status: job.status.name(),
        }
    }
}

impl ServiceJobView {
    /// A view with links to every stored object.
    pub(crate) async fn with_links(mut job: Job, bucket: &Bucket) -> Result<Self, StoreError> {
        let clips = linked_clips(&job, bucket).await?;
        let output = ServiceOutput {
            total_clips: clips.len(),
            source_video_title: job.source.title.clone(),
            clips,
            transcript_url: link(bucket, job.transcript_url.take()).await?,
            plan_url: link(bucket, job.plan_url.take()).await?,
        };
        Ok(Self {
            job_id: job.id.into(),
            status: job.status.name(),
            attempt: job.attempt,
            progress_percent: job.progress_percent,
            current_step: job.current_step,
            clips_completed: job.clips_completed,
            total_clips: job.total_clips,
            error: job.error_message,
            error_code: job.error_code,
            output: (!output.clips.is_empty()).then_some(output),
            created_at: job.created_at,
            updated_at: job.updated_at,
        })
    }
}

/// The clips in the order of the source, with links in place of object addresses.
async fn linked_clips(job: &Job, bucket: &Bucket) -> Result<Vec<ClipOutput>, StoreError> {
    let mut clips: Vec<ClipOutput> = job.shown_clips().into_iter().cloned().collect();
    for clip in &mut clips {
        link_clip(clip, bucket).await?;
    }
    Ok(clips)
}

/// Replaces the addresses of a clip's files by links.
pub(crate) async fn link_clip(clip: &mut ClipOutput, bucket: &Bucket) -> Result<(), StoreError> {
    clip.s3_url = link(bucket, Some(std::mem::take(&mut clip.s3_url)))
        .await?
        .unwrap_or_default();
    clip.captions_url = link(bucket, clip.captions_url.take()).await?;
    clip.thumbnail_url = link(bucket, clip.thumbnail_url.take()).await?;
    Ok(())
}

/// Makes a link to an object of our bucket; any other address stays as it is.
pub(crate) async fn link(
    bucket: &Bucket,
    address: Option<String>,
) -> Result<Option<String>, StoreError> {
    let Some(address) = address else {
        return Ok(None);
    };
    match bucket.key_of(&address) {
        Some(key) => bucket.link(key, LINK_LIFETIME).await.map(Some),
        None => Ok(Some(address)),
    }
}

/// `transcribe_ms` as `transcribeMs`.
fn camel_case(timings: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let camel = |name: String| {
        name.strip_suffix("_ms")
            .map_or(name.clone(), |stage| format!("{stage}Ms"))
    };
    timings
        .into_iter()
        .map(|(name, ms)| (camel(name), ms))
        .collect()
}

/// The first thousand characters.
fn short(text: &str) -> String {
    text.chars().take(1000).collect()
}

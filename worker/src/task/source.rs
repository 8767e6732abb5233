//! What a job starts from: its address, or the upload in the bucket, and a plan that a person edited.

use std::path::Path;

use aws::Bucket;
use domain::{ErrorCode, Failure, Job, Stage, keys};

use crate::outputs::failure;

const STAGE: Stage = Stage::Download;

/// The source as the pipeline takes it: an address, or the path of an upload that is brought here.
///
/// # Errors
/// When an upload is gone, or the bucket does not answer.
pub(super) async fn bring(job: &Job, bucket: &Bucket, to: &Path) -> Result<String, Failure> {
    let failed = |why| failure(STAGE, &why);
    if let Some(url) = job.source.url() {
        return Ok(url.to_owned());
    }
    let gone = || {
        Failure::input(
            STAGE,
            ErrorCode::SourceUnavailable,
            "the upload is not there any more",
        )
    };
    let upload = job.source.upload_key.as_deref().ok_or_else(gone)?;
    let extension = upload
        .rsplit_once('.')
        .map_or("mp4", |(_, extension)| extension);
    // a copy of the job's own: uploads expire, and a job is deleted whole
    let own = keys::in_job(&job.id, &keys::source(extension));
    if !bucket.copy(upload, &own).await.map_err(failed)? {
        return Err(gone());
    }
    let file = to.join(format!(
        "{}.{extension}",
        file_name(job.source.title.as_deref())
    ));
    if bucket
        .download(&own, &file)
        .await
        .map_err(failed)?
        .is_none()
    {
        return Err(gone());
    }
    Ok(file.to_string_lossy().into_owned())
}

/// The plan that a person edited.
///
/// # Errors
/// When it is not there, or the bucket does not answer.
pub(super) async fn edited_plan(job: &Job, bucket: &Bucket) -> Result<Option<Vec<u8>>, Failure> {
    let Some(hash) = &job.edited_plan else {
        return Ok(None);
    };
    let plan = bucket
        .read(&keys::in_job(&job.id, &keys::edited_plan(hash)))
        .await;
    let plan = plan.map_err(|why| failure(Stage::Plan, &why))?;
    plan.map(Some)
        .ok_or_else(|| Failure::internal(Stage::Plan, "the edited plan is not there any more"))
}

/// A title as the name of a file, so that the source keeps what it is called.
fn file_name(title: Option<&str>) -> String {
    let plain = |letter: char| {
        if letter.is_control() || "/\\.".contains(letter) {
            ' '
        } else {
            letter
        }
    };
    let name: String = title
        .unwrap_or_default()
        .chars()
        .map(plain)
        .take(60)
        .collect();
    let name = name.trim().to_owned();
    if name.is_empty() || name.starts_with('-') {
        "source".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_a_file_name_that_means_nothing_to_a_shell_or_a_path() {
        assert_eq!(file_name(Some("My talk")), "My talk");
        assert_eq!(file_name(Some("../../etc/passwd")), "etc passwd");
        assert_eq!(file_name(Some("-rf")), "source");
        assert_eq!(file_name(Some("\n\t.")), "source");
        assert_eq!(file_name(None), "source");
        assert_eq!(file_name(Some(&"é".repeat(300))).chars().count(), 60);
    }
}

//! Uploads of sources in parts.

use aws::Upload;
use domain::limits::UPLOAD_PART_BYTES;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewUpload {
    /// name of the file, with a video extension
    #[schema(example = "talk.mp4")]
    pub(crate) file_name: String,
    /// size of the file in bytes
    pub(crate) size_bytes: u64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WantedParts {
    /// numbers of the parts to link, starting at 1
    pub(crate) part_numbers: Vec<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadedParts {
    /// every part, in order
    pub(crate) parts: Vec<UploadedPart>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadedPart {
    /// from 1
    pub(crate) part_number: u32,
    /// `ETag` of the response to the part's PUT
    pub(crate) etag: String,
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload)]
pub(crate) struct UploadView {
    upload_id: String,
    /// size of every part but the last
    part_size_bytes: u64,
    /// number of parts
    part_count: u64,
    complete: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartLinks {
    pub(crate) parts: Vec<PartLink>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartLink {
    pub(crate) part_number: u32,
    /// URL to PUT the part to, valid for an hour
    pub(crate) url: String,
}

impl From<&Upload> for UploadView {
    fn from(upload: &Upload) -> Self {
        Self {
            upload_id: upload.id.clone(),
            part_size_bytes: UPLOAD_PART_BYTES,
            part_count: part_count(upload),
            complete: upload.complete,
        }
    }
}

/// Number of parts of an upload.
pub(crate) fn part_count(upload: &Upload) -> u64 {
    upload.bytes.div_ceil(UPLOAD_PART_BYTES).max(1)
}

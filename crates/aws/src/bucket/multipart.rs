//! Uploads in parts, which their owners send straight to the bucket.

use std::time::Duration;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    types::{CompletedMultipartUpload, CompletedPart},
};

use super::{Bucket, content_type};
use crate::{StoreError, error::sorted};

/// A multipart upload of the bucket.
#[derive(Debug, Clone)]
pub struct Multipart<'a> {
    /// Where the object will lie.
    pub key: &'a str,
    /// The bucket's id of the upload.
    pub id: &'a str,
}

/// A part that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: i32,
    /// What the bucket said when it took the part.
    pub etag: String,
}

impl Bucket {
    /// Begins an upload in parts; gives the bucket's id of it.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn begin(&self, key: &str) -> Result<String, StoreError> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type(key));
        let begun = begun.send().await.map_err(sorted)?;
        begun
            .upload_id
            .ok_or_else(|| StoreError::Refused("an upload without an id".to_owned()))
    }

    /// A link to which a part of this many bytes can be sent for a while.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn part_link(
        &self,
        upload: &Multipart<'_>,
        number: i32,
        bytes: u64,
        valid: Duration,
    ) -> Result<String, StoreError> {
        let config = PresigningConfig::expires_in(valid).map_err(StoreError::unreadable)?;
        let part = self
            .client
            .upload_part()
            .bucket(&self.name)
            .key(upload.key)
            .upload_id(upload.id)
            .part_number(number)
            .content_length(bytes as i64);
        Ok(part
            .presigned(config)
            .await
            .map_err(sorted)?
            .uri()
            .to_owned())
    }

    /// Puts the parts of an upload together and gives its size in bytes; `None` where parts are missing or not as named.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn complete(
        &self,
        upload: &Multipart<'_>,
        parts: &[Part],
    ) -> Result<Option<u64>, StoreError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.number)
                .e_tag(&part.etag)
                .build()
        });
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts.collect()))
            .build();
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(&self.name)
            .key(upload.key)
            .upload_id(upload.id);
        match completed.multipart_upload(parts).send().await {
            Ok(_) => self.size(upload.key).await,
            // completed before, and the answer was lost
            Err(why) if why.code() == Some("NoSuchUpload") => self.size(upload.key).await,
            Err(why) if is_fault_of_parts(&why) => Ok(None),
            Err(why) => Err(sorted(why)),
        }
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        Ok(self
            .head(key)
            .await?
            .map(|head| head.content_length.unwrap_or(0).max(0) as u64))
    }
}

fn is_fault_of_parts<E: ProvideErrorMetadata>(why: &SdkError<E, HttpResponse>) -> bool {
    matches!(
        why.code(),
        Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "MalformedXML")
    )
}

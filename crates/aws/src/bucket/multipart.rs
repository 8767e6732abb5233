//! Multipart uploads, whose parts clients send directly to the bucket.

use std::time::Duration;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    types::{CompletedMultipartUpload, CompletedPart},
};

use super::{Bucket, content_type};
use crate::{StoreError, error::classify};

/// A multipart upload.
#[derive(Debug, Clone)]
pub struct Multipart<'a> {
    /// Key of the object.
    pub key: &'a str,
    /// S3's id of the upload.
    pub id: &'a str,
}

/// An uploaded part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Part number, from 1.
    pub number: i32,
    /// `ETag` that S3 returned for the part.
    pub etag: String,
}

impl Bucket {
    /// Starts a multipart upload; returns its id.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn begin_upload(&self, key: &str) -> Result<String, StoreError> {
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type(key));
        let begun = begun.send().await.map_err(classify)?;
        begun
            .upload_id
            .ok_or_else(|| StoreError::Rejected("S3 returned an upload without an id".to_owned()))
    }

    /// Creates a presigned URL for uploading a part of this many bytes.
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
            .map_err(classify)?
            .uri()
            .to_owned())
    }

    /// Completes an upload and returns its size in bytes; `None` if parts are missing or do not match.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn complete_upload(
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
            // already completed: the response was lost
            Err(why) if why.code() == Some("NoSuchUpload") => self.size(upload.key).await,
            Err(why) if is_invalid_part(&why) => Ok(None),
            Err(why) => Err(classify(why)),
        }
    }

    async fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        Ok(self
            .head(key)
            .await?
            .map(|head| head.content_length.unwrap_or(0).max(0) as u64))
    }
}

fn is_invalid_part<E: ProvideErrorMetadata>(why: &SdkError<E, HttpResponse>) -> bool {
    matches!(
        why.code(),
        Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "MalformedXML")
    )
}

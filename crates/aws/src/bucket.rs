//! The S3 bucket of sources, transcripts, plans and clips.

mod fenced;
mod multipart;
mod revisions;

pub use fenced::{FencedWrite, Provenance};
pub use multipart::{Multipart, Part};

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::{Builder, http::HttpResponse},
    error::{ProvideErrorMetadata, SdkError},
    operation::{
        get_object::GetObjectOutput, head_object::HeadObjectOutput,
        put_object::builders::PutObjectFluentBuilder,
    },
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{Delete, ObjectIdentifier},
};

use crate::{Connection, StoreError, error::classify};

/// An S3 bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    /// Prefix of every object's URL.
    base: String,
}

impl Bucket {
    /// Opens a bucket by its name.
    pub fn new(connection: &Connection, name: impl Into<String>) -> Self {
        let name = name.into();
        let config = Builder::from(&connection.config)
            .force_path_style(connection.is_local)
            .build();
        let region = connection
            .config
            .region()
            .map_or("us-east-1", AsRef::as_ref);
        let in_aws = || format!("https://{name}.s3.{region}.amazonaws.com/");
        let local = |endpoint: &str| format!("{}/{name}/", endpoint.trim_end_matches('/'));
        let base = connection.config.endpoint_url().map_or_else(in_aws, local);
        Self {
            client: Client::from_conf(config),
            name,
            base,
        }
    }

    /// Returns the unsigned URL of an object, as stored in the job record.
    pub fn address(&self, key: &str) -> String {
        format!("{}{key}", self.base)
    }

    /// Returns the key of an object of this bucket by its URL.
    pub fn key_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.base)
    }

    /// Creates a presigned URL for reading an object.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn link(&self, key: &str, valid: Duration) -> Result<String, StoreError> {
        let config = PresigningConfig::expires_in(valid).map_err(StoreError::unreadable)?;
        let request = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .presigned(config)
            .await
            .map_err(classify)?;
        Ok(request.uri().to_owned())
    }

    /// Reads an object; `None` if it does not exist.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(got) = self.get(key).await? else {
            return Ok(None);
        };
        let bytes = got
            .body
            .collect()
            .await
            .map_err(|why| StoreError::Timeout(why.to_string()))?;
        Ok(Some(bytes.to_vec()))
    }

    /// Returns whether an object exists.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.head(key).await?.is_some())
    }

    /// Writes an object and replaces an existing one.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn write(&self, key: &str, content: Vec<u8>) -> Result<(), StoreError> {
        let put = self.put(key, content.into());
        put.send().await.map_err(classify).map(drop)
    }

    /// Writes an object unless it exists; returns whether it was written.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn write_if_absent(&self, key: &str, content: Vec<u8>) -> Result<bool, StoreError> {
        let put = self.put(key, content.into()).if_none_match("*");
        is_written(put).await
    }

    /// Copies an object of at most 5 GiB within the bucket, unless the copy exists; `false` if the original does not exist.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn copy(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        if self.head(to).await?.is_some() {
            return Ok(true);
        }
        let copied = self
            .client
            .copy_object()
            .bucket(&self.name)
            .copy_source(format!("{}/{from}", self.name))
            .key(to);
        Ok(none_if_missing(copied.send().await)?.is_some())
    }

    /// Lists all keys with a prefix.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let objects = page.map_err(classify)?.contents.unwrap_or_default();
            keys.extend(objects.into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    /// Deletes objects.
    ///
    /// # Errors
    /// When the bucket cannot be reached, or an object could not be deleted.
    pub async fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        // maximum of keys in one call
        for chunk in keys.chunks(1000) {
            let objects: Result<Vec<_>, _> = chunk
                .iter()
                .map(|key| ObjectIdentifier::builder().key(key).build())
                .collect();
            let delete = Delete::builder()
                .set_objects(Some(objects.map_err(StoreError::unreadable)?))
                .quiet(true)
                .build();
            let delete = delete.map_err(StoreError::unreadable)?;
            let deleted = self
                .client
                .delete_objects()
                .bucket(&self.name)
                .delete(delete)
                .send()
                .await
                .map_err(classify)?;
            if let Some(error) = deleted.errors().first() {
                return Err(StoreError::Unavailable(format!(
                    "{}: {}",
                    error.key().unwrap_or(""),
                    error.message().unwrap_or("")
                )));
            }
        }
        Ok(())
    }

    fn put(&self, key: &str, body: ByteStream) -> PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type(key))
            .body(body)
    }

    async fn get(&self, key: &str) -> Result<Option<GetObjectOutput>, StoreError> {
        let get = self.client.get_object().bucket(&self.name).key(key);
        none_if_missing(get.send().await)
    }

    async fn head(&self, key: &str) -> Result<Option<HeadObjectOutput>, StoreError> {
        let head = self.client.head_object().bucket(&self.name).key(key);
        none_if_missing(head.send().await)
    }
}

/// Executes a conditional write; `false` if it lost against an existing object or a concurrent write.
async fn is_written(put: PutObjectFluentBuilder) -> Result<bool, StoreError> {
    match put.send().await {
        Ok(_) => Ok(true),
        Err(why) if matches!(status(&why), 412 | 409) => Ok(false),
        // the object that was to be replaced is gone
        Err(why) if is_missing(&why) && why.code() != Some("NoSuchBucket") => Ok(false),
        Err(why) => Err(classify(why)),
    }
}

/// Returns the output of a read; `None` if the object does not exist.
fn none_if_missing<T, E>(
    read: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match read {
        Ok(output) => Ok(Some(output)),
        Err(why) if is_missing(&why) => Ok(None),
        Err(why) => Err(classify(why)),
    }
}

fn is_missing<E>(why: &SdkError<E, HttpResponse>) -> bool {
    status(why) == 404
}

fn status<E>(why: &SdkError<E, HttpResponse>) -> u16 {
    why.raw_response()
        .map_or(0, |response| response.status().as_u16())
}

fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "jpg" => "image/jpeg",
        "vtt" => "text/vtt; charset=utf-8",
        "srt" => "application/x-subrip; charset=utf-8",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

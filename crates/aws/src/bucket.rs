//! The bucket of sources, transcripts, plans and clips.

use std::{path::Path, time::Duration};

use aws_sdk_s3::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    operation::head_object::HeadObjectOutput,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier},
};
use domain::Fingerprint;

use crate::{Connection, StoreError, error::sorted};

const MADE_FROM: &str = "made-from";
const ATTEMPT: &str = "attempt";

/// A bucket by its name.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    /// What every object's address begins with.
    base: String,
}

/// Who made an object, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeBy {
    /// What it was made from.
    pub made_from: Fingerprint,
    /// The attempt that made it.
    pub attempt: u32,
}

/// What became of an object that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is there, written now or by another from the same.
    Yes,
    /// A later attempt has written another one.
    Superseded,
}

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
    /// A bucket by its name.
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

    /// The plain address of an object, as the record has it.
    pub fn address(&self, key: &str) -> String {
        format!("{}{key}", self.base)
    }

    /// The key of an object of ours by its address.
    pub fn key_of<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.base)
    }

    /// A link that lets anybody read an object for a while.
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
            .map_err(sorted)?;
        Ok(request.uri().to_owned())
    }

    /// The content of an object; none where there is no such object.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let got = match self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
        {
            Ok(got) => got,
            Err(why) if is_missing(&why) => return Ok(None),
            Err(why) => return Err(sorted(why)),
        };
        let bytes = got
            .body
            .collect()
            .await
            .map_err(|why| StoreError::Silent(why.to_string()))?;
        Ok(Some(bytes.to_vec()))
    }

    /// Writes an object, in place of what is there.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn write(&self, key: &str, content: Vec<u8>) -> Result<(), StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type(key));
        put.body(content.into())
            .send()
            .await
            .map_err(sorted)
            .map(drop)
    }

    /// Writes an object, unless there is one; `false` if there was.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn write_once(&self, key: &str, content: Vec<u8>) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type(key))
            .if_none_match("*");
        match put.body(content.into()).send().await {
            Ok(_) => Ok(true),
            Err(why) if is_precondition(&why) => Ok(false),
            Err(why) => Err(sorted(why)),
        }
    }

    /// Who made the object that is there.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn made_by(&self, key: &str) -> Result<Option<MadeBy>, StoreError> {
        Ok(self.head(key).await?.map(|head| made_by(&head)))
    }

    /// Keeps a finished file as an object: written once; one made from something else is replaced, unless a later attempt made it.
    /// `fence` is an object that every attempt with outputs of its own writes before them: a later attempt may take what is older
    /// than this one, and then only the fence tells of it.
    ///
    /// # Errors
    /// When the file cannot be read, or the bucket does not answer or refuses.
    pub async fn keep(
        &self,
        key: &str,
        file: &Path,
        by: &MadeBy,
        fence: &str,
    ) -> Result<Kept, StoreError> {
        let mut replaces: Option<String> = None;
        // each round lost means that another worker has written in between
        for _ in 0..5 {
            let body = ByteStream::from_path(file)
                .await
                .map_err(|why| StoreError::Refused(why.to_string()))?;
            let put = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(key)
                .content_type(content_type(key))
                .metadata(MADE_FROM, by.made_from.to_string())
                .metadata(ATTEMPT, by.attempt.to_string())
                .body(body);
            let put = match &replaces {
                None => put.if_none_match("*"),
                Some(etag) => put.if_match(etag),
            };
            match put.send().await {
                Ok(_) => return Ok(Kept::Yes),
                Err(why) if is_precondition(&why) || is_missing(&why) => {}
                Err(why) => return Err(sorted(why)),
            }
            let Some(head) = self.head(key).await? else {
                replaces = None;
                continue;
            };
            let winner = made_by(&head);
            if winner.made_from == by.made_from && winner.attempt >= by.attempt {
                return Ok(Kept::Yes);
            }
            let newest = self.made_by(fence).await?.map_or(0, |last| last.attempt);
            if winner.attempt.max(newest) > by.attempt {
                return Ok(Kept::Superseded);
            }
            replaces = head.e_tag;
        }
        Err(StoreError::Busy(format!(
            "{key}: written by others all the time"
        )))
    }

    /// Brings an object here; `false` where there is none.
    ///
    /// # Errors
    /// When the file cannot be written, or the bucket does not answer or refuses.
    pub async fn fetch(&self, key: &str, file: &Path) -> Result<bool, StoreError> {
        let got = match self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
        {
            Ok(got) => got,
            Err(why) if is_missing(&why) => return Ok(false),
            Err(why) => return Err(sorted(why)),
        };
        let written = async {
            let mut to = tokio::fs::File::create(file).await?;
            tokio::io::copy(&mut got.body.into_async_read(), &mut to).await?;
            to.sync_all().await
        };
        written
            .await
            .map_err(|why: std::io::Error| StoreError::Silent(format!("{key}: {why}")))?;
        Ok(true)
    }

    /// Copies an object within the bucket, unless the copy is there; at most 5 GiB.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
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
        match copied.send().await {
            Ok(_) => Ok(true),
            Err(why) if is_missing(&why) => Ok(false),
            Err(why) => Err(sorted(why)),
        }
    }

    /// All keys that begin with `prefix`.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
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
            let objects = page.map_err(sorted)?.contents.unwrap_or_default();
            keys.extend(objects.into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    /// Takes objects away.
    ///
    /// # Errors
    /// When the bucket does not answer, or leaves one there.
    pub async fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        // the most that one call takes
        for some in keys.chunks(1000) {
            let objects: Result<Vec<_>, _> = some
                .iter()
                .map(|key| ObjectIdentifier::builder().key(key).build())
                .collect();
            let delete = Delete::builder()
                .set_objects(Some(objects.map_err(StoreError::unreadable)?))
                .quiet(true)
                .build();
            let delete = delete.map_err(StoreError::unreadable)?;
            let left = self
                .client
                .delete_objects()
                .bucket(&self.name)
                .delete(delete)
                .send()
                .await
                .map_err(sorted)?;
            if let Some(error) = left.errors().first() {
                return Err(StoreError::Busy(format!(
                    "{}: {}",
                    error.key().unwrap_or(""),
                    error.message().unwrap_or("")
                )));
            }
        }
        Ok(())
    }

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

    /// A link to which a part can be sent for a while.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn part_link(
        &self,
        upload: &Multipart<'_>,
        number: i32,
        valid: Duration,
    ) -> Result<String, StoreError> {
        let config = PresigningConfig::expires_in(valid).map_err(StoreError::unreadable)?;
        let part = self
            .client
            .upload_part()
            .bucket(&self.name)
            .key(upload.key)
            .upload_id(upload.id)
            .part_number(number);
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

    async fn head(&self, key: &str) -> Result<Option<HeadObjectOutput>, StoreError> {
        match self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
        {
            Ok(head) => Ok(Some(head)),
            Err(why) if is_missing(&why) => Ok(None),
            Err(why) => Err(sorted(why)),
        }
    }
}

fn made_by(head: &HeadObjectOutput) -> MadeBy {
    let said = |name: &str| {
        head.metadata()
            .and_then(|metadata| metadata.get(name))
            .map_or("", String::as_str)
    };
    MadeBy {
        made_from: Fingerprint::from_text(said(MADE_FROM)),
        attempt: said(ATTEMPT).parse().unwrap_or(0),
    }
}

fn status<E>(why: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> u16 {
    why.raw_response()
        .map_or(0, |response| response.status().as_u16())
}

fn is_missing<E>(why: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> bool {
    status(why) == 404
}

/// Another one was there first, or is writing at this moment.
fn is_precondition<E>(why: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> bool {
    matches!(status(why), 412 | 409)
}

fn is_fault_of_parts<E: ProvideErrorMetadata>(
    why: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
) -> bool {
    matches!(
        why.code(),
        Some("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "MalformedXML")
    )
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

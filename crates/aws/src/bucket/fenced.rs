//! Fenced writes: an attempt writes an object once, and never replaces the object of a later attempt.

use std::{collections::HashMap, path::Path};

use aws_sdk_s3::primitives::ByteStream;
use domain::Fingerprint;

use super::{Bucket, is_written};
use crate::StoreError;

const MADE_FROM: &str = "made-from";
const ATTEMPT: &str = "attempt";

/// The origin of an object: its inputs and the attempt that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Fingerprint of the object's inputs.
    pub fingerprint: Fingerprint,
    /// Attempt that wrote it.
    pub attempt: u32,
}

/// The result of a fenced write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FencedWrite {
    /// The object exists, written now or by another attempt from the same inputs.
    Written,
    /// A later attempt has taken over.
    Superseded,
}

impl Bucket {
    /// Returns the origin of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// When the bucket cannot be reached or rejects the call.
    pub async fn provenance(&self, key: &str) -> Result<Option<Provenance>, StoreError> {
        Ok(self
            .head(key)
            .await?
            .map(|head| provenance(head.metadata())))
    }

    /// Stores a finished file. An object with other inputs is replaced, unless a later attempt wrote it.
    ///
    /// `fence` is an object that every attempt writes before its other outputs. A later attempt may reuse objects of earlier ones; then
    /// only the fence shows that it exists.
    ///
    /// # Errors
    /// When the file cannot be read, or the bucket cannot be reached or rejects the call.
    pub async fn store_fenced(
        &self,
        key: &str,
        file: &Path,
        by: &Provenance,
        fence: &str,
    ) -> Result<FencedWrite, StoreError> {
        // also if the object does not exist yet: one that the later attempt does not use would never be deleted
        if self.last_attempt(fence).await? > by.attempt {
            return Ok(FencedWrite::Superseded);
        }
        let mut replaces: Option<String> = None;
        // a lost round means that another worker has written meanwhile
        for _ in 0..5 {
            let body = ByteStream::from_path(file)
                .await
                .map_err(|why| StoreError::Rejected(why.to_string()))?;
            let put = self
                .put(key, body)
                .metadata(MADE_FROM, by.fingerprint.to_string())
                .metadata(ATTEMPT, by.attempt.to_string());
            let put = match &replaces {
                None => put.if_none_match("*"),
                Some(etag) => put.if_match(etag),
            };
            if is_written(put).await? {
                return Ok(FencedWrite::Written);
            }
            let Some(head) = self.head(key).await? else {
                replaces = None;
                continue;
            };
            let winner = provenance(head.metadata());
            if winner.fingerprint == by.fingerprint && winner.attempt >= by.attempt {
                return Ok(FencedWrite::Written);
            }
            if winner.attempt.max(self.last_attempt(fence).await?) > by.attempt {
                return Ok(FencedWrite::Superseded);
            }
            replaces = head.e_tag;
        }
        Err(StoreError::Unavailable(format!(
            "{key}: too many concurrent writes"
        )))
    }

    /// Returns the attempt that wrote the fence last.
    async fn last_attempt(&self, fence: &str) -> Result<u32, StoreError> {
        Ok(self.provenance(fence).await?.map_or(0, |last| last.attempt))
    }

    /// Downloads an object to a file and returns its origin; `None` if the object does not exist.
    ///
    /// # Errors
    /// When the file cannot be written, or the bucket cannot be reached or rejects the call.
    pub async fn download(&self, key: &str, file: &Path) -> Result<Option<Provenance>, StoreError> {
        let Some(got) = self.get(key).await? else {
            return Ok(None);
        };
        let by = provenance(got.metadata());
        let written = async {
            let mut to = tokio::fs::File::create(file).await?;
            tokio::io::copy(&mut got.body.into_async_read(), &mut to).await?;
            to.sync_all().await
        };
        written
            .await
            .map_err(|why: std::io::Error| StoreError::Timeout(format!("{key}: {why}")))?;
        Ok(Some(by))
    }
}

fn provenance(metadata: Option<&HashMap<String, String>>) -> Provenance {
    let value = |name: &str| {
        metadata
            .and_then(|metadata| metadata.get(name))
            .map_or("", String::as_str)
    };
    Provenance {
        fingerprint: Fingerprint::from_text(value(MADE_FROM)),
        attempt: value(ATTEMPT).parse().unwrap_or(0),
    }
}

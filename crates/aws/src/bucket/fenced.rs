//! Objects that attempts of a job make: written once, and by no attempt in place of a later one's.

use std::{collections::HashMap, path::Path};

use aws_sdk_s3::primitives::ByteStream;
use domain::Fingerprint;

use super::{Bucket, content_type, is_missing, is_precondition};
use crate::{StoreError, error::sorted};

const MADE_FROM: &str = "made-from";
const ATTEMPT: &str = "attempt";

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

impl Bucket {
    /// Who made the object that is there.
    ///
    /// # Errors
    /// When the bucket does not answer or refuses.
    pub async fn made_by(&self, key: &str) -> Result<Option<MadeBy>, StoreError> {
        Ok(self.head(key).await?.map(|head| made_by(head.metadata())))
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
        // also where nothing is yet: what a later attempt does not want would stay for ever
        if self.newest(fence).await? > by.attempt {
            return Ok(Kept::Superseded);
        }
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
            let winner = made_by(head.metadata());
            if winner.made_from == by.made_from && winner.attempt >= by.attempt {
                return Ok(Kept::Yes);
            }
            if winner.attempt.max(self.newest(fence).await?) > by.attempt {
                return Ok(Kept::Superseded);
            }
            replaces = head.e_tag;
        }
        Err(StoreError::Busy(format!(
            "{key}: written by others all the time"
        )))
    }

    /// The attempt that has written the fence last.
    async fn newest(&self, fence: &str) -> Result<u32, StoreError> {
        Ok(self.made_by(fence).await?.map_or(0, |last| last.attempt))
    }

    /// Brings an object here and says who made it; nothing where there is none.
    ///
    /// # Errors
    /// When the file cannot be written, or the bucket does not answer or refuses.
    pub async fn fetch(&self, key: &str, file: &Path) -> Result<Option<MadeBy>, StoreError> {
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
        let by = made_by(got.metadata());
        let written = async {
            let mut to = tokio::fs::File::create(file).await?;
            tokio::io::copy(&mut got.body.into_async_read(), &mut to).await?;
            to.sync_all().await
        };
        written
            .await
            .map_err(|why: std::io::Error| StoreError::Silent(format!("{key}: {why}")))?;
        Ok(Some(by))
    }
}

fn made_by(metadata: Option<&HashMap<String, String>>) -> MadeBy {
    let said = |name: &str| {
        metadata
            .and_then(|metadata| metadata.get(name))
            .map_or("", String::as_str)
    };
    MadeBy {
        made_from: Fingerprint::from_text(said(MADE_FROM)),
        attempt: said(ATTEMPT).parse().unwrap_or(0),
    }
}

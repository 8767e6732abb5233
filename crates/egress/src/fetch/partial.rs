//! A partially downloaded file, and the record needed to resume it.

use std::path::{Path, PathBuf};

use reqwest::header::{HeaderMap, HeaderValue, IF_RANGE, RANGE};
use serde::{Deserialize, Serialize};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncSeekExt, AsyncWriteExt},
};
use url::Url;

use super::{MediaFile, Progress};
use crate::Error;

/// `video.mp4.part` beside `video.mp4`, with `video.mp4.part.json`.
pub(super) struct Partial {
    path: PathBuf,
    record_path: PathBuf,
    file: File,
    received: u64,
    record: Record,
}

/// The version of the file that the bytes belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    url: String,
    validator: Option<String>,
    total: Option<u64>,
}

impl Partial {
    /// Opens the partial file of the same URL, or creates an empty one.
    pub(super) async fn open(destination: &Path, url: &Url) -> Result<Self, Error> {
        let path = with_suffix(destination, ".part");
        let record_path = with_suffix(destination, ".part.json");
        let found = (fs::read(&record_path).await.ok())
            .and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok())
            .filter(|record| record.url == url.as_str() && record.validator.is_some());
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(found.is_none())
            .write(true)
            .open(&path)
            .await
            .map_err(|why| Error::io(&path, why))?;
        let received =
            (file.seek(std::io::SeekFrom::End(0)).await).map_err(|why| Error::io(&path, why))?;
        let record = found.unwrap_or_else(|| Record {
            url: url.to_string(),
            validator: None,
            total: None,
        });
        Ok(Self {
            path,
            record_path,
            file,
            received,
            record,
        })
    }

    /// Returns headers that request the remainder, if there are bytes of a known version.
    pub(super) fn resume_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let validator = self.record.validator.as_deref().map(HeaderValue::from_str);
        if let (Some(Ok(validator)), 1..) = (validator, self.received) {
            let range = HeaderValue::from_str(&format!("bytes={}-", self.received));
            headers.insert(RANGE, range.expect("digits are allowed in a header"));
            headers.insert(IF_RANGE, validator);
        }
        headers
    }

    /// Returns whether bytes of this version, starting at `from`, continue the file.
    pub(super) fn continues_at(&self, from: u64, validator: Option<&str>) -> bool {
        from == self.received
            && (validator.is_none() || validator == self.record.validator.as_deref())
    }

    /// Discards the bytes and expects a version of `total` bytes.
    pub(super) async fn start_over(
        &mut self,
        validator: Option<String>,
        total: Option<u64>,
    ) -> Result<(), Error> {
        self.record = Record {
            validator,
            total,
            ..self.record.clone()
        };
        self.received = 0;
        let record = serde_json::to_vec(&self.record).expect("plain data can be written as JSON");
        fs::write(&self.record_path, record)
            .await
            .map_err(|why| Error::io(&self.record_path, why))?;
        let emptied = async {
            self.file.set_len(0).await?;
            self.file.rewind().await.map(drop)
        };
        emptied.await.map_err(|why| Error::io(&self.path, why))
    }

    /// Records the file size that a response announced.
    pub(super) fn expect_total(&mut self, total: Option<u64>) {
        self.record.total = total.or(self.record.total);
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        (self.file.write_all(bytes).await).map_err(|why| Error::io(&self.path, why))?;
        self.received += bytes.len() as u64;
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        self.file
            .flush()
            .await
            .map_err(|why| Error::io(&self.path, why))
    }

    /// Fails if the file is, or is announced to be, larger than `limit` bytes.
    pub(super) fn check_size(&self, limit: u64) -> Result<(), Error> {
        if self.received.max(self.record.total.unwrap_or(0)) > limit {
            return Err(Error::TooLarge { limit });
        }
        Ok(())
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            received: self.received,
            total: self.record.total,
        }
    }

    /// Returns whether all bytes are known to be received.
    pub(super) fn is_complete(&self) -> bool {
        self.record.total == Some(self.received)
    }

    /// Returns whether bytes are known to be missing.
    pub(super) fn is_incomplete(&self) -> bool {
        self.record.total.is_some_and(|total| self.received < total)
    }

    /// Moves the complete file to its destination.
    pub(super) async fn finish(mut self, destination: &Path) -> Result<MediaFile, Error> {
        self.flush().await?;
        fs::rename(&self.path, destination)
            .await
            .map_err(|why| Error::io(destination, why))?;
        // harmless without its file, and the next download overwrites it
        let _ = fs::remove_file(&self.record_path).await;
        Ok(MediaFile {
            path: destination.to_owned(),
            bytes: self.received,
        })
    }

    /// Removes the file and its record.
    pub(super) async fn discard(self) -> Result<(), Error> {
        let _ = fs::remove_file(&self.record_path).await;
        fs::remove_file(&self.path)
            .await
            .map_err(|why| Error::io(&self.path, why))
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

//! Uploads in parts: the client sends them to signed URLs of the bucket; the upload's id is ours and bound to the owner.

use std::time::Duration;

use aws::{Multipart, Part, Slots, Upload};
use domain::{
    Owner, is_valid_id, keys,
    limits::{
        MAX_COMPLETION_BYTES, MAX_FILE_NAME_BYTES, MAX_LINKED_PARTS, MAX_OPEN_UPLOADS, MAX_PARTS,
        MAX_SUBMISSION_BYTES, MAX_TITLE_BYTES, MAX_UPLOAD_TITLE_CHARS, UPLOAD_IDLE_S,
        UPLOAD_LIFETIME_S, UPLOAD_PART_BYTES, UPLOAD_RECORD_RETENTION_S,
    },
};
use lambda_http::{Body, Request, Response, http::StatusCode};
use uuid::Uuid;

use super::SubmitJob;
use crate::{
    api::uploads::{
        NewUpload, PartLink, PartLinks, UploadView, UploadedParts, WantedParts, part_count,
    },
    http::{Problem, body, json_response, now, parse},
};

/// How long a link for a part is valid.
const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// How long an upload holds its slot while it is being created.
const CREATION_LEASE_S: u32 = 60;
const EXTENSIONS: [&str; 6] = ["mp4", "mov", "m4v", "mkv", "webm", "ts"];

impl SubmitJob {
    pub(super) async fn begin_upload(
        &self,
        request: &Request,
        owner: Owner,
    ) -> Result<Response<Body>, Problem> {
        let request_body: NewUpload = parse(body(request, MAX_SUBMISSION_BYTES)?)?;
        if request_body.file_name.len() > MAX_FILE_NAME_BYTES {
            return Err(Problem::invalid(
                "fileName",
                format!("must have at most {MAX_FILE_NAME_BYTES} bytes"),
            ));
        }
        let (title, ending) = request_body.file_name.rsplit_once('.').unwrap_or_default();
        let ending = ending.to_ascii_lowercase();
        let extension = EXTENSIONS.into_iter().find(|known| *known == ending);
        let extension = extension.ok_or_else(|| {
            Problem::invalid(
                "fileName",
                format!("must end in one of .{}", EXTENSIONS.join(" .")),
            )
        })?;
        let most = self
            .max_upload_bytes
            .min(MAX_PARTS as u64 * UPLOAD_PART_BYTES);
        if !(1..=most).contains(&request_body.size_bytes) {
            return Err(Problem::invalid(
                "sizeBytes",
                format!("must be from 1 to {most}"),
            ));
        }
        let id = Uuid::now_v7().to_string();
        // a request that dies before the upload exists holds a slot only briefly
        self.hold_slot(&owner, &id, CREATION_LEASE_S).await?;
        let key = keys::upload(&id, extension);
        let begun = now().as_seconds();
        let upload = Upload {
            multipart_id: self.bucket.begin_upload(&key).await?,
            id,
            owner,
            title: domain::text::truncate(
                &title
                    .chars()
                    .take(MAX_UPLOAD_TITLE_CHARS)
                    .collect::<String>(),
                MAX_TITLE_BYTES,
            ),
            key,
            bytes: request_body.size_bytes,
            complete: false,
            usable_until: begun + UPLOAD_LIFETIME_S,
            expires_at: begun + UPLOAD_RECORD_RETENTION_S,
        };
        self.uploads.create(&upload).await?;
        self.hold_slot(&upload.owner, &upload.id, UPLOAD_IDLE_S)
            .await?;
        Ok(json_response(
            StatusCode::CREATED,
            &UploadView::from(&upload),
        ))
    }

    pub(super) async fn link_parts(
        &self,
        request: &Request,
        owner: &Owner,
        id: &str,
    ) -> Result<Response<Body>, Problem> {
        let upload = self.upload(id, owner).await?;
        let request_body: WantedParts = parse(body(request, MAX_SUBMISSION_BYTES)?)?;
        let known = 1..=part_count(&upload);
        let fits = request_body
            .part_numbers
            .iter()
            .all(|number| known.contains(&u64::from(*number)));
        if !fits || !(1..=MAX_LINKED_PARTS).contains(&request_body.part_numbers.len()) {
            let message = format!(
                "must be 1 to {MAX_LINKED_PARTS} part numbers from 1 to {}",
                known.end()
            );
            return Err(Problem::invalid("partNumbers", message));
        }
        if !upload.complete {
            self.hold_slot(owner, id, UPLOAD_IDLE_S).await?;
        }
        let mut parts = Vec::with_capacity(request_body.part_numbers.len());
        for part_number in request_body.part_numbers {
            let bytes = part_bytes(&upload, u64::from(part_number));
            let url = self
                .bucket
                .part_link(
                    &multipart(&upload),
                    part_number as i32,
                    bytes,
                    LINK_LIFETIME,
                )
                .await?;
            parts.push(PartLink { part_number, url });
        }
        Ok(json_response(StatusCode::OK, &PartLinks { parts }))
    }

    pub(super) async fn complete_upload(
        &self,
        request: &Request,
        owner: &Owner,
        id: &str,
    ) -> Result<Response<Body>, Problem> {
        let mut upload = self.upload(id, owner).await?;
        let sent: UploadedParts = parse(body(request, MAX_COMPLETION_BYTES)?)?;
        let count = sent.parts.len() as u64;
        if !(1..=part_count(&upload)).contains(&count) {
            let message = format!("must be 1 to {} parts", part_count(&upload));
            return Err(Problem::invalid("parts", message));
        }
        if !upload.complete {
            let parts: Vec<Part> = sent
                .parts
                .into_iter()
                .map(|part| Part {
                    number: part.part_number as i32,
                    etag: part.etag,
                })
                .collect();
            let bytes = self
                .bucket
                .complete_upload(&multipart(&upload), &parts)
                .await?;
            let wrong = "parts are missing, out of order, or differ from the uploaded ones";
            let bytes = bytes.ok_or_else(|| Problem::invalid("parts", wrong))?;
            if bytes != upload.bytes {
                self.bucket
                    .delete(std::slice::from_ref(&upload.key))
                    .await?;
                self.shares
                    .release(&upload_slots(owner), &upload.id)
                    .await?;
                let message = format!(
                    "have {bytes} bytes in total, not the announced {}; start a new upload",
                    upload.bytes
                );
                return Err(Problem::invalid("parts", message));
            }
            self.uploads.complete(&upload).await?;
            upload.complete = true;
        }
        self.shares
            .release(&upload_slots(owner), &upload.id)
            .await?;
        Ok(json_response(StatusCode::OK, &UploadView::from(&upload)))
    }

    /// Holds a slot of the owner for an upload for this many seconds.
    async fn hold_slot(&self, owner: &Owner, id: &str, seconds: u32) -> Result<(), Problem> {
        let now_ms = now().as_ms();
        let until_ms = now_ms + i64::from(seconds) * 1000;
        let slots = upload_slots(owner);
        if self.shares.acquire(&slots, id, now_ms, until_ms).await? {
            Ok(())
        } else {
            Err(Problem::TooManyUploads(MAX_OPEN_UPLOADS))
        }
    }

    async fn upload(&self, id: &str, owner: &Owner) -> Result<Upload, Problem> {
        let upload = if is_valid_id(id) {
            self.uploads.get(id, owner, now().as_seconds()).await?
        } else {
            None
        };
        upload.ok_or(Problem::NotFound("upload"))
    }
}

/// The slots of uploads that are not complete.
fn upload_slots(owner: &Owner) -> Slots<'_> {
    Slots {
        purpose: "uploads",
        owner,
        count: MAX_OPEN_UPLOADS,
    }
}

/// Size of a part; the last has the rest.
fn part_bytes(upload: &Upload, number: u64) -> u64 {
    UPLOAD_PART_BYTES.min(
        upload
            .bytes
            .saturating_sub((number - 1) * UPLOAD_PART_BYTES),
    )
}

fn multipart(upload: &Upload) -> Multipart<'_> {
    Multipart {
        key: &upload.key,
        id: &upload.multipart_id,
    }
}

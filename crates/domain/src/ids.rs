//! Names of jobs and of those they belong to, parsed once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::limits::MAX_ID_CHARS;

/// The id of a job: 1 to 64 of `A-Z a-z 0-9 _ -`; those made here are UUIDs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// The text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_ID_CHARS} letters, digits, `_` or `-`")]
pub struct InvalidId;

impl JobId {
    /// A new id; version 7 of `UUIDs` begins with the time, so that ids sort by it.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }

    /// The id that one owner's idempotency key always leads to: a `UUIDv8` of SHA-256 over both.
    pub fn from_idempotency_key(owner: &Owner, key: &str) -> Self {
        let mut hash = Sha256::new();
        // the length tells ("ab", "c") from ("a", "bc")
        hash.update((owner.0.len() as u64).to_be_bytes());
        hash.update(owner.0.as_bytes());
        hash.update(key.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self::new(Uuid::new_v8(bytes))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text can be the id of a job, an upload or a message: nothing in it means anything to a path, a key or a header.
pub fn is_valid_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_ID_CHARS).contains(&text.len()) && text.bytes().all(plain)
}

impl FromStr for JobId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        is_valid_id(text)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidId)
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a job belongs to. A user and a tenant of the same name are two owners.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// A person, by the `sub` of the token.
    pub fn user(subject: &str) -> Self {
        Self(format!("user:{subject}"))
    }

    /// A back end, by the tenant of its key.
    pub fn tenant(name: &str) -> Self {
        Self(format!("tenant:{name}"))
    }

    /// The person's own id, the `sub` of the token; a back end has none.
    pub fn user_id(&self) -> Option<&str> {
        self.0.strip_prefix("user:")
    }

    /// Whether it is a back end.
    pub fn is_tenant(&self) -> bool {
        self.0.starts_with("tenant:")
    }

    /// The owner as the record has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One start of the worker for a job. It names the execution and the folder of the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptId {
    /// The job.
    pub job_id: JobId,
    /// Counted from 1.
    pub attempt: u32,
}

impl AttemptId {
    /// Attempts are counted from 1.
    pub fn is_valid(&self) -> bool {
        self.attempt > 0
    }

    /// Takes a name written by [`fmt::Display`] back.
    pub fn from_name(name: &str) -> Option<Self> {
        let (job_id, attempt) = name.rsplit_once('-')?;
        let attempt = attempt.parse().ok().filter(|&number| number > 0)?;
        Some(Self {
            job_id: job_id.parse().ok()?,
            attempt,
        })
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job_id, self.attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_mean_nothing_to_a_path() {
        for bad in [
            "",
            "../x",
            "a/b",
            "a.b",
            "é",
            "a b",
            &"x".repeat(MAX_ID_CHARS + 1),
        ] {
            assert!(bad.parse::<JobId>().is_err(), "{bad}");
        }
        assert!("x".repeat(MAX_ID_CHARS).parse::<JobId>().is_ok());
        assert!(
            "550e8400-e29b-41d4-a716-446655440000"
                .parse::<JobId>()
                .is_ok()
        );
    }

    #[test]
    fn a_key_leads_to_one_job_of_one_owner() {
        let (ann, bob) = (Owner::user("ann"), Owner::user("bob"));
        assert_eq!(
            JobId::from_idempotency_key(&ann, "k"),
            JobId::from_idempotency_key(&ann, "k")
        );
        assert_ne!(
            JobId::from_idempotency_key(&ann, "k"),
            JobId::from_idempotency_key(&bob, "k")
        );
        assert_ne!(
            JobId::from_idempotency_key(&ann, "k"),
            JobId::from_idempotency_key(&Owner::tenant("ann"), "k")
        );
        assert_ne!(
            JobId::from_idempotency_key(&Owner::user("a"), "bc"),
            JobId::from_idempotency_key(&Owner::user("ab"), "c")
        );
        assert_eq!(
            JobId::from_idempotency_key(&ann, "k").as_str().as_bytes()[14],
            b'8'
        );
    }

    #[test]
    fn an_attempt_is_known_by_its_name() {
        let attempt = AttemptId {
            job_id: "a-1-b".parse().unwrap(),
            attempt: 12,
        };
        assert_eq!(AttemptId::from_name(&attempt.to_string()), Some(attempt));
        assert!(AttemptId::from_name("a-0").is_none());
        assert!(AttemptId::from_name("nothing").is_none());
    }
}

//! Ids of jobs, owners and attempts, parsed once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::limits::MAX_ID_CHARS;

/// The id of a job: 1 to 64 of `A-Z a-z 0-9 _ -`; generated ids are UUIDs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

/// The text is not a valid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_ID_CHARS} letters, digits, `_` or `-`")]
pub struct InvalidId;

impl JobId {
    /// Creates an id from a UUID; `UUIDv7` starts with the time, so that ids sort by creation.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }

    /// Derives the id of an owner's idempotency key: a `UUIDv8` of SHA-256 over both.
    pub fn from_idempotency_key(owner: &Owner, key: &str) -> Self {
        let mut hash = Sha256::new();
        // the length distinguishes ("ab", "c") from ("a", "bc")
        hash.update((owner.0.len() as u64).to_be_bytes());
        hash.update(owner.0.as_bytes());
        hash.update(key.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self::new(Uuid::new_v8(bytes))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a text can be the id of a job, an upload or a message: it has no character with a meaning in paths, keys or headers.
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

/// The owner of a job. A user and a tenant of the same name are different owners.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// A user, by the `sub` claim of the token.
    pub fn user(subject: &str) -> Self {
        Self(format!("user:{subject}"))
    }

    /// A back end, by the tenant of its API key.
    pub fn tenant(name: &str) -> Self {
        Self(format!("tenant:{name}"))
    }

    /// Returns the user's id, the `sub` claim of the token; `None` for a back end.
    pub fn user_id(&self) -> Option<&str> {
        self.0.strip_prefix("user:")
    }

    /// Returns whether the owner is a back end.
    pub fn is_tenant(&self) -> bool {
        self.0.starts_with("tenant:")
    }

    /// Returns the owner as it is stored in the record.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One attempt at a job. It names the execution and the folder of the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptId {
    /// The job.
    pub job_id: JobId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

impl AttemptId {
    /// Returns whether the number is valid: attempts count from 1.
    pub fn is_valid(&self) -> bool {
        self.attempt > 0
    }

    /// Parses a name written by [`fmt::Display`].
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
    fn ids_contain_no_path_characters() {
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
    fn an_idempotency_key_gives_one_id_per_owner() {
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
    fn attempt_names_round_trip() {
        let attempt = AttemptId {
            job_id: "a-1-b".parse().unwrap(),
            attempt: 12,
        };
        assert_eq!(AttemptId::from_name(&attempt.to_string()), Some(attempt));
        assert!(AttemptId::from_name("a-0").is_none());
        assert!(AttemptId::from_name("nothing").is_none());
    }
}

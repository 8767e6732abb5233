//! Bodies of submissions, camelCase from users and `snake_case` from back ends, and their validation.

use domain::{
    AspectRatio, ClipOptions, JobSource, Labels, Layout, Owner, Submission,
    limits::{MAX_LABEL_BYTES, MAX_URL_BYTES},
    number::whole_opt,
};
use egress::Guard;
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use crate::http::Problem;

/// Defines a body with the shared options in one letter case, plus the fields of one kind of caller. The case is passed as a token because
/// utoipa
/// ignores a literal.
macro_rules! submission {
    ($(#[$doc:meta])* $name:ident, $case:tt, { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, ToSchema)]
        #[serde(rename_all = $case)]
        pub(crate) struct $name {
            $($own)*
            /// URL of a video, or of a page that shows one
            video_url: Option<String>,
            /// id of one of the caller's completed uploads
            upload_id: Option<String>,
            /// URL that receives the job's events
            callback_url: Option<String>,
            /// shortest clip in seconds, 15 if absent
            #[serde(default, deserialize_with = "whole_opt")]
            min_clip_seconds: Option<u32>,
            /// longest clip in seconds, 60 if absent
            #[serde(default, deserialize_with = "whole_opt")]
            max_clip_seconds: Option<u32>,
            /// `9:16` if absent, or `1:1`, `4:5`, `16:9`
            #[schema(value_type = Option<String>)]
            aspect_ratio: Option<AspectRatio>,
            /// `auto` if absent, or `track`, `split`, `fit`
            #[schema(value_type = Option<String>)]
            layout: Option<Layout>,
            /// BCP 47 tag of the language spoken; detected if absent
            language: Option<String>,
            /// what the clips should be about
            topics: Option<Vec<String>>,
            /// name of a caption style, or `none`
            captions: Option<String>,
            /// cut out pauses and filler words
            remove_silences: Option<bool>,
            /// first second of the source to consider
            start_seconds: Option<f64>,
            /// last second of the source to consider
            end_seconds: Option<f64>,
        }

        impl $name {
            fn options(&self, clips: Option<u32>) -> ClipOptions {
                let default = ClipOptions::default();
                ClipOptions {
                    requested_clip_count: clips.unwrap_or(default.requested_clip_count),
                    min_clip_seconds: self.min_clip_seconds.unwrap_or(default.min_clip_seconds),
                    max_clip_seconds: self.max_clip_seconds.unwrap_or(default.max_clip_seconds),
                    aspect_ratio: self.aspect_ratio.unwrap_or_default(),
                    layout: self.layout.unwrap_or_default(),
                    language: self.language.clone(),
                    topics: self.topics.clone().unwrap_or_default(),
                    captions: self.captions.clone().unwrap_or(default.captions),
                    remove_silences: self.remove_silences.unwrap_or_default(),
                    start_seconds: self.start_seconds,
                    end_seconds: self.end_seconds,
                }
            }
        }
    };
}

submission! {
    /// A user's submission, with exactly one source.
    UserSubmission, "camelCase", {
        /// URL of a `YouTube` video
        youtube_url: Option<String>,
        /// number of clips, 5 if absent
        #[serde(default, deserialize_with = "whole_opt")]
        requested_clip_count: Option<u32>,
    }
}

submission! {
    /// A back end's submission, with exactly one source.
    ServiceSubmission, "snake_case", {
        /// the caller's id of the job, repeated in its callbacks
        external_job_id: Option<String>,
        /// the caller's id of the user, repeated in its callbacks
        owner_user_id: Option<String>,
        /// number of clips, 5 if absent
        #[serde(default, deserialize_with = "whole_opt")]
        max_clips: Option<u32>,
    }
}

/// The letter case of the field names in a caller's errors.
#[derive(Clone, Copy)]
enum Spelling {
    Camel,
    Snake,
}

impl Spelling {
    fn of(self, camel: &str) -> String {
        match self {
            Self::Camel => camel.to_owned(),
            Self::Snake if camel == "requestedClipCount" => "max_clips".to_owned(),
            Self::Snake => camel
                .chars()
                .flat_map(|letter| {
                    let upper = letter.is_ascii_uppercase();
                    upper
                        .then_some('_')
                        .into_iter()
                        .chain([letter.to_ascii_lowercase()])
                })
                .collect(),
        }
    }
}

impl UserSubmission {
    /// Validates every field.
    pub(crate) fn check(
        self,
        owner: Owner,
        body_sha256: Option<String>,
        sources: &Guard,
    ) -> Result<Submission, Problem> {
        let options = self.options(self.requested_clip_count);
        let source = source(
            (Spelling::Camel, sources),
            self.youtube_url,
            self.video_url,
            self.upload_id,
        )?;
        let labels = Labels::default();
        checked(
            Spelling::Camel,
            Submission {
                owner,
                source,
                options,
                body_sha256,
                callback_url: self.callback_url,
                labels,
            },
        )
    }
}

impl ServiceSubmission {
    /// Validates every field.
    pub(crate) fn check(
        self,
        owner: Owner,
        body_sha256: Option<String>,
        sources: &Guard,
    ) -> Result<Submission, Problem> {
        let options = self.options(self.max_clips);
        let source = source(
            (Spelling::Snake, sources),
            None,
            self.video_url,
            self.upload_id,
        )?;
        let labels = Labels {
            external_job_id: self.external_job_id,
            owner_user_id: self.owner_user_id,
        };
        for (name, label) in [
            ("external_job_id", &labels.external_job_id),
            ("owner_user_id", &labels.owner_user_id),
        ] {
            if label
                .as_ref()
                .is_some_and(|label| label.len() > MAX_LABEL_BYTES)
            {
                return Err(Problem::invalid(
                    name,
                    format!("must have at most {MAX_LABEL_BYTES} bytes"),
                ));
            }
        }
        checked(
            Spelling::Snake,
            Submission {
                owner,
                source,
                options,
                body_sha256,
                callback_url: self.callback_url,
                labels,
            },
        )
    }
}

fn checked(spelling: Spelling, submission: Submission) -> Result<Submission, Problem> {
    submission
        .options
        .check()
        .map_err(|wrong| Problem::invalid(spelling.of(wrong.field), wrong.what))?;
    if let Some(url) = &submission.callback_url {
        web_address(&spelling.of("callbackUrl"), url)?;
    }
    Ok(submission)
}

fn source(
    (spelling, allowed): (Spelling, &Guard),
    youtube_url: Option<String>,
    video_url: Option<String>,
    upload_id: Option<String>,
) -> Result<JobSource, Problem> {
    let given = [&youtube_url, &video_url, &upload_id]
        .into_iter()
        .flatten()
        .count();
    if given != 1 {
        let names = match spelling {
            Spelling::Camel => "youtubeUrl, videoUrl and uploadId",
            Spelling::Snake => "video_url and upload_id",
        };
        return Err(Problem::invalid(
            spelling.of("videoUrl"),
            format!("give exactly one of {names}, not {given}"),
        ));
    }
    for (name, url) in [("youtubeUrl", &youtube_url), ("videoUrl", &video_url)] {
        if let Some(url) = url {
            let field = spelling.of(name);
            let url = web_address(&field, url)?;
            let checked = allowed.check(&url);
            checked.map_err(|why| Problem::invalid(field, why.to_string()))?;
        }
    }
    Ok(JobSource {
        youtube_url,
        video_url,
        upload_id,
        upload_key: None,
        title: None,
        duration_ms: None,
    })
}

/// Parses an http(s) URL with a host. What its name resolves to is checked when it is fetched.
fn web_address(field: &str, text: &str) -> Result<Url, Problem> {
    let wrong = |what: &str| Err(Problem::invalid(field, what));
    if text.len() > MAX_URL_BYTES {
        return wrong(&format!("must have at most {MAX_URL_BYTES} bytes"));
    }
    match Url::parse(text) {
        // the normalised form is the one that is dialled, and it may be three times as long
        Ok(url) if url.as_str().len() > MAX_URL_BYTES => {
            wrong(&format!("must have at most {MAX_URL_BYTES} bytes"))
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => wrong("must be an http:// or https:// address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parse;

    fn public() -> Guard {
        Guard::new(false)
    }

    fn user(body: &str) -> Result<Submission, Problem> {
        parse::<UserSubmission>(body.as_bytes())?.check(Owner::user("ann"), None, &public())
    }

    fn field(body: &str) -> String {
        match user(body) {
            Err(Problem::Invalid { field, .. }) => field.unwrap_or_default(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn legacy_submission_bodies_are_accepted() {
        let submission = user(r#"{"youtubeUrl": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "requestedClipCount": 1}"#).unwrap();
        assert_eq!(
            submission.options,
            ClipOptions {
                requested_clip_count: 1,
                ..ClipOptions::default()
            }
        );
        let body = br#"{"video_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "callback_url": "https://webhook.site/your-unique-id", "external_job_id": "test-123", "max_clips": 1}"#;
        let submission = parse::<ServiceSubmission>(body)
            .unwrap()
            .check(Owner::tenant("acme"), None, &public())
            .unwrap();
        assert_eq!(
            submission.labels.external_job_id.as_deref(),
            Some("test-123")
        );
        assert_eq!(submission.options.requested_clip_count, 1);
    }

    #[test]
    fn whole_numbers_are_accepted_in_any_notation() {
        let count = |number: &str| {
            user(&format!(
                r#"{{"videoUrl": "https://x.test", "requestedClipCount": {number}, "minClipSeconds": 2e1}}"#
            ))
        };
        for number in ["5", "5.0", "0.5e1"] {
            let options = count(number).unwrap().options;
            assert_eq!(
                (options.requested_clip_count, options.min_clip_seconds),
                (5, 20)
            );
        }
        for number in ["5.5", "-5", "1e99", r#""5""#, "true"] {
            assert!(count(number).is_err(), "{number}");
        }
    }

    #[test]
    fn private_source_addresses_are_rejected() {
        for host in [
            "localhost",
            "media.localhost.",
            "127.1",
            "0x7f000001",
            "10.0.0.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "ann:secret@x.test",
            "ann@x.test",
        ] {
            for name in ["youtubeUrl", "videoUrl"] {
                let body = format!(r#"{{"{name}": "https://{host}/v.mp4"}}"#);
                assert_eq!(field(&body), name, "{host}");
                let parsed = parse::<UserSubmission>(body.as_bytes()).unwrap();
                let checked = parsed.check(Owner::user("ann"), None, &Guard::new(true));
                assert_eq!(checked.is_ok(), !host.contains('@'), "{host}");
            }
        }
    }

    #[test]
    fn texts_stand_at_their_limits() {
        let url = |bytes| {
            format!(
                "https://x.test/{}",
                "v".repeat(bytes - "https://x.test/".len())
            )
        };
        for (bytes, is_wrong) in [(MAX_URL_BYTES, false), (MAX_URL_BYTES + 1, true)] {
            let url = url(bytes);
            for name in ["youtubeUrl", "videoUrl"] {
                let checked = user(&format!(r#"{{"{name}": "{url}"}}"#));
                assert_eq!(checked.is_err(), is_wrong, "{name}: {bytes}");
            }
            let called = format!(r#"{{"videoUrl": "https://x.test", "callbackUrl": "{url}"}}"#);
            assert_eq!(user(&called).is_err(), is_wrong, "callbackUrl: {bytes}");
        }
        for (bytes, is_wrong) in [(MAX_LABEL_BYTES, false), (MAX_LABEL_BYTES + 1, true)] {
            for name in ["external_job_id", "owner_user_id"] {
                let body = format!(
                    r#"{{"video_url": "https://x.test", "{name}": "{}"}}"#,
                    "l".repeat(bytes)
                );
                let submission = parse::<ServiceSubmission>(body.as_bytes()).unwrap();
                let checked = submission.check(Owner::tenant("acme"), None, &public());
                assert_eq!(checked.is_err(), is_wrong, "{name}: {bytes}");
            }
        }
    }

    #[test]
    fn errors_name_fields_in_the_callers_case() {
        let source = r#""videoUrl": "https://x.test/v.mp4""#;
        assert_eq!(field("{}"), "videoUrl");
        assert_eq!(
            field(r#"{"videoUrl": "https://x.test", "uploadId": "u"}"#),
            "videoUrl"
        );
        assert_eq!(
            field(r#"{"youtubeUrl": "file:///etc/passwd"}"#),
            "youtubeUrl"
        );
        assert_eq!(
            field(&format!(r#"{{{source}, "requestedClipCount": 31}}"#)),
            "requestedClipCount"
        );
        assert_eq!(
            field(&format!(r#"{{{source}, "requestedClipCount": "5"}}"#)),
            "requestedClipCount"
        );
        assert_eq!(
            field(&format!(r#"{{{source}, "aspectRatio": "2:1"}}"#)),
            "aspectRatio"
        );
        assert_eq!(
            field(&format!(r#"{{{source}, "captions": "comic"}}"#)),
            "captions"
        );
        assert_eq!(
            field(&format!(r#"{{{source}, "language": "english"}}"#)),
            "language"
        );
        assert_eq!(
            field(&format!(r#"{{{source}, "endSeconds": 0}}"#)),
            "endSeconds"
        );
        let snake =
            parse::<ServiceSubmission>(br#"{"video_url": "https://x.test", "max_clips": 0}"#)
                .unwrap();
        let wrong = snake
            .check(Owner::tenant("acme"), None, &public())
            .unwrap_err();
        assert!(
            matches!(wrong, Problem::Invalid { field: Some(field), .. } if field == "max_clips")
        );
    }
}

//! Signatures of events: valid ones by a current secret within five minutes are accepted, and no other reaches the store.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use functions::ingest_webhook::IngestWebhook;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    cloud::Cloud,
    requests::{Answer, Call, event, raw_event, send_event},
    samples::{self, SECRET},
};

pub(crate) const OTHER: &str = "whsec_b3RoZXItc2VjcmV0LW9mLTMyLWJ5dGVzLWxvbmchISE=";
pub(crate) const STORED: &str = "webhook-secret";

/// An account with a running job and the function.
pub(crate) struct Fixture {
    pub(crate) cloud: Cloud,
    pub(crate) ingest: IngestWebhook,
    body: Value,
}

impl Fixture {
    pub(crate) async fn new(secret: &str) -> Self {
        let cloud = Cloud::start().await;
        cloud.front.secrets.set(STORED, secret_of(&[SECRET]));
        let id = cloud.running("job-1").await;
        Self {
            ingest: cloud.ingest_webhook_of(secret).await,
            body: samples::event(&id, "job.progress", 1, 1, 10),
            cloud,
        }
    }

    pub(crate) fn call(&self) -> Call {
        event(&self.body)
    }

    /// Asserts the response to an invalid signature: always the same, with no store called.
    pub(crate) async fn refuses(&self, call: &Call) {
        let before = self.cloud.records();
        self.cloud.front.calls();
        let told: Answer = send_event!(self.ingest, call);
        let said = json!({"error": {"code": "unauthorized", "message": "the credentials are missing or invalid"}});
        assert_eq!((told.status, told.body), (401, said), "{call:?}");
        assert_eq!(self.cloud.front.calls(), Vec::<String>::new());
        assert_eq!(self.cloud.records(), before);
    }

    pub(crate) async fn takes(&self, call: &Call) {
        let told = send_event!(self.ingest, call);
        assert_eq!(told.status, 200, "{told:?} {call:?}");
    }
}

/// The name of a stored secret that holds these secrets.
pub(crate) fn secret_of(secrets: &[&str]) -> String {
    let bare = |secret: &&str| secret.trim_start_matches("whsec_").to_owned();
    let secrets: Vec<String> = secrets.iter().map(bare).collect();
    match &secrets[..] {
        [current] => json!({"current": current}).to_string(),
        [current, previous] => json!({"current": current, "previous": previous}).to_string(),
        _ => unreachable!("one or two"),
    }
}

/// A signature over exactly these texts.
fn signature(id: &str, time: &str, body: &str) -> String {
    let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.expect("base64")).expect("a key");
    mac.update(format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn with(call: Call, id: &str, time: &str, signature: &str) -> Call {
    call.header("webhook-id", id)
        .header("webhook-timestamp", time)
        .header("webhook-signature", signature)
}

/// The current time, early in its second.
async fn early_in_a_second() -> i64 {
    loop {
        let now = functions::now();
        if now.as_ms() % 1000 < 300 {
            return now.as_seconds();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn only_a_valid_signature_is_accepted() {
    let fixture = Fixture::new(SECRET).await;
    let now = functions::now();
    let time = now.as_seconds().to_string();
    let body = fixture.body.to_string();
    let good = signature("msg_1", &time, &body);
    fixture
        .takes(&with(fixture.call(), "msg_1", &time, &good))
        .await;
    fixture.takes(&fixture.call().signed()).await;

    let mut wrong = good.clone().into_bytes();
    wrong[10] ^= 1;
    let wrong = String::from_utf8(wrong).expect("text");
    for bad in [
        wrong.as_str(),
        &good[..good.len() - 1],
        &good[..good.len() - 4],
        &good[..20],
        &good[3..],
        "v1,",
        "v1",
        "",
        " ",
        &good.replace("v1,", "v2,"),
        &good.replace("v1,", "v1a,"),
        &good.replace("v1,", "V1,"),
        &format!("{good}AAAA"),
        &signature("msg_2", &time, &body),
        &signature("msg_1", &time, ""),
        &signature("msg_1", &(now.as_seconds() + 1).to_string(), &body),
        &format!("{}{good}", "v1,AAAA ".repeat(1000)),
    ] {
        fixture
            .refuses(&with(fixture.call(), "msg_1", &time, bad))
            .await;
    }
    fixture
        .refuses(&fixture.call().signed_with(OTHER, "msg_1", now))
        .await;
    fixture.refuses(&fixture.call()).await;
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        fixture
            .refuses(&fixture.call().signed().without(header))
            .await;
        fixture
            .refuses(&fixture.call().signed().header(header, ""))
            .await;
    }
    for several in [format!("v1,AAAA v1a,zz {good}"), format!("{good} {wrong}")] {
        fixture
            .takes(&with(fixture.call(), "msg_1", &time, &several))
            .await;
    }
}

#[tokio::test]
async fn the_signature_covers_the_exact_bytes() {
    let fixture = Fixture::new(SECRET).await;
    let now = functions::now();
    let time = now.as_seconds().to_string();
    // as our worker writes it, and as a proxy that parses and rewrites it
    let signed = r#"{"job_id":"job-1",  "event":"job.progress","timestamp":"2024-11-28T10:30:00Z","status":"running","progress_percent":1,"current_step":"\u00e9"}"#;
    let again: Value = serde_json::from_str(signed).expect("JSON");
    let good = signature("msg_1", &time, signed);
    fixture
        .takes(&with(raw_event(signed), "msg_1", &time, &good))
        .await;
    fixture
        .takes(&with(raw_event(signed).base64(), "msg_1", &time, &good))
        .await;
    for other in [
        again.to_string(),
        format!("{signed}\n"),
        signed.replace("\\u00e9", "é"),
    ] {
        fixture
            .refuses(&with(raw_event(other.clone()), "msg_1", &time, &good))
            .await;
        fixture
            .refuses(&with(raw_event(other).base64(), "msg_1", &time, &good))
            .await;
    }
    // the signature covers the body, not its base64
    let encoded = BASE64_STANDARD.encode(signed);
    let of_encoded = signature("msg_1", &time, &encoded);
    fixture
        .refuses(&with(
            raw_event(signed).base64(),
            "msg_1",
            &time,
            &of_encoded,
        ))
        .await;
}

#[tokio::test]
async fn five_minutes_are_tolerated_and_not_a_second_more() {
    let fixture = Fixture::new(SECRET).await;
    let body = fixture.body.to_string();
    for (off, is_fine) in [
        (-300, true),
        (300, true),
        (-301, false),
        (301, false),
        (0, true),
    ] {
        let time = (early_in_a_second().await + off).to_string();
        let call = with(
            fixture.call(),
            "msg_1",
            &time,
            &signature("msg_1", &time, &body),
        );
        if is_fine {
            fixture.takes(&call).await;
        } else {
            fixture.refuses(&call).await;
        }
    }
}

#[tokio::test]
async fn timestamps_and_ids_have_one_form() {
    let fixture = Fixture::new(SECRET).await;
    let body = fixture.body.to_string();
    let now = functions::now().as_seconds();
    let times = [
        format!("+{now}"),
        format!("0{now}"),
        format!("00{now}"),
        format!("{now}.0"),
        format!("{now} "),
        format!("0x{now:x}"),
        format!("-{now}"),
        i64::MAX.to_string(),
        i64::MIN.to_string(),
        (i128::from(i64::MAX) + 1).to_string(),
        u64::MAX.to_string(),
        "9".repeat(400),
        "0".to_owned(),
        "-0".to_owned(),
        "now".to_owned(),
    ];
    for time in times {
        // signed over the text, and signed over the number
        for signed in [time.as_str(), &now.to_string()] {
            let good = signature("msg_1", signed, &body);
            fixture
                .refuses(&with(fixture.call(), "msg_1", &time, &good))
                .await;
        }
    }
    let time = now.to_string();
    for id in ["a.b", ".", "", "a b", "../x", "msg_é", &"x".repeat(65)] {
        fixture
            .refuses(&with(
                fixture.call(),
                id,
                &time,
                &signature(id, &time, &body),
            ))
            .await;
    }
    // with a dot in the id, its end could pass for the time and the time for the start of the body
    let shifted = signature("a", "b", &format!("{time}.{body}"));
    fixture
        .refuses(&with(fixture.call(), "a.b", &time, &shifted))
        .await;
    let longest = "x".repeat(64);
    fixture
        .takes(&with(
            fixture.call(),
            &longest,
            &time,
            &signature(&longest, &time, &body),
        ))
        .await;
}

#[tokio::test]
async fn unsigned_events_are_accepted_where_allowed_and_partly_signed_ones_nowhere() {
    let mut fixture = Fixture::new(SECRET).await;
    fixture.ingest.allow_unsigned = true;
    fixture.takes(&fixture.call()).await;
    fixture.takes(&fixture.call().signed()).await;
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        fixture.refuses(&fixture.call().header(header, "")).await;
        fixture
            .refuses(&fixture.call().signed().without(header))
            .await;
    }
    fixture
        .refuses(&fixture.call().signed_with(OTHER, "msg_1", functions::now()))
        .await;
}

use domain::{ClipOutput, Secrets, SignatureHeaders, Stage};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::*;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn events(server: &MockServer, secret: Option<Secret>) -> Events {
    let of = AttemptId {
        job_id: "job-1".parse().unwrap(),
        attempt: 2,
    };
    let events = Events::new(&format!("{}/", server.uri()), secret, of).unwrap();
    Events {
        first_wait: Duration::from_millis(5),
        ..events
    }
}

fn secret() -> Secret {
    Secret::parse(SECRET).unwrap()
}

fn failed() -> OutcomeRecord {
    let failure = domain::Failure::input(
        Stage::Transcribe,
        domain::ErrorCode::NoSpeech,
        "nobody speaks",
    );
    OutcomeRecord {
        outcome: Outcome::from(&failure),
        finished_at: now(),
    }
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(template)
        .mount(&server)
        .await;
    server
}

fn running() -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({"received": true, "job_status": "running", "attempt": 2}))
}

async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
}

#[tokio::test]
async fn every_try_is_signed_anew_under_one_id() {
    let server = answering(ResponseTemplate::new(503)).await;
    events(&server, Some(secret())).end(&failed()).await;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 4);
    let secrets = Secrets::new(vec![secret()]).unwrap();
    for request in &requests {
        assert_eq!(request.url.path(), PATH);
        let headers = SignatureHeaders {
            id: header(request, "webhook-id"),
            timestamp: header(request, "webhook-timestamp"),
            signature: header(request, "webhook-signature"),
        };
        assert_eq!(secrets.verify(headers, &request.body, now()), Ok(()));
        assert_eq!(headers.id, header(&requests[0], "webhook-id"));
    }
    let body = &bodies(&server).await[0];
    assert_eq!(body["event"], "job.failed");
    assert_eq!(
        (&body["error_code"], &body["attempt"], &body["sequence"]),
        (&json!("no_speech"), &json!(2), &json!(1))
    );
    assert!(
        body.as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_null()),
        "absent fields are left out"
    );
}

#[tokio::test]
async fn a_failure_is_reported_with_the_last_progress() {
    let server = answering(running()).await;
    let (sender, news) = watch::channel(News::default());
    let mut events = events(&server, None);
    let last = News {
        percent: 65.4,
        total_clips: Some(5),
        ..News::default()
    };
    tokio::select! {
        () = events.follow(news, str::to_owned) => panic!("the attempt is not over"),
        () = tokio::time::sleep(Duration::from_millis(500)) => {}
    }
    sender.send_replace(last);
    drop(sender);
    events.end(&failed()).await;
    let sent = bodies(&server).await;
    let end = sent.last().unwrap();
    assert_eq!(
        [&end["event"], &end["progress_percent"], &end["total_clips"]],
        [&json!("job.failed"), &json!(65), &json!(5)]
    );
    assert_eq!(
        [&end["status"], &end["current_step"], &end["stage"]],
        [
            &json!("failed"),
            &json!("Processing failed"),
            &json!("transcribe")
        ]
    );
}

#[tokio::test]
async fn what_a_receiver_refuses_is_not_sent_again() {
    for status in [400, 401, 413, 422] {
        let server = answering(ResponseTemplate::new(status)).await;
        events(&server, None).end(&failed()).await;
        assert_eq!(bodies(&server).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_receiver_says_when_to_come_again() {
    let server = answering(ResponseTemplate::new(429).insert_header("retry-after", "1")).await;
    let begun = Instant::now();
    let mut events = Events {
        first_wait: Duration::from_nanos(1),
        ..events(&server, None)
    };
    let sent = tokio::time::timeout(Duration::from_millis(2_500), events.end(&failed())).await;
    assert!(sent.is_err(), "three waits of a second are longer");
    assert!(begun.elapsed() > Duration::from_secs(2));
    assert_eq!(bodies(&server).await.len(), 3);
}

#[tokio::test]
async fn a_wish_to_wait_is_kept_as_seconds_or_date_up_to_its_limit() {
    let date = |seconds: u64| {
        let then = jiff::Timestamp::now() + Duration::from_secs(seconds);
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&then)
            .unwrap()
    };
    let longest = MAX_EVENT_RETRY_AFTER_S;
    let cases = [
        (longest.to_string(), true),
        (date(longest - 5), true),
        ((longest + 1).to_string(), false),
        (date(longest + 60), false),
    ];
    for (wish, is_waited_for) in cases {
        let template = ResponseTemplate::new(503).insert_header("retry-after", wish.as_str());
        let server = answering(template).await;
        let mut events = events(&server, None);
        let ended = tokio::time::timeout(Duration::from_millis(500), events.end(&failed())).await;
        assert_eq!(ended.is_err(), is_waited_for, "{wish}");
        assert_eq!(bodies(&server).await.len(), 1, "{wish}");
    }
}

#[tokio::test]
async fn progress_is_the_newest_at_most_every_two_seconds_with_each_clip_once() {
    let server = answering(running()).await;
    let (sender, news) = watch::channel(News::default());
    let clip = |index: u32| -> ClipOutput {
        serde_json::from_value(json!({"clip_index": index, "s3_url": format!("clips/{index}"), "duration_ms": 1, "virality_score": 0.5})).unwrap()
    };
    let mut events = events(&server, Some(secret()));
    let work = async {
        for percent in 0..100 {
            sender.send_modify(|news| {
                news.percent = f64::from(percent);
                news.step = format!("step {percent}");
                if percent == 10 || percent == 20 {
                    news.total_clips = Some(2);
                    news.clips.push(clip(percent / 10 - 1));
                }
            });
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = events.follow(news, |name| format!("https://bucket/{name}")) => panic!("the attempt is not over"),
        () = work => {}
    }
    let sent = bodies(&server).await;
    assert_eq!(sent[0]["event"], "job.started");
    assert_eq!(sent.len(), 3, "five seconds have room for two reports");
    assert_eq!(sent[1]["clip"]["s3_url"], "https://bucket/clips/0");
    assert_eq!(sent[2]["clip"]["s3_url"], "https://bucket/clips/1");
    assert_eq!(
        (&sent[1]["clips_completed"], &sent[1]["total_clips"]),
        (&json!(2), &json!(2))
    );
    let at = |event: &Value| {
        (
            event["sequence"].as_u64(),
            event["progress_percent"].as_f64(),
        )
    };
    assert!(at(&sent[1]) < at(&sent[2]));
}

#[tokio::test]
async fn an_answer_that_the_attempt_is_over_ends_it() {
    let over = [
        ResponseTemplate::new(200)
            .set_body_json(json!({"received": true, "job_status": "canceled", "attempt": 2})),
        ResponseTemplate::new(200)
            .set_body_json(json!({"received": true, "job_status": "queued", "attempt": 3})),
        ResponseTemplate::new(404),
    ];
    for answer in over {
        let server = answering(answer).await;
        let (_sender, news) = watch::channel(News::default());
        let mut events = events(&server, None);
        let followed =
            tokio::time::timeout(Duration::from_secs(2), events.follow(news, str::to_owned)).await;
        assert!(followed.is_ok());
        let unsigned = server.received_requests().await.unwrap();
        assert!(header(&unsigned[0], "webhook-signature").is_none());
    }
}

#[tokio::test]
async fn a_receiver_of_the_old_kind_is_understood() {
    let server =
        answering(ResponseTemplate::new(200).set_body_json(json!({"received": true}))).await;
    let (_sender, news) = watch::channel(News::default());
    let mut events = events(&server, None);
    let followed =
        tokio::time::timeout(Duration::from_secs(1), events.follow(news, str::to_owned)).await;
    assert!(followed.is_err(), "it goes on");
}

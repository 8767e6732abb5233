//! The secrets that events are signed with: rotation, caching, weak secrets.

use std::time::Duration;

use aws::SecretStore;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::limits::STALE_SECRET_S;
use functions::ingest_webhook::SigningSecrets;
use serde_json::json;

use crate::{
    cloud::Cloud,
    fault_proxy::Fault,
    requests::send_event,
    samples::SECRET,
    signatures::{Fixture, OTHER, STORED, secret_of},
};

#[tokio::test]
async fn two_secrets_are_valid_while_they_are_rotated() {
    let fixture = Fixture::new(STORED).await;
    let at = functions::now();
    let by = |secret: &str| fixture.call().signed_with(secret, "msg_1", at);
    fixture.takes(&by(SECRET)).await;
    fixture
        .cloud
        .front
        .secrets
        .set(STORED, secret_of(&[OTHER, SECRET]));
    // senders of invalid signatures do not make us read the secret with every message
    fixture.refuses(&by(OTHER)).await;
    wait(Duration::from_secs(31)).await;
    fixture.cloud.front.calls();
    fixture.takes(&by(OTHER)).await;
    assert_eq!(
        fixture.cloud.front.calls(),
        ["Secrets.GetSecretValue", "DynamoDB.UpdateItem"]
    );
    fixture.takes(&by(SECRET)).await;
    assert_eq!(fixture.cloud.front.calls(), ["DynamoDB.UpdateItem"]);

    // the store fails or holds an invalid secret: the cached one stays
    wait(Duration::from_secs(31)).await;
    fixture.cloud.front.secrets.set(STORED, "{}");
    let third = by(&format!("whsec_{}", BASE64_STANDARD.encode([9; 32])));
    assert_eq!(send_event!(fixture.ingest, third).status, 401);
    fixture.takes(&by(SECRET)).await;
    // after the rotation the old secret expires, even if no other signature arrives
    fixture.cloud.front.secrets.set(STORED, secret_of(&[OTHER]));
    wait(Duration::from_secs(301)).await;
    fixture.cloud.front.calls();
    assert_eq!(send_event!(fixture.ingest, by(SECRET)).status, 401);
    assert_eq!(fixture.cloud.front.calls(), ["Secrets.GetSecretValue"]);
    fixture.takes(&by(OTHER)).await;
}

/// Advances the clock of the cache, not the system's, by which messages are signed.
async fn wait(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_cached_secret_serves_while_it_cannot_be_refreshed() {
    let fixture = Fixture::new(STORED).await;
    let signed = fixture
        .call()
        .signed_with(SECRET, "msg_1", functions::now());
    fixture
        .cloud
        .front
        .faults(|name| name.starts_with("Secrets").then_some(Fault::Broken));
    wait(Duration::from_secs(STALE_SECRET_S - 10)).await;
    assert_eq!(send_event!(fixture.ingest, signed).status, 200);
    wait(Duration::from_secs(20)).await;
    // the worker retries
    assert_eq!(send_event!(fixture.ingest, signed).status, 503);
    fixture.cloud.front.heal();
    assert_eq!(send_event!(fixture.ingest, signed).status, 200);
}

#[tokio::test]
async fn weak_secrets_are_rejected_at_the_start() {
    let cloud = Cloud::start().await;
    let read = async |setting: &str| {
        let store = SecretStore::new(&cloud.connection);
        SigningSecrets::read(store, setting.to_owned()).await
    };
    let bare = SECRET.trim_start_matches("whsec_");
    let short = BASE64_STANDARD.encode([1; 23]);
    for weak in [
        "",
        " ",
        "{}",
        "[]",
        "null",
        "whsec_",
        &short,
        "not base64",
        &json!({"current": ""}).to_string(),
        &json!({"current": bare, "previous": short}).to_string(),
    ] {
        cloud.front.secrets.set(STORED, weak);
        assert!(read(STORED).await.is_err(), "{weak}");
    }
    for weak in ["whsec_", "whsec_c2hvcnQ=", &format!("whsec_{short}")] {
        assert!(read(weak).await.is_err(), "{weak}");
    }
    assert!(read("another-secret").await.is_err());
    for good in [
        bare.to_owned(),
        secret_of(&[SECRET]),
        secret_of(&[SECRET, OTHER]),
    ] {
        cloud.front.secrets.set(STORED, good.as_str());
        assert!(read(STORED).await.is_ok(), "{good}");
    }
    assert!(read(SECRET).await.is_ok());
}

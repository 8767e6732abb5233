use super::*;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const TIME: &str = "1649367553";
const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

fn verify(
    id: &str,
    time: &str,
    signature: &str,
    body: &[u8],
    now_s: i64,
) -> Result<(), InvalidSignature> {
    let other = Secret::parse(&format!("whsec_{}", BASE64_STANDARD.encode([7; 32]))).unwrap();
    let secrets = Secrets::new(vec![other, Secret::parse(SECRET).unwrap()]).unwrap();
    let headers = SignatureHeaders {
        id: Some(id),
        timestamp: Some(time),
        signature: Some(signature),
    };
    secrets.verify(headers, body, Timestamp::from_ms(now_s * 1000))
}

#[test]
fn the_official_test_vector_signs_and_verifies() {
    let time = Timestamp::from_ms(1_649_367_553_000);
    assert_eq!(
        Secret::parse(SECRET).unwrap().sign(ID, time, BODY),
        SIGNATURE
    );
    assert_eq!(verify(ID, TIME, SIGNATURE, BODY, 1_649_367_553), Ok(()));
}

#[test]
fn one_of_several_signatures_is_enough_and_unknown_schemes_are_ignored() {
    let several = format!("v1a,AAAA v1,%%% v1,AAAA {SIGNATURE}");
    assert_eq!(verify(ID, TIME, &several, BODY, 1_649_367_553), Ok(()));
    let at_limit = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(MAX_SIGNATURES - 1));
    assert_eq!(verify(ID, TIME, &at_limit, BODY, 1_649_367_553), Ok(()));
    let too_many = format!("{}{SIGNATURE}", "v1,AAAA ".repeat(MAX_SIGNATURES));
    assert_eq!(
        verify(ID, TIME, &too_many, BODY, 1_649_367_553),
        Err(InvalidSignature::Mismatch)
    );
}

#[test]
fn a_modified_message_is_rejected() {
    let now = 1_649_367_553;
    let reformatted = br#"{"email": "test@example.com", "username": "test_user"}"#;
    let cases = [
        (ID, TIME, SIGNATURE, &reformatted[..]),
        (ID, TIME, SIGNATURE, b""),
        (ID, TIME, &SIGNATURE[..SIGNATURE.len() - 1], BODY),
        (ID, TIME, &SIGNATURE[..20], BODY),
        (ID, TIME, "", BODY),
        (ID, TIME, "v1,", BODY),
        (ID, TIME, &SIGNATURE[3..], BODY),
        ("msg_other", TIME, SIGNATURE, BODY),
        (ID, "1649367554", SIGNATURE, BODY),
    ];
    for (id, time, signature, body) in cases {
        assert_eq!(
            verify(id, time, signature, body, now),
            Err(InvalidSignature::Mismatch),
            "{id} {time} {signature}"
        );
    }
}

#[test]
fn five_minutes_are_tolerated_and_not_a_second_more() {
    let at = 1_649_367_553;
    for now in [at - 300, at + 300] {
        assert_eq!(verify(ID, TIME, SIGNATURE, BODY, now), Ok(()));
    }
    for now in [at - 301, at + 301, 0] {
        assert_eq!(
            verify(ID, TIME, SIGNATURE, BODY, now),
            Err(InvalidSignature::Time)
        );
    }
}

#[test]
fn ids_and_times_must_be_canonical() {
    for time in [
        "",
        "+1649367553",
        "01649367553",
        "00",
        "-1",
        "1649367553.0",
        " 1649367553",
        "9223372036854775808",
        "١٦٤٩",
    ] {
        assert_eq!(
            verify(ID, time, SIGNATURE, BODY, 1_649_367_553),
            Err(InvalidSignature::Malformed),
            "{time}"
        );
    }
    for time in ["0", "9223372036854775807"] {
        assert_eq!(
            verify(ID, time, SIGNATURE, BODY, 1_649_367_553),
            Err(InvalidSignature::Time),
            "{time}"
        );
    }
    for id in ["", "a.b", "a b", &"x".repeat(65)] {
        assert_eq!(
            verify(id, TIME, SIGNATURE, BODY, 1_649_367_553),
            Err(InvalidSignature::Malformed),
            "{id}"
        );
    }
}

#[test]
fn every_header_is_required() {
    let secrets = Secrets::new(vec![Secret::parse(SECRET).unwrap()]).unwrap();
    let complete = SignatureHeaders {
        id: Some(ID),
        timestamp: Some(TIME),
        signature: Some(SIGNATURE),
    };
    let without = [
        SignatureHeaders {
            id: None,
            ..complete
        },
        SignatureHeaders {
            timestamp: None,
            ..complete
        },
        SignatureHeaders {
            signature: None,
            ..complete
        },
    ];
    for headers in without {
        assert_eq!(
            secrets.verify(headers, BODY, Timestamp::from_ms(0)),
            Err(InvalidSignature::Missing)
        );
    }
}

#[test]
fn weak_secrets_are_rejected() {
    let of =
        |bytes: usize| Secret::parse(&format!("whsec_{}", BASE64_STANDARD.encode(vec![1; bytes])));
    assert_eq!(of(0), Err(InvalidSecret::Length(0)));
    assert_eq!(of(23), Err(InvalidSecret::Length(23)));
    assert!(of(24).is_ok() && of(64).is_ok());
    assert_eq!(of(65), Err(InvalidSecret::Length(65)));
    assert_eq!(
        Secret::parse("whsec_not base64"),
        Err(InvalidSecret::Encoding)
    );
    assert_eq!(Secrets::new(Vec::new()).unwrap_err(), InvalidSecret::None);
    assert_eq!(format!("{:?}", of(24).unwrap()), "Secret(…)");
}

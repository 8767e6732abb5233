//! Fuzz targets of this crate: parsers of outside input, and the properties of whatever they accept.

use std::str::from_utf8;

use crate::{ClipOptions, Plan, Secret, Secrets, SignatureHeaders, Timestamp, Transcript};

/// Verifies the headers, one per line, and the body of an unsigned message.
///
/// # Panics
/// When the message is accepted.
pub fn signature(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(4, '\n');
    let headers = SignatureHeaders {
        id: lines.next(),
        timestamp: lines.next(),
        signature: lines.next(),
    };
    let body = lines.next().unwrap_or_default().as_bytes();
    let secrets = Secret::parse("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
        .and_then(|secret| Secrets::new(vec![secret]))
        .expect("a secret");
    let now = Timestamp::from_ms(1_700_000_000_000);
    assert!(secrets.verify(headers, body, now).is_err(), "{text}");
    let _ = Secret::parse(&text);
}

/// Parses a `plan.json`. The shown ranges of an accepted plan are non-empty, in order and inside the source.
///
/// # Panics
/// When they are not.
pub fn plan(data: &[u8]) {
    const SOURCE_MS: u64 = 3_600_000;
    let Ok(plan) = Plan::from_json(data, SOURCE_MS) else {
        return;
    };
    let _ = plan.check_edited();
    for clip in &plan.clips {
        let shown = clip.shown_ranges();
        assert!(!shown.is_empty());
        assert!(shown.iter().all(|part| part.end_ms() <= SOURCE_MS));
        assert!(
            shown
                .windows(2)
                .all(|pair| pair[0].end_ms() <= pair[1].start_ms())
        );
    }
}

/// Parses a `transcript.json`. An accepted transcript is in order of time and is accepted again when written.
///
/// # Panics
/// When it is not.
pub fn transcript(data: &[u8]) {
    let Ok(transcript) = Transcript::from_json(data) else {
        return;
    };
    let _ = transcript.is_too_fast();
    assert!(
        transcript
            .segments
            .iter()
            .all(|one| one.start_ms <= one.end_ms)
    );
    assert!(transcript.segments.is_sorted_by_key(|one| one.start_ms));
    let written = serde_json::to_vec(&transcript).expect("a transcript can be written");
    assert!(Transcript::from_json(&written).is_ok());
}

/// Parses the options of a submission. Accepted options select a part of the source, or none.
///
/// # Panics
/// When that part is empty or ends after the source.
pub fn options(data: &[u8]) {
    let options = from_utf8(data)
        .ok()
        .and_then(|text| serde_json::from_str::<ClipOptions>(text).ok());
    let Some(options) = options.filter(|options| options.check().is_ok()) else {
        return;
    };
    if let Some(window) = options.window(60_000) {
        assert!(window.end_ms() <= 60_000 && window.duration_ms() > 0);
    }
}

#[cfg(test)]
mod tests {
    use fuzzed::{assert_scales_linearly, replay};

    use super::*;

    #[test]
    fn corpora_satisfy_the_properties() {
        replay("signature", signature);
        replay("plan", plan);
        replay("transcript", transcript);
        replay("options", options);
    }

    #[test]
    fn work_grows_with_the_input() {
        assert_scales_linearly(signature, "a\n1700000000\n", "v1,YWFhYWFh ", "\n{}");
        assert_scales_linearly(signature, "a\n1700000000\nv1,YWFh\n", "{}", "");
        let clip = r#"{"clip_index":0,"rank":1,"start_ms":0,"end_ms":9000,"title":"","summary":"","reason":"","virality_score":0,"score_breakdown":{"hook":0,"flow":0,"value":0,"emotion":0},"cuts":[[1,2]"#;
        let plan_of_one = format!(r#"{{"version":1,"clips":[{clip}"#);
        assert_scales_linearly(plan, &plan_of_one, ",[3,5]", "]}]}");
        let transcript_of = r#"{"version":1,"language":"en","duration_ms":9,"segments":[{"start_ms":0,"end_ms":0,"text":"","words":[]}"#;
        let sentence = r#",{"start_ms":1,"end_ms":2,"text":"a b","words":[{"text":"a","start_ms":1,"end_ms":2}]}"#;
        assert_scales_linearly(transcript, transcript_of, sentence, "]}");
        assert_scales_linearly(options, r#"{"topics":["a""#, r#","b""#, "]}");
    }
}

//! The scorer with the real embedding model; skipped if the model is not installed.

use std::path::Path;

use domain::{ClipOptions, Segment, Transcript, Word};
use highlights::{Embedder, plan};

fn embedder() -> Option<Embedder> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/clipwright/models/minilm");
    if !folder.join("tokenizer.json").exists() {
        eprintln!("skipped: the embedding model is not set up");
        return None;
    }
    Some(Embedder::load(&folder).expect("the model loads"))
}

fn cosine(embedder: &Embedder, a: &str, b: &str) -> f32 {
    let found = embedder.embed(&[a, b]).expect("the model runs");
    found[0].iter().zip(&found[1]).map(|(a, b)| a * b).sum()
}

#[test]
fn similar_meanings_have_similar_vectors() {
    let Some(embedder) = embedder() else { return };
    // 0.887 and 0.121 with the reference tokenizer and ONNX Runtime
    let like = cosine(
        &embedder,
        "How do rockets reach space?",
        "How does a rocket get into space?",
    );
    let unlike = cosine(
        &embedder,
        "How do rockets reach space?",
        "Bake the bread for an hour.",
    );
    assert!((like - 0.887).abs() < 0.01, "{like}");
    assert!((unlike - 0.121).abs() < 0.01, "{unlike}");
}

#[test]
fn a_vector_does_not_depend_on_the_texts_beside_it() {
    let Some(embedder) = embedder() else { return };
    let alone = embedder.embed(&["Short."]).unwrap();
    let beside = embedder
        .embed(&[
            "Short.",
            "A much longer sentence that makes its neighbour wait for the padding.",
        ])
        .unwrap();
    let apart: f32 = alone[0]
        .iter()
        .zip(&beside[0])
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(apart < 1e-4, "{apart}");
}

fn transcript(texts: &[&str]) -> Transcript {
    let segments: Vec<Segment> = texts
        .iter()
        .zip(0_u64..)
        .map(|(text, n)| {
            let start_ms = n * 8500;
            let word = Word {
                text: (*text).into(),
                start_ms,
                end_ms: start_ms + 8000,
                confidence: 1.0,
            };
            Segment {
                start_ms,
                end_ms: start_ms + 8000,
                text: (*text).into(),
                speaker: None,
                words: vec![word],
            }
        })
        .collect();
    let duration_ms = segments.len() as u64 * 8500;
    Transcript {
        version: 1,
        language: "en".into(),
        duration_ms,
        source: None,
        segments,
    }
}

#[test]
fn requested_topics_change_the_selection_by_meaning() {
    let Some(embedder) = embedder() else { return };
    let transcript = transcript(&[
        "Engines of the first stage burn liquid hydrogen.",
        "Hydrogen lifts the stage higher than kerosene does.",
        "Astronauts train for two years before a launch.",
        "Bread needs flour, water, salt and a warm kitchen.",
        "Dough rises within two hours and then goes into the oven.",
        "A good crust comes from steam in the first minutes.",
        "Whales sing to find each other over hundreds of miles.",
        "Their song travels far since water carries sound.",
        "Dolphins click to see fish in the dark.",
    ]);
    let first_clip = |topic: &str| {
        let options = ClipOptions {
            requested_clip_count: 1,
            max_clip_seconds: 26,
            topics: vec![topic.into()],
            ..ClipOptions::default()
        };
        let plan = plan(&transcript, None, &options, &embedder).unwrap();
        (plan.clips[0].start_ms + 500) / 8500 / 3
    };
    assert_eq!(first_clip("space travel"), 0);
    assert_eq!(first_clip("baking"), 1);
    assert_eq!(first_clip("marine animals"), 2);
}

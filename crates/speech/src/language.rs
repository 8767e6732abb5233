//! Which language is spoken.

use std::collections::BTreeMap;

use crate::SpeechError;
use crate::listen::Batch;
use crate::whisper::WhisperModel;

/// So sure of a language after so much speech, no more chunks are listened to.
const CERTAIN: f64 = 0.8;
const ENOUGH_S: f64 = 4.0;

/// Whisper's code for the BCP 47 tag that the caller gave.
pub(crate) fn asked(model: &WhisperModel, tag: &str) -> Result<String, SpeechError> {
    model
        .vocabulary
        .language(tag)
        .ok_or_else(|| SpeechError::UnknownLanguage(tag.to_owned()))
}

/// The most probable language of a batch, chunk by chunk until it is clear.
pub(crate) fn detect(model: &WhisperModel, batch: &Batch) -> Result<String, SpeechError> {
    if !model.vocabulary.is_multilingual() {
        return Ok("en".to_owned());
    }
    let mut votes: BTreeMap<String, f64> = BTreeMap::new();
    let mut heard_s = 0.0;
    for (at, chunk) in batch.chunks.iter().enumerate() {
        let encoded = model.encode(&batch.spectrograms[at..=at])?;
        for (code, probability) in model.languages(&encoded)?.into_iter().flatten() {
            *votes.entry(code).or_default() += probability * chunk.speech_seconds();
        }
        heard_s += chunk.speech_seconds();
        let most = votes.values().copied().fold(0.0, f64::max);
        if heard_s >= ENOUGH_S && most >= CERTAIN * heard_s {
            break;
        }
    }
    let likeliest = votes.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    likeliest
        .map(|(code, _)| code)
        .ok_or_else(|| SpeechError::inference("the model names no language"))
}

/// The BCP 47 tag for Whisper's code.
pub(crate) fn tag(code: &str) -> &str {
    match code {
        "jw" => "jv",
        other => other,
    }
}

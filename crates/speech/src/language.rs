//! Language detection and language codes.

use std::collections::BTreeMap;

use crate::SpeechError;
use crate::batches::Batch;
use crate::whisper::WhisperModel;

/// Detection stops after this much speech when one language has this share of the votes.
const DECISIVE_SHARE: f64 = 0.8;
const MIN_SPEECH_S: f64 = 4.0;

/// Resolves a requested BCP 47 tag to Whisper's code.
pub(crate) fn resolve(model: &WhisperModel, tag: &str) -> Result<String, SpeechError> {
    model
        .vocabulary
        .language(tag)
        .ok_or_else(|| SpeechError::UnknownLanguage(tag.to_owned()))
}

/// Detects the most probable language of a batch, chunk by chunk until it is decisive.
pub(crate) fn detect(model: &WhisperModel, batch: &Batch) -> Result<String, SpeechError> {
    if !model.vocabulary.is_multilingual() {
        return Ok("en".to_owned());
    }
    let mut votes: BTreeMap<String, f64> = BTreeMap::new();
    let mut speech_s = 0.0;
    for (at, chunk) in batch.chunks.iter().enumerate() {
        let encoded = model.encode(&batch.spectrograms[at..=at])?;
        for (code, probability) in model.languages(&encoded)?.into_iter().flatten() {
            *votes.entry(code).or_default() += probability * chunk.speech_seconds();
        }
        speech_s += chunk.speech_seconds();
        let leading = votes.values().copied().fold(0.0, f64::max);
        if speech_s >= MIN_SPEECH_S && leading >= DECISIVE_SHARE * speech_s {
            break;
        }
    }
    let likeliest = votes.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    likeliest
        .map(|(code, _)| code)
        .ok_or_else(|| SpeechError::inference("language detection returned nothing"))
}

/// The BCP 47 tag for Whisper's code.
pub(crate) fn bcp47_tag(code: &str) -> &str {
    match code {
        "jw" => "jv",
        other => other,
    }
}

//! From an audio stream to a transcript: one thread produces batches while decoders run on all cores.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

use domain::Transcript;

use crate::SpeechError;
use crate::assemble::transcript;
use crate::batches::{Batch, BatchQueue, produce_batches};
use crate::decode::recognise;
use crate::language;
use crate::pcm::ms;
use crate::voice::VoiceModel;
use crate::whisper::WhisperModel;
use crate::words::SpokenWord;

/// A loaded Whisper model and the voice activity detector in front of it.
pub struct Recognizer {
    whisper: WhisperModel,
    voice: VoiceModel,
    threads: usize,
}

/// Options of a transcription.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// BCP 47 tag of the spoken language; `None` detects it.
    pub language: Option<String>,
}

/// The recognised words of all chunks.
#[derive(Default)]
struct Recognition {
    /// Whisper's language code.
    language: String,
    chunks: Vec<Vec<SpokenWord>>,
}

/// The recognised words of one batch.
struct BatchWords {
    index: usize,
    end_ms: u64,
    words: Vec<Vec<SpokenWord>>,
}

impl Recognizer {
    /// Loads a Whisper folder in faster-whisper's layout (`model.bin`, `config.json`, `vocabulary.*`) and Silero's
    /// `silero_vad_16k_sequence.onnx`, to run on `threads` cores.
    ///
    /// # Errors
    /// When a file is missing or is not a valid model.
    pub fn load(whisper: &Path, voice: &Path, threads: usize) -> Result<Self, SpeechError> {
        Ok(Self {
            whisper: WhisperModel::load(whisper, threads)?,
            voice: VoiceModel::load(voice)?,
            threads: threads.max(1),
        })
    }

    /// Transcribes `pcm`: 16 kHz, mono, signed 16-bit little endian, streamed; memory does not grow with its length.
    ///
    /// `progress` gets the milliseconds of the source that are done, never decreasing; setting `stop` ends the work within a few
    /// seconds (or when the next read of `pcm` returns).
    ///
    /// # Errors
    /// `NoSpeech` when there is no speech, `Canceled` after `stop`, `UnknownLanguage` for a language the model does not support, `Io`
    /// when `pcm` cannot be read, `Inference` when a model fails.
    pub fn transcribe(
        &self,
        pcm: impl Read + Send,
        options: &Options,
        progress: &mut dyn FnMut(u64),
        stop: &AtomicBool,
    ) -> Result<Transcript, SpeechError> {
        let requested = options
            .language
            .as_deref()
            .map(|tag| language::resolve(&self.whisper, tag))
            .transpose()?;
        let failed = AtomicBool::new(false);
        let is_stopped = || stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
        let (batches, waiting) = mpsc::sync_channel(1);
        let queue = BatchQueue {
            batches,
            decoders: self.threads,
        };
        let (recognition, produced) = thread::scope(|scope| {
            let producer = scope.spawn(move || {
                produce_batches(pcm, &self.voice, &self.whisper, &queue, is_stopped)
            });
            let recognition = self.decode(waiting, requested, progress, &is_stopped);
            failed.fetch_or(recognition.is_err(), Ordering::Relaxed);
            (recognition, producer.join())
        });
        if stop.load(Ordering::Relaxed) {
            return Err(SpeechError::Canceled);
        }
        let recognition = recognition?;
        let duration_ms =
            ms(produced.map_err(|_| SpeechError::inference("the batch producer panicked"))??);
        if recognition.chunks.iter().all(Vec::is_empty) {
            return Err(SpeechError::NoSpeech);
        }
        progress(duration_ms);
        Ok(transcript(
            recognition.chunks,
            &recognition.language,
            duration_ms,
        ))
    }

    /// Decodes batches as they arrive, several concurrently, and puts their words in order.
    fn decode(
        &self,
        waiting: Receiver<Batch>,
        requested: Option<String>,
        progress: &mut dyn FnMut(u64),
        is_stopped: &(impl Fn() -> bool + Sync),
    ) -> Result<Recognition, SpeechError> {
        let Ok(first) = waiting.recv() else {
            return Ok(Recognition::default());
        };
        let language = match requested {
            Some(language) => language,
            None => language::detect(&self.whisper, &first)?,
        };
        let batches = Mutex::new(std::iter::once(first).chain(waiting));
        let (results, finished) = mpsc::channel();
        let chunks = thread::scope(|scope| {
            for _ in 0..self.threads {
                let results = results.clone();
                scope.spawn(|| {
                    let results = results;
                    while let Some(batch) = next(&batches).filter(|_| !is_stopped()) {
                        // the receiver is gone only after another batch failed
                        if results.send(self.recognise(&batch, &language)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(results);
            in_order(finished, progress)
        })?;
        Ok(Recognition { language, chunks })
    }

    fn recognise(&self, batch: &Batch, language: &str) -> Result<BatchWords, SpeechError> {
        let words = recognise(&self.whisper, &batch.chunks, &batch.spectrograms, language)?;
        Ok(BatchWords {
            index: batch.index,
            end_ms: batch.end_ms(),
            words,
        })
    }
}

fn next(batches: &Mutex<impl Iterator<Item = Batch>>) -> Option<Batch> {
    batches
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .next()
}

/// Collects results in source order, whatever order they arrive in; stops at the first error.
fn in_order(
    finished: Receiver<Result<BatchWords, SpeechError>>,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Vec<SpokenWord>>, SpeechError> {
    let mut pending = BTreeMap::new();
    let mut chunks = Vec::new();
    let mut next = 0;
    for result in finished {
        let result = result?;
        pending.insert(result.index, result);
        while let Some(result) = pending.remove(&next) {
            chunks.extend(result.words);
            progress(result.end_ms);
            next += 1;
        }
    }
    Ok(chunks)
}

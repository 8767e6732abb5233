//! From a stream of sound to a transcript: listening and decoding on all cores happen at once.

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
use crate::decode::recognise;
use crate::language;
use crate::listen::{Batch, Queue, listen};
use crate::pcm::ms;
use crate::voice::VoiceModel;
use crate::whisper::WhisperModel;
use crate::words::SpokenWord;

/// A loaded Whisper with the detector that tells it where somebody speaks.
pub struct Recognizer {
    whisper: WhisperModel,
    voice: VoiceModel,
    threads: usize,
}

/// What is known beforehand.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// BCP 47 tag of the language spoken; `None` finds it out.
    pub language: Option<String>,
}

/// What was said, chunk by chunk.
#[derive(Default)]
struct Said {
    /// Whisper's code.
    language: String,
    chunks: Vec<Vec<SpokenWord>>,
}

/// The words of one batch.
struct Recognised {
    index: usize,
    end_ms: u64,
    words: Vec<Vec<SpokenWord>>,
}

impl Recognizer {
    /// Loads a Whisper folder of faster-whisper's layout (`model.bin`, `config.json`, `vocabulary.*`) and Silero's
    /// `silero_vad_16k_sequence.onnx`, to work on `threads` cores at once.
    ///
    /// # Errors
    /// When a file is missing or is not such a model.
    pub fn load(whisper: &Path, voice: &Path, threads: usize) -> Result<Self, SpeechError> {
        Ok(Self {
            whisper: WhisperModel::load(whisper, threads)?,
            voice: VoiceModel::load(voice)?,
            threads: threads.max(1),
        })
    }

    /// Writes down what is said in `pcm`: 16 kHz, mono, signed 16-bit little endian, read as it comes; memory does not
    /// grow with its length. `progress` is told the milliseconds of the source that are done, never going back;
    /// `stop` ends the work within a few seconds (or when the next read of `pcm` returns).
    ///
    /// # Errors
    /// `NoSpeech` when nobody speaks, `Canceled` after `stop`, `UnknownLanguage` for one that the model has not,
    /// `Io` when `pcm` cannot be read, `Inference` when a model fails.
    pub fn transcribe(
        &self,
        pcm: impl Read + Send,
        options: &Options,
        progress: &mut dyn FnMut(u64),
        stop: &AtomicBool,
    ) -> Result<Transcript, SpeechError> {
        let asked = options
            .language
            .as_deref()
            .map(|tag| language::asked(&self.whisper, tag))
            .transpose()?;
        let failed = AtomicBool::new(false);
        let stopped = || stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
        let (batches, waiting) = mpsc::sync_channel(1);
        let queue = Queue {
            batches,
            decoders: self.threads,
        };
        let (said, heard) = thread::scope(|scope| {
            let listener =
                scope.spawn(move || listen(pcm, &self.voice, &self.whisper, &queue, stopped));
            let said = self.decode(waiting, asked, progress, &stopped);
            failed.fetch_or(said.is_err(), Ordering::Relaxed);
            (said, listener.join())
        });
        if stop.load(Ordering::Relaxed) {
            return Err(SpeechError::Canceled);
        }
        let said = said?;
        let duration_ms = ms(heard.map_err(|_| SpeechError::inference("listening broke off"))??);
        if said.chunks.iter().all(Vec::is_empty) {
            return Err(SpeechError::NoSpeech);
        }
        progress(duration_ms);
        Ok(transcript(said.chunks, &said.language, duration_ms))
    }

    /// Decodes batches as they come, several at once, and puts their words in order.
    fn decode(
        &self,
        waiting: Receiver<Batch>,
        asked: Option<String>,
        progress: &mut dyn FnMut(u64),
        stopped: &(impl Fn() -> bool + Sync),
    ) -> Result<Said, SpeechError> {
        let Ok(first) = waiting.recv() else {
            return Ok(Said::default());
        };
        let language = match asked {
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
                    while let Some(batch) = next(&batches).filter(|_| !stopped()) {
                        // nobody takes the result only after another batch failed
                        if results.send(self.recognise(&batch, &language)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(results);
            in_order(finished, progress)
        })?;
        Ok(Said { language, chunks })
    }

    fn recognise(&self, batch: &Batch, language: &str) -> Result<Recognised, SpeechError> {
        let words = recognise(&self.whisper, &batch.chunks, &batch.spectrograms, language)?;
        Ok(Recognised {
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

/// Collects results in the order of the source, whatever the order they come in; the first error ends it.
fn in_order(
    finished: Receiver<Result<Recognised, SpeechError>>,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Vec<SpokenWord>>, SpeechError> {
    let mut early = BTreeMap::new();
    let mut chunks = Vec::new();
    let mut next = 0;
    for result in finished {
        let result = result?;
        early.insert(result.index, result);
        while let Some(result) = early.remove(&next) {
            chunks.extend(result.words);
            progress(result.end_ms);
            next += 1;
        }
    }
    Ok(chunks)
}

//! The producer: reads audio, detects speech, cuts chunks, and queues batches with their spectrograms for decoding.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::mpsc::SyncSender;

use crate::SpeechError;
use crate::chunk::{Chunk, Chunker};
use crate::mel::Spectrogram;
use crate::pcm::{ms, read_samples};
use crate::voice::{FRAME, VoiceModel};
use crate::whisper::WhisperModel;

/// Samples read at a time, about 4 s: enough for the voice detector to run at full speed.
const BLOCK_SAMPLES: usize = 128 * FRAME;
/// Chunks decoded at a time: more are not faster and need more memory.
const BATCH_CHUNKS: usize = 4;

/// Chunks that are decoded together.
pub(crate) struct Batch {
    /// Position in the source, from 0.
    pub(crate) index: usize,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) spectrograms: Vec<Spectrogram>,
}

impl Batch {
    /// End of its last chunk, in milliseconds of the source.
    pub(crate) fn end_ms(&self) -> u64 {
        self.chunks
            .last()
            .map_or(0, |chunk| ms(chunk.start + chunk.samples.len() as u64))
    }
}

/// Produces batches until `pcm` ends, `is_stopped` holds or the receiver is gone; returns the number of samples read.
pub(crate) fn produce_batches(
    mut pcm: impl Read,
    voice: &VoiceModel,
    whisper: &WhisperModel,
    queue: &BatchQueue,
    is_stopped: impl Fn() -> bool,
) -> Result<u64, SpeechError> {
    let mut detector = voice.detector();
    let mut chunker = Chunker::default();
    let mut batcher = Batcher::default();
    let mut total = 0;
    while !is_stopped() {
        let samples = read_samples(&mut pcm, BLOCK_SAMPLES)?;
        total += samples.len() as u64;
        let at_end = samples.len() < BLOCK_SAMPLES;
        chunker.push(&samples, &detector.probabilities(&samples)?);
        while let Some(chunk) = chunker.next_chunk(at_end) {
            batcher.pending.push_back(chunk);
        }
        while let Some(chunks) = batcher.next(queue.decoders, at_end) {
            let spectrograms = chunks.iter().map(|chunk| whisper.spectrogram(chunk));
            let batch = Batch {
                index: batcher.index,
                spectrograms: spectrograms.collect(),
                chunks,
            };
            batcher.index += 1;
            if queue.batches.send(batch).is_err() {
                return Ok(total);
            }
        }
        if at_end {
            break;
        }
    }
    Ok(total)
}

/// The queue from the producer to the decoders.
pub(crate) struct BatchQueue {
    pub(crate) batches: SyncSender<Batch>,
    /// Number of decoders that take batches concurrently.
    pub(crate) decoders: usize,
}

/// Groups chunks into batches that keep all decoders busy until the end.
#[derive(Default)]
struct Batcher {
    pending: VecDeque<Chunk>,
    index: usize,
    /// How many of the last batches, of equal size, have been returned.
    final_batches: usize,
}

impl Batcher {
    /// The next batch: a full one while enough chunks are pending, at the end of the stream an equal share for each decoder.
    fn next(&mut self, decoders: usize, at_end: bool) -> Option<Vec<Chunk>> {
        let size = if self.pending.len() > BATCH_CHUNKS * decoders {
            BATCH_CHUNKS
        } else if at_end && self.final_batches < decoders {
            self.final_batches += 1;
            self.pending
                .len()
                .div_ceil(decoders + 1 - self.final_batches)
        } else {
            0
        };
        (size > 0).then(|| self.pending.drain(..size).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(chunks: usize, decoders: usize) -> Vec<usize> {
        let chunk = Chunk {
            start: 0,
            samples: Vec::new(),
            speech: Vec::new(),
        };
        let mut batcher = Batcher::default();
        let mut sizes = Vec::new();
        for _ in 0..chunks {
            batcher.pending.push_back(chunk.clone());
            sizes.extend(batcher.next(decoders, false).map(|batch| batch.len()));
        }
        let rest = std::iter::from_fn(|| batcher.next(decoders, true));
        sizes.extend(rest.map(|batch| batch.len()));
        sizes
    }

    #[test]
    fn the_last_batches_have_equal_sizes() {
        assert!(sizes(0, 2).is_empty());
        assert_eq!(sizes(2, 2), [1, 1]);
        assert_eq!(sizes(8, 1), [4, 4]);
        assert_eq!(sizes(14, 2), [4, 4, 3, 3]);
        assert_eq!(sizes(7, 3), [3, 2, 2]);
    }
}

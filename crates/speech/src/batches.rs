//! Reads sound, finds the voice in it, and hands on batches of chunks ready to be decoded.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::mpsc::SyncSender;

use crate::SpeechError;
use crate::chunk::{Chunk, Cutter};
use crate::mel::Spectrogram;
use crate::pcm::{ms, read_samples};
use crate::voice::{FRAME, VoiceModel};
use crate::whisper::WhisperModel;

/// Samples read at a time, about 4 s: enough that the voice detector runs at its full speed.
const BLOCK: usize = 128 * FRAME;
/// Chunks decoded at a time: more are no faster, and cost memory.
const BATCH: usize = 4;

/// Chunks that are decoded together.
pub(crate) struct Batch {
    /// Counts from 0 in the order of the source.
    pub(crate) index: usize,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) spectrograms: Vec<Spectrogram>,
}

impl Batch {
    /// Where its last chunk ends in the source.
    pub(crate) fn end_ms(&self) -> u64 {
        self.chunks
            .last()
            .map_or(0, |chunk| ms(chunk.start + chunk.samples.len() as u64))
    }
}

/// Listens until the end of `pcm`, or until `stopped` or nobody takes the batches; answers how many samples there were.
pub(crate) fn listen(
    mut pcm: impl Read,
    voice: &VoiceModel,
    whisper: &WhisperModel,
    queue: &Queue,
    stopped: impl Fn() -> bool,
) -> Result<u64, SpeechError> {
    let mut detector = voice.detector();
    let mut cutter = Cutter::default();
    let mut batcher = Batcher::default();
    let mut total = 0;
    while !stopped() {
        let samples = read_samples(&mut pcm, BLOCK)?;
        total += samples.len() as u64;
        let ended = samples.len() < BLOCK;
        cutter.push(&samples, &detector.probabilities(&samples)?);
        while let Some(chunk) = cutter.next_chunk(ended) {
            batcher.waiting.push_back(chunk);
        }
        while let Some(chunks) = batcher.next(queue.decoders, ended) {
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
        if ended {
            break;
        }
    }
    Ok(total)
}

/// Where batches go.
pub(crate) struct Queue {
    pub(crate) batches: SyncSender<Batch>,
    /// How many take batches from it at once.
    pub(crate) decoders: usize,
}

/// Puts chunks into batches that keep all decoders busy until the end.
#[derive(Default)]
struct Batcher {
    waiting: VecDeque<Chunk>,
    index: usize,
    /// How many of the last, equal shares are handed out.
    shares: usize,
}

impl Batcher {
    /// The next batch: a full one while more are sure to come, at the end equal shares for all decoders.
    fn next(&mut self, decoders: usize, ended: bool) -> Option<Vec<Chunk>> {
        let size = if self.waiting.len() > BATCH * decoders {
            BATCH
        } else if ended && self.shares < decoders {
            self.shares += 1;
            self.waiting.len().div_ceil(decoders + 1 - self.shares)
        } else {
            0
        };
        (size > 0).then(|| self.waiting.drain(..size).collect())
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
            batcher.waiting.push_back(chunk.clone());
            sizes.extend(batcher.next(decoders, false).map(|batch| batch.len()));
        }
        let rest = std::iter::from_fn(|| batcher.next(decoders, true));
        sizes.extend(rest.map(|batch| batch.len()));
        sizes
    }

    #[test]
    fn the_last_batches_are_equal_shares() {
        assert!(sizes(0, 2).is_empty());
        assert_eq!(sizes(2, 2), [1, 1]);
        assert_eq!(sizes(8, 1), [4, 4]);
        assert_eq!(sizes(14, 2), [4, 4, 3, 3]);
        assert_eq!(sizes(7, 3), [3, 2, 2]);
    }
}

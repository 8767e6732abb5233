//! Raw audio: 16 kHz, mono, signed 16-bit little endian.

use std::io::{self, Read};

/// Samples per second throughout this crate.
pub(crate) const SAMPLE_RATE: usize = 16_000;

/// Converts a number of samples to milliseconds.
pub(crate) fn ms(samples: u64) -> u64 {
    samples * 1000 / SAMPLE_RATE as u64
}

/// Reads up to `count` samples, scaled to -1 to 1; fewer only at the end of the stream, where an incomplete sample is dropped.
pub(crate) fn read_samples(source: &mut impl Read, count: usize) -> io::Result<Vec<f32>> {
    let mut bytes = Vec::with_capacity(count * 2);
    source.take(count as u64 * 2).read_to_end(&mut bytes)?;
    Ok(bytes
        .as_chunks()
        .0
        .iter()
        .map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one byte per read, as a slow pipe may.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }

    #[test]
    fn samples_are_complete_however_the_stream_is_split() {
        let bytes = [0x00, 0x40, 0x00, 0x80, 0xff, 0x7f, 0x12];
        let mut source = Drip(&bytes);
        assert_eq!(read_samples(&mut source, 2).unwrap(), [0.5, -1.0]);
        assert_eq!(read_samples(&mut source, 2).unwrap(), [32_767.0 / 32_768.0]);
        assert!(read_samples(&mut source, 2).unwrap().is_empty());
    }
}

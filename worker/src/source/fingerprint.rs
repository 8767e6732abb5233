//! What tells a source from others.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use domain::Fingerprint;
use sha2::{Digest, Sha256};

/// Size and samples from all over the file; reading all of a film to tell it from another would take longer than clipping it.
pub(super) fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    const SAMPLES: u64 = 64;
    const SAMPLE_BYTES: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    let step = (length.saturating_sub(SAMPLE_BYTES) / (SAMPLES - 1)).max(SAMPLE_BYTES);
    let mut sample = Vec::with_capacity(SAMPLE_BYTES as usize);
    for number in 0..SAMPLES {
        let at = (number * step).min(length.saturating_sub(SAMPLE_BYTES));
        file.seek(SeekFrom::Start(at))?;
        sample.clear();
        file.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample)?;
        hash.update(&sample);
    }
    Ok(Fingerprint::of_bytes(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_differ_anywhere_a_sample_is_taken_or_in_length_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let print = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            fingerprint(&path).unwrap().to_string()
        };
        let mut bytes = vec![7; 1 << 20];
        let first = print("a", &bytes);
        assert_eq!(first, print("b", &bytes));
        bytes[1 << 19] = 8;
        assert_ne!(first, print("c", &bytes));
        assert_ne!(print("d", b"x"), print("e", b"xx"));
    }
}

//! Runs the functions that `fuzz/` feeds with made-up bytes in ordinary tests: over the kept corpora, and over inputs that grow.

use std::{fs, path::Path, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Bytes of the smaller input whose work is measured.
const SMALL: usize = 4 << 10;
/// How many times as large the larger one is.
const TIMES: usize = 16;
/// Work that takes less than this for the larger one is not looked at: most of it is chance.
const SHORT: Duration = Duration::from_millis(50);
/// How much more work than in proportion may be: n log n, and a machine with other things to do. Quadratic work has 16.
const SLACK: u32 = 6;
/// Times that each input is measured; the quickest counts.
const TRIES: usize = 3;

/// Feeds a target with everything that its corpus holds, and with parts of it, which are often broken.
///
/// # Panics
/// When the target does, or its corpus is missing.
pub fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).expect("each target has a corpus");
    let mut count = 0;
    for file in files {
        let bytes = fs::read(file.expect("an entry").path()).expect("it can be read");
        run(&bytes);
        let parts = (0..bytes.len()).step_by(bytes.len().div_ceil(16).max(1));
        for at in parts {
            run(&bytes[..at]);
            run(&bytes[at..]);
        }
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

/// Compares the time of the processor that a target takes for `piece` repeated over and over with that for the same in sixteen parts.
///
/// # Panics
/// When the time grows faster than n log n.
pub fn assert_grows_gently(run: fn(&[u8]), head: &str, piece: &str, tail: &str) {
    let input = |bytes: usize| {
        let pieces = bytes.div_ceil(piece.len());
        [head, &piece.repeat(pieces), tail].concat().into_bytes()
    };
    let large = quickest(run, &input(SMALL * TIMES), 1);
    if large < SHORT {
        return;
    }
    // as many bytes in all, so that the two take alike if the work is in proportion
    let small = quickest(run, &input(SMALL), TIMES);
    assert!(
        large <= small * SLACK + SHORT,
        "{head}{piece}{tail} over and over: {large:?} at once, {small:?} in {TIMES} parts"
    );
}

fn quickest(run: fn(&[u8]), input: &[u8], times: usize) -> Duration {
    let tries = (0..TRIES).map(|_| {
        let begun = processor_time();
        for _ in 0..times {
            run(input);
        }
        processor_time().saturating_sub(begun)
    });
    tries.min().unwrap_or_default()
}

/// What this thread has had of the processor: on a machine that is busy with other tests, the clock on the wall says little.
fn processor_time() -> Duration {
    let told = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(told).expect("no thread had less than no time")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quadratic(input: &[u8]) {
        let same = input
            .iter()
            .map(|a| input.iter().step_by(16).filter(|b| *b == a).count());
        std::hint::black_box(same.sum::<usize>());
    }

    fn linear(input: &[u8]) {
        for _ in 0..50 {
            std::hint::black_box(input.iter().map(|byte| u64::from(*byte)).sum::<u64>());
        }
    }

    #[test]
    #[should_panic(expected = "over and over")]
    fn quadratic_work_is_found() {
        assert_grows_gently(quadratic, "", "ab", "");
    }

    #[test]
    fn linear_work_is_not() {
        assert_grows_gently(linear, "", "ab", "");
    }
}

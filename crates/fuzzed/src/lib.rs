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
/// Times that each input is measured at most; the quickest counts.
const TRIES: usize = 3;
/// How much more memory than in proportion may be: buffers double, and for a moment the old one stands beside the new. What grows with
/// the square has 16.
const MEMORY_SLACK: u64 = 6;
/// Bytes that any input may take: tables and buffers of a fixed size.
const MEMORY_OF_ANY: u64 = 256 << 10;

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

/// Compares what a target takes for `piece` repeated over and over with what it takes for a sixteenth of it: time of the processor, and
/// memory that it holds at once.
///
/// # Panics
/// When the time grows faster than n log n, or the memory faster than the input.
pub fn assert_grows_gently(run: fn(&[u8]), head: &str, piece: &str, tail: &str) {
    let input = |bytes: usize| {
        let pieces = bytes.div_ceil(piece.len());
        [head, &piece.repeat(pieces), tail].concat().into_bytes()
    };
    let (small, large) = (input(SMALL), input(SMALL * TIMES));
    let shown = format!("{head}{piece}{tail} over and over");
    // the time first: what is made once and kept is no part of the memory then
    assert_time_grows_gently(run, &small, &large, &shown);
    assert_memory_grows_gently(run, &small, &large, &shown);
}

fn assert_time_grows_gently(run: fn(&[u8]), small: &[u8], large: &[u8], shown: &str) {
    let (mut at_once, mut in_parts) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        at_once = at_once.min(took(run, large, 1));
        if at_once < SHORT {
            return;
        }
        // as many bytes in all, so that the two take alike if the work is in proportion
        in_parts = in_parts.min(took(run, small, TIMES));
        if at_once <= in_parts * SLACK + SHORT {
            return;
        }
    }
    panic!("{shown}: {at_once:?} at once, {in_parts:?} in {TIMES} parts");
}

fn took(run: fn(&[u8]), input: &[u8], times: usize) -> Duration {
    let begun = processor_time();
    for _ in 0..times {
        run(input);
    }
    processor_time().saturating_sub(begun)
}

fn assert_memory_grows_gently(run: fn(&[u8]), small: &[u8], large: &[u8], shown: &str) {
    let (small, large) = (most_held(run, small), most_held(run, large));
    assert!(
        large <= small * TIMES as u64 * MEMORY_SLACK + MEMORY_OF_ANY,
        "{shown}: {large} bytes held at once, {small} for one of {TIMES} parts"
    );
}

/// Bytes that this thread holds at most while the target runs, beside what it held before.
fn most_held(run: fn(&[u8]), input: &[u8]) -> u64 {
    allocation_counter::measure(|| run(input)).bytes_max
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

    fn quadratic_memory(input: &[u8]) {
        std::hint::black_box(Vec::<u8>::with_capacity(input.len() * (input.len() >> 9)));
    }

    fn linear_memory(input: &[u8]) {
        std::hint::black_box(Vec::<u8>::with_capacity(input.len() * 100));
    }

    #[test]
    #[should_panic(expected = "in 16 parts")]
    fn quadratic_work_is_found() {
        assert_grows_gently(quadratic, "", "ab", "");
    }

    #[test]
    fn linear_work_is_not() {
        assert_grows_gently(linear, "", "ab", "");
    }

    #[test]
    #[should_panic(expected = "bytes held at once")]
    fn quadratic_memory_is_found() {
        assert_grows_gently(quadratic_memory, "", "ab", "");
    }

    #[test]
    fn linear_memory_is_not() {
        assert_grows_gently(linear_memory, "", "ab", "");
    }
}

//! Runs fuzz targets in ordinary tests: over the stored corpora, and over inputs of growing size to find super-linear work.

use std::{fs, path::Path, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Bytes of the smaller input.
const SMALL: usize = 4 << 10;
/// Ratio of the larger to the smaller input.
const RATIO: usize = 16;
/// A larger input that takes less time than this is not compared, since noise dominates.
const MIN_TIME: Duration = Duration::from_millis(50);
/// Allowed factor above linear time, for n log n and a busy machine; quadratic work reaches 16.
const TIME_SLACK: u32 = 6;
/// Maximum of measurements per input; the fastest counts.
const REPETITIONS: usize = 3;
/// Allowed factor above linear memory: buffers double, and the old and the new one briefly coexist; quadratic memory reaches 16.
const MEMORY_SLACK: u64 = 6;
/// Bytes that any input may use, for tables and buffers of a fixed size.
const BASE_MEMORY: u64 = 256 << 10;

/// Runs a target on every file of its corpus, and on truncated parts of each.
///
/// # Panics
/// When the target panics, or its corpus is missing.
pub fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).expect("the target has a corpus");
    let mut count = 0;
    for file in files {
        let bytes = fs::read(file.expect("a directory entry").path()).expect("a readable file");
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

/// Compares the CPU time and peak memory of a target for `piece` repeated many times with those for a sixteenth of the repetitions.
///
/// # Panics
/// When the time grows faster than n log n, or the memory faster than linearly.
pub fn assert_scales_linearly(run: fn(&[u8]), head: &str, piece: &str, tail: &str) {
    let input = |bytes: usize| {
        let pieces = bytes.div_ceil(piece.len());
        [head, &piece.repeat(pieces), tail].concat().into_bytes()
    };
    let (small, large) = (input(SMALL), input(SMALL * RATIO));
    let shown = format!("{head}{piece}{tail} repeated");
    // time first: memory that is allocated once is then not counted
    assert_time_scales(run, &small, &large, &shown);
    assert_memory_scales(run, &small, &large, &shown);
}

fn assert_time_scales(run: fn(&[u8]), small: &[u8], large: &[u8], shown: &str) {
    let (mut whole, mut in_parts) = (Duration::MAX, Duration::MAX);
    for _ in 0..REPETITIONS {
        whole = whole.min(cpu_time(run, large, 1));
        if whole < MIN_TIME {
            return;
        }
        // the same number of bytes in total, so that linear work takes the same time
        in_parts = in_parts.min(cpu_time(run, small, RATIO));
        if whole <= in_parts * TIME_SLACK + MIN_TIME {
            return;
        }
    }
    panic!("{shown}: {whole:?} as a whole, {in_parts:?} in {RATIO} parts");
}

fn cpu_time(run: fn(&[u8]), input: &[u8], times: usize) -> Duration {
    let start = thread_cpu_time();
    for _ in 0..times {
        run(input);
    }
    thread_cpu_time().saturating_sub(start)
}

fn assert_memory_scales(run: fn(&[u8]), small: &[u8], large: &[u8], shown: &str) {
    let (small, large) = (peak_memory(run, small), peak_memory(run, large));
    assert!(
        large <= small * RATIO as u64 * MEMORY_SLACK + BASE_MEMORY,
        "{shown}: peak of {large} bytes, {small} for one of {RATIO} parts"
    );
}

/// Returns the peak of bytes that this thread allocates while the target runs.
fn peak_memory(run: fn(&[u8]), input: &[u8]) -> u64 {
    allocation_counter::measure(|| run(input)).bytes_max
}

/// Returns the CPU time of this thread, which does not depend on other load.
fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("CPU time is not negative")
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
    fn quadratic_work_is_detected() {
        assert_scales_linearly(quadratic, "", "ab", "");
    }

    #[test]
    fn linear_work_passes() {
        assert_scales_linearly(linear, "", "ab", "");
    }

    #[test]
    #[should_panic(expected = "peak of")]
    fn quadratic_memory_is_detected() {
        assert_scales_linearly(quadratic_memory, "", "ab", "");
    }

    #[test]
    fn linear_memory_passes() {
        assert_scales_linearly(linear_memory, "", "ab", "");
    }
}

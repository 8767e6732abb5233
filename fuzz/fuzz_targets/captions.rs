#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| captions::fuzzing::captions(data));

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clipwright::fuzzing::graph(data));

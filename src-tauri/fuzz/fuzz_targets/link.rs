#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whinchat_fuzz::link(bytes));

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mae_seg_fuzz::checks::rle(data));

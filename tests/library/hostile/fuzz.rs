//! The checks of `cargo fuzz` on their corpus, whole and changed. Each runs for `FUZZ_SECONDS`, of which
//! `make test` gives it twenty.

use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[expect(unreachable_pub, reason = "the package of cargo-fuzz calls them, too")]
#[path = "../../fuzz/checks.rs"]
mod checks;
use super::memory;

/// Numbers that lie about lengths, in little-endian order.
const NUMBERS: [u64; 6] = [0, 0x7F, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, u64::MAX];

/// Changes one place of a file.
fn change(file: &mut Vec<u8>, other: &[u8], random: &mut ChaCha8Rng) {
    let from = random.random_range(0..=file.len());
    let until = (from + random.random_range(0..16)).min(file.len());
    match random.random_range(0..7) {
        0 => file.truncate(from),
        1 => drop(file.drain(from..until)),
        2 => {
            let again = file[from..until].to_vec();
            file.splice(from..from, again);
        }
        3 => {
            let part = random.random_range(0..=other.len());
            let part = &other[part..(part + 16).min(other.len())];
            file.splice(from..until, part.iter().copied());
        }
        4 => {
            let number = NUMBERS.choose(random).unwrap().to_le_bytes();
            let bytes = random.random_range(1..=8).min(file.len() - from);
            file[from..from + bytes].copy_from_slice(&number[..bytes]);
        }
        5 => {
            file.splice(from..until, random.random::<u32>().to_string().into_bytes());
        }
        _ => file[from..until].iter_mut().for_each(|byte| *byte ^= 1 << random.random_range(0..8)),
    }
}

/// Runs a check on each file of its corpus and on changed ones, and keeps the first that it cannot bear.
fn fuzz(name: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let corpus: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    let seconds = env::var("FUZZ_SECONDS").map_or(0.2, |seconds| seconds.parse().unwrap());
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut random = ChaCha8Rng::seed_from_u64(0);
    corpus.iter().for_each(|file| check(file));
    while Instant::now() < end {
        let mut file = corpus.choose(&mut random).unwrap().clone();
        for _ in 0..random.random_range(1..6) {
            change(&mut file, corpus.choose(&mut random).unwrap(), &mut random);
        }
        if catch_unwind(|| check(&file)).is_err() {
            let path = env::temp_dir().join(format!("mae-seg-fuzz-{name}"));
            fs::write(&path, file).unwrap();
            panic!("{} ends in a panic", path.display());
        }
    }
}

/// Declares a test for each check.
macro_rules! fuzz {
    ($($name:ident)*) => { $(#[test] fn $name() { fuzz(stringify!($name), checks::$name); })* };
}

fuzz!(safetensors pickle manifest config coco zip shard rle protocol recipe photo);

//! Valid files, truncated and changed at random places.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::memory::{Files, fixture};

const FILES: [&str; 4] = ["original.pth", "legacy.pth", "views.pth", "timm.safetensors"];

#[test]
fn a_file_that_was_cut_is_refused() {
    for name in FILES {
        let whole = fixture(&format!("layouts_mae/{name}"));
        assert!(Files::named(name, whole.clone()).read_all().is_ok(), "{name}");
        let contents = (0..whole.len().min(9000)).step_by(13);
        for cut in contents.chain((9000..whole.len()).step_by(997)).chain(whole.len() - 30..whole.len()) {
            let refusal = Files::named(name, whole[..cut].to_vec()).refusal();
            assert!(refusal.contains(name), "{name} cut at {cut}: {refusal}");
        }
    }
}

#[test]
fn changed_bytes_never_end_in_a_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for name in FILES {
        let whole = fixture(&format!("layouts_mae/{name}"));
        for _ in 0..150 {
            let mut changed = whole.clone();
            let end = if random.random() { 6000 } else { whole.len() };
            for _ in 0..random.random_range(1..4) {
                // Headers are at the beginning, directories of archives at the end.
                let at = random.random_range(0..end);
                let at = if random.random_range(0..3) == 0 { whole.len() - 1 - at } else { at };
                changed[at] = random.random();
            }
            let _ = Files::named(name, changed).read_all();
        }
    }
}

//! Chooses the bundled model that suits this device: the better one, if its first answer comes soon.

use super::patience::now_ms;
use crate::engine::{DeviceChoice, pick, trial};
use crate::web::catalogue::{SMALL, TINY};
use crate::web::place::Place;

/// Side of the photos for the better model, in pixels.
const SIDE: usize = 392;
/// Cost of the better model's answer in units of the trial block: it has twelve blocks, but these round their
/// factors to 16 bits. Seven were measured (1.7 s for a photo of 600 × 400 pixels beside 250 ms for a block,
/// on two busy cores of a Xeon).
const BLOCKS: f64 = 8.0;
/// Maximum time of a first answer in milliseconds.
const SOON_MS: f64 = 3000.0;

/// Returns the better model, unless one block of it shows that this CPU is too slow for it.
pub(super) async fn suited(has_gpu: bool) -> Place {
    let small = has_gpu || takes_ms().await.is_some_and(|block| block * BLOCKS <= SOON_MS);
    Place::Site(if small { SMALL } else { TINY }.to_owned())
}

/// Returns the milliseconds of one block on the CPU, the better of two runs, since the first finds nothing
/// prepared. `None` if it cannot be computed.
async fn takes_ms() -> Option<f64> {
    let cpu = pick(DeviceChoice::Cpu).await.ok()?.device;
    let mut least = f64::INFINITY;
    for _ in 0..2 {
        let started = now_ms();
        trial::one_block(SIDE, &cpu).await.ok()?;
        least = least.min(now_ms() - started);
    }
    Some(least)
}

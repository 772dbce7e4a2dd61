//! The loops over numbers that mae-seg computes with on a CPU beside Burn's own: slices in, slices out.
//!
//! | | where Burn's own is slower |
//! |---|---|
//! | [`gelu`], [`gelu_back`] | it asks libm for an error function per number |
//! | [`attended`] | in browsers, as it does for exponentials |
//! | [`product`] | in browsers, which take twice as many whole numbers at once as `f32` |

mod attention;
mod exp;
mod gelu;
mod integer;
mod tile;

pub use attention::attended;
pub use gelu::{gelu, gelu_back};
pub use integer::{Panels, Rows, product};

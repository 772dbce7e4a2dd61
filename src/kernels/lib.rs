//! The loops over numbers that mae-seg computes with on a CPU where Burn's own loops are slow: slices in, slices out.
//!
//! | | where numbers one by one are slower |
//! |---|---|
//! | [`gelu`], [`gelu_back`] | it asks libm for an error function per number |
//! | [`attended`] | in browsers, as it does for exponentials |
//! | [`mask_overlap`] | in browsers, as it would need an exponential per pixel |
//! | [`product`] | in browsers, which take twice as many whole numbers at once as `f32` |

mod attention;
mod exp;
mod gelu;
mod integer;
mod overlap;
mod tile;

pub use attention::attended;
pub use gelu::{gelu, gelu_back};
pub use integer::{Panels, Rows, product};
pub use overlap::mask_overlap;

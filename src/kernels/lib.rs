//! The loops over numbers that mae-seg computes with on a CPU where Burn's own loops are slow: slices in, slices out.
//!
//! | | why |
//! |---|---|
//! | [`AdamwStep`] | Burn goes through memory a dozen times, with one thread |
//! | [`gelu()`], [`gelu_back`] | Burn asks libm for an error function per number |
//! | [`attended`] | for browsers: Burn asks libm for an exponential per weight, and products of `f32` take twice as long |
//! | [`depthwise()`], [`depthwise_back`] | Burn wants channels first, and goes back with one convolution per channel |
//! | [`mask_overlap`] | for browsers: an exponential per pixel |
//! | [`normalise_back`] | Burn takes it apart into a dozen steps that all go through memory |
//! | [`product`] | for browsers, which take twice as many whole numbers at once as `f32` |
//! | [`softmax()`], [`softmax_back`] | Burn asks libm for an exponential per weight |
//! | [`squared_error`], [`squared_error_back`] | Burn goes through memory six times, with one thread |

mod adamw;
mod attention;
mod depthwise;
mod error;
mod exp;
mod gelu;
mod integer;
mod norm;
mod overlap;
mod softmax;
mod tile;

pub use adamw::AdamwStep;
pub use attention::attended;
pub use depthwise::{depthwise, depthwise_back};
pub use error::{squared_error, squared_error_back};
pub use gelu::{gelu, gelu_back};
pub use integer::{Panels, Rows, product};
pub use norm::{LANES, normalise_back};
pub use overlap::mask_overlap;
pub use softmax::{softmax, softmax_back};

//! The library compared with recorded results, published files and a local Hub, and given damaged input.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod golden;
mod hostile;
mod hub;
mod parity;

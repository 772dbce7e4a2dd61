//! Files made to do harm, or damaged on the way: each is refused in a sentence that names it. No panic, no memory claimed
//! by a lie, nothing loaded in part.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod configs;
mod containers;
mod damage;
mod memory;
mod pickling;
mod pytorch;

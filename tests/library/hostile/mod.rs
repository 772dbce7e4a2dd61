//! Malicious and damaged files: each is refused in a sentence that names it. None causes a panic, reserves
//! memory for a false claim, or is loaded in part.

mod configs;
mod containers;
mod corpus;
mod damage;
mod fuzz;
mod memory;
mod photos;
mod pickling;
mod pytorch;

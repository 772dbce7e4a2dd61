//! train
pub mod loss;
pub mod matcher;
pub mod points;
pub mod schedule;

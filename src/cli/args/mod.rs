//! Arguments that several verbs share, and recipes, which are arguments in a file.

pub(super) mod recipe;
pub(super) mod run;
pub(super) mod targets;

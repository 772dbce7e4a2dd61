//! The settings that Python's `huggingface_hub` reads from the environment.

use std::path::PathBuf;
use std::{env, fs};

use crate::hub_name::HUB;

/// The address of the Hub, the access token, and the location of the cache.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the Hub (`HF_ENDPOINT`).
    pub endpoint: String,
    /// Access token (`HF_TOKEN`, or the file that `hf auth login` writes).
    pub token: Option<String>,
    /// Folder of all repositories (`HF_HUB_CACHE`, or `hub` in `HF_HOME`).
    pub cache: PathBuf,
    /// Whether only kept files may be used (`HF_HUB_OFFLINE`).
    pub offline: bool,
}

impl Settings {
    /// Reads the settings from the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        let home = variable("HF_HOME").map_or_else(|| user_cache().join("huggingface"), PathBuf::from);
        let token_file = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let token = variable("HF_TOKEN").or_else(|| fs::read_to_string(token_file).ok());
        let offline = variable("HF_HUB_OFFLINE")
            .is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str()));
        Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned()),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            cache: variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            offline,
        }
    }
}

/// Returns the user's cache folder (`XDG_CACHE_HOME`, or `.cache` in the home folder).
#[must_use]
pub fn user_cache() -> PathBuf {
    let at_home = || Some(env::home_dir()?.join(".cache"));
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(at_home);
    cache.unwrap_or_else(env::temp_dir)
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

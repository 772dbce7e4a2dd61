//! What is remembered of a weight folder on a server, so that it can be opened without a network.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::store::Store;

/// A folder as it was when its server answered last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct KeptFolder {
    /// The folder's manifest, if it has one.
    pub(super) manifest: Option<Vec<u8>>,
    /// The versions of the files, by name, of a folder without a manifest.
    pub(super) marks: HashMap<String, Mark>,
    /// The files that were asked for and that such a folder does not have.
    #[serde(default)]
    pub(super) absent: HashSet<String>,
}

/// A version of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The server's `ETag` for it.
    pub(super) etag: String,
    /// Length in bytes.
    pub(super) bytes: u64,
}

impl KeptFolder {
    /// Returns what was kept of the folder at `address`.
    pub(super) async fn recall(store: &Store, address: &str) -> Option<Self> {
        serde_json::from_slice(&store.get(&key(address)).await?).ok()
    }

    /// Keeps it in place of what was kept before.
    pub(super) async fn keep(&self, store: &Store, address: &str) {
        if let Ok(content) = serde_json::to_vec(self) {
            store.put(&key(address), &content).await;
        }
    }
}

fn key(address: &str) -> String {
    format!("folders/{}", js_sys::encode_uri_component(address))
}

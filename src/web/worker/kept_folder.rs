//! What is remembered of a folder of weights on a server, so that it opens without a network.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::store::Store;

/// A folder as it was when its server answered last.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct KeptFolder {
    /// The folder's manifest, where it has one.
    pub(super) manifest: Option<Vec<u8>>,
    /// The versions of the files of a folder without one, by name.
    pub(super) marks: HashMap<String, Mark>,
}

/// A version of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The server's mark for it.
    pub(super) etag: String,
    /// How many bytes it has.
    pub(super) bytes: u64,
}

impl KeptFolder {
    /// What was kept of the folder at `address`.
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

//! Names of models on the Hugging Face Hub.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The Hub itself, used unless a mirror is given.
pub const HUB: &str = "https://huggingface.co";

const MAIN: &str = "main";

/// The name of a repository at a branch, tag or commit: `owner/name@revision`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryName {
    /// The repository, `owner/name`.
    pub path: String,
    /// The branch, tag or commit; `main` by default.
    pub revision: String,
}

impl RepositoryName {
    /// Returns the address of the repository's files, to which their names are appended.
    #[must_use]
    pub fn files_at(&self, endpoint: &str) -> String {
        let revision = self.revision.replace('/', "%2F");
        format!("{}/resolve/{revision}/", self.page_at(endpoint))
    }

    /// Returns the address of the model's page, where people read its card and accept its licence.
    #[must_use]
    pub fn page_at(&self, endpoint: &str) -> String {
        format!("{}/{}", endpoint.trim_end_matches('/'), self.path)
    }

    /// Returns the name as [`FromStr`] reads it, without the revision if that is `main`.
    #[must_use]
    pub fn short(&self) -> String {
        if self.revision == MAIN { self.path.clone() } else { self.to_string() }
    }
}

impl FromStr for RepositoryName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, revision) = text.split_once('@').unwrap_or((text, MAIN));
        let is_word = |word: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !word.is_empty() && !word.starts_with('.') && word.chars().all(allowed)
        };
        let named = path.split_once('/').is_some_and(|(owner, name)| is_word(owner) && is_word(name));
        if named && revision.split('/').all(is_word) {
            Ok(Self { path: path.to_owned(), revision: revision.to_owned() })
        } else {
            Err(format!(
                "`{text}` is not the name of a model on the Hub; a name looks like owner/name or owner/name@revision"
            ))
        }
    }
}

impl Display for RepositoryName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_hubs() {
        let name: RepositoryName = "owner/name@pr/3".parse().unwrap();
        assert_eq!(name.files_at("https://hub.example/"), "https://hub.example/owner/name/resolve/pr%2F3/");
        assert_eq!(name.short(), "owner/name@pr/3");
        assert_eq!("owner/name".parse::<RepositoryName>().unwrap().short(), "owner/name");
    }
}

//! References to a model's weights, as in the address bar and in the menu.

use serde::{Deserialize, Serialize};

use super::sentence::Sentence;
use crate::hub_name::{HUB, RepositoryName};

/// Where a model's weights are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// The bundled model that suits this device; the worker finds out which.
    Suited,
    /// Files below an address; a path is relative to the page's folder.
    Site(String),
    /// A repository on the Hub.
    Hub(RepositoryName),
    /// Spelled like a path and like a repository: a folder of this site if it exists, else the repository.
    SiteOrHub(RepositoryName),
    /// Files of this device, in a folder of this name.
    Device(String),
}

impl Place {
    /// Parses the value of `?weights=`, or what was typed into the menu:
    ///
    /// - `hf:owner/name`, `owner/name@revision` and the address of a model's page on the Hub are
    ///   repositories;
    /// - other addresses, and paths that begin with `weights/`, `/` or `.` or end with `/`, are folders of
    ///   web servers;
    /// - `owner/name` is a folder of this site if it exists, as on the command line, else a repository;
    /// - anything else is a path on this site.
    ///
    /// # Errors
    /// [`Sentence::NoModelName`] if what must be a repository's name is not one.
    pub fn parse(text: &str) -> Result<Self, Sentence> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("hf:") {
            return named(name).map(Self::Hub);
        }
        if let Some(page) = text.strip_prefix(HUB).and_then(|rest| rest.strip_prefix('/')) {
            return named(&named_in_page(page)).map(Self::Hub);
        }
        let ours = ["weights/", "/", "."].iter().any(|start| text.starts_with(start));
        let is_path = ours || text.contains("://") || text.ends_with('/');
        match named(text) {
            Ok(name) if !is_path && text.contains('@') => Ok(Self::Hub(name)),
            Ok(name) if !is_path => Ok(Self::SiteOrHub(name)),
            Err(reason) if !is_path && text.contains('@') => Err(reason),
            _ => Ok(Self::Site(text.to_owned())),
        }
    }

    /// Parses what was typed where a repository is expected; addresses of other servers are accepted too.
    ///
    /// # Errors
    /// [`Sentence::NoModelName`] if it is neither.
    pub fn parse_hub_name(text: &str) -> Result<Self, Sentence> {
        match Self::parse(text)? {
            Self::SiteOrHub(name) => Ok(Self::Hub(name)),
            Self::Site(path) if !path.contains("://") => named(&path).map(Self::Hub),
            place => Ok(place),
        }
    }

    /// Returns the value of `?weights=` that leads here again; `None` for files of a device, which cannot be
    /// shared, and for what suits this device, which may not suit the next.
    #[must_use]
    pub fn query(&self) -> Option<String> {
        match self {
            Self::Site(address) => Some(address.clone()),
            Self::Hub(name) => Some(format!("hf:{}", name.short())),
            Self::SiteOrHub(name) => Some(name.short()),
            Self::Suited | Self::Device(_) => None,
        }
    }

    /// Returns the name of the model; empty if it is not decided yet.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Site(address) => {
                let last = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                if last.is_empty() { address.clone() } else { last.to_owned() }
            }
            Self::Hub(name) | Self::SiteOrHub(name) => name.short(),
            Self::Device(folder) => folder.clone(),
            Self::Suited => String::new(),
        }
    }
}

fn named(text: &str) -> Result<RepositoryName, Sentence> {
    text.parse().map_err(|_reason: String| Sentence::NoModelName { name: text.to_owned() })
}

/// Converts `owner/name[/tree/revision…]` to `owner/name[@revision]`.
fn named_in_page(page: &str) -> String {
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let mut parts = page.trim_end_matches('/').splitn(5, '/');
    let (owner, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match (parts.next(), parts.next()) {
        (Some("tree" | "blob" | "resolve"), Some(revision)) => format!("{owner}/{name}@{revision}"),
        _ => format!("{owner}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(name: &str) -> Place {
        Place::Hub(name.parse().unwrap())
    }

    #[test]
    fn paths_addresses_and_names_are_told_apart() {
        let site = |text: &str| Place::Site(text.to_owned());
        for (text, place) in [
            ("hf:owner/name", hub("owner/name")),
            (" hf:owner/name@v2 ", hub("owner/name@v2")),
            ("owner/name@v2", hub("owner/name@v2")),
            ("owner/name", Place::SiteOrHub("owner/name".parse().unwrap())),
            ("weights/mae-tiny", site("weights/mae-tiny")),
            ("mine/", site("mine/")),
            ("./weights/mine", site("./weights/mine")),
            ("/weights/mine", site("/weights/mine")),
            ("nowhere", site("nowhere")),
            ("a/b/c", site("a/b/c")),
            ("https://example.org/m@2/x", site("https://example.org/m@2/x")),
            ("https://huggingface.co/owner/name", hub("owner/name")),
            ("https://huggingface.co/owner/name/tree/v2", hub("owner/name@v2")),
            ("https://huggingface.co/owner/name/blob/main/config.json?x=1", hub("owner/name@main")),
        ] {
            assert_eq!(Place::parse(text), Ok(place), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_in_a_sentence() {
        let no_name = |name: &str| Sentence::NoModelName { name: name.to_owned() };
        for text in ["hf:name", "hf:", "hf:a/b/c"] {
            assert_eq!(Place::parse(text), Err(no_name(&text[3..])), "{text}");
        }
        assert_eq!(Place::parse("a b@c"), Err(no_name("a b@c")));
        assert_eq!(Place::parse("https://huggingface.co/docs"), Err(no_name("docs/")));
        for text in ["", "name", "a/b/c", "owner/", "/owner/name", "ow ner/name", "owner/name@"] {
            assert_eq!(Place::parse_hub_name(text), Err(no_name(text)), "{text}");
        }
        assert_eq!(Place::parse_hub_name("owner/name"), Ok(hub("owner/name")));
        assert!(matches!(Place::parse_hub_name("http://example.org/m"), Ok(Place::Site(_))));
    }

    #[test]
    fn a_shared_address_leads_to_the_same_place() {
        for text in ["hf:owner/name@v2", "hf:owner/name", "weights/x", "https://example.org/m"] {
            let place = Place::parse(text).unwrap();
            assert_eq!(place.query().as_deref(), Some(text));
        }
        assert_eq!(Place::Device("mine".to_owned()).query(), None);
        assert_eq!(Place::parse("weights/mae-tiny/").unwrap().title(), "mae-tiny");
    }
}

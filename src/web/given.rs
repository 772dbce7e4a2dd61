//! What a visitor dropped or picked, told apart by name: a photo, or the files of a model.

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const PICKLES: [&str; 5] = [".bin", ".pth", ".pt", ".ckpt", ".pkl"];

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The file at this place.
    Photo(usize),
    /// A weight folder.
    Model {
        /// Its name, or that of its only file.
        name: String,
        /// The places of its files, and what each is called in a weight folder.
        parts: Vec<(usize, String)>,
    },
    /// Neither, and why, in a sentence.
    Neither(String),
    /// No file at all.
    Nothing,
}

/// Sorts files out by their paths, relative to what was dropped; `folder` is the name of the folder, if it was one.
#[must_use]
pub fn sort_out(folder: Option<&str>, paths: &[String]) -> Given {
    let is_model = |path: &String| is_weights(path) || is_pickle(path) || path.ends_with(".json");
    match (folder, paths.iter().position(|path| !is_model(path))) {
        (None, Some(photo)) if !paths.iter().any(|path| is_weights(path)) => Given::Photo(photo),
        (None, None) if paths.is_empty() => Given::Nothing,
        _ => model(folder, paths),
    }
}

fn model(folder: Option<&str>, paths: &[String]) -> Given {
    let what = folder.or_else(|| paths.first().map(|path| file_of(path))).unwrap_or_default();
    let holds = |ending: &str| paths.iter().any(|path| path.ends_with(ending));
    let Some(home) = paths
        .iter()
        .filter(|path| is_weights(path))
        .map(|path| folder_of(path))
        .min_by_key(|home| home.len())
    else {
        return Given::Neither(if PICKLES.iter().any(|ending| holds(ending)) {
            format!(
                "{what} holds weights in a form that this page does not read. Convert them with \
                 `mae-seg import {what} --out folder`, and open that folder here."
            )
        } else {
            format!(
                "{what} holds no weights. Open a folder with config.json and model.safetensors, or choose a photo."
            )
        });
    };
    let here = || paths.iter().enumerate().filter(|(_, path)| folder_of(path) == home);
    let shards: Vec<_> = here().filter(|(_, path)| is_weights(path)).collect();
    let whole = |name: &str| here().any(|(_, path)| file_of(path) == name);
    let alone = match shards.as_slice() {
        [(index, _)] if !whole(INDEX) => Some(*index),
        _ if whole(INDEX) || whole(WEIGHTS) => None,
        _ => {
            return Given::Neither(format!(
                "{what} holds {} safetensors files and no {INDEX} that says how they belong together. Open one of them.",
                shards.len()
            ));
        }
    };
    let part = |(index, path): (usize, &String)| {
        let name = if Some(index) == alone { WEIGHTS } else { file_of(path) };
        (index, name.to_owned())
    };
    let stem = |index: usize| file_of(&paths[index]).trim_end_matches(".safetensors").to_owned();
    let name = folder.map(str::to_owned).or_else(|| alone.map(stem)).unwrap_or_else(|| "model".to_owned());
    Given::Model { name, parts: here().map(part).collect() }
}

fn is_weights(path: &str) -> bool {
    path.ends_with(".safetensors")
}

fn is_pickle(path: &str) -> bool {
    PICKLES.iter().any(|ending| path.ends_with(ending))
}

fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(folder: Option<&str>, paths: &[&str]) -> Given {
        sort_out(folder, &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
    }

    fn part(index: usize, name: &str) -> (usize, String) {
        (index, name.to_owned())
    }

    #[test]
    fn a_file_that_is_no_model_is_a_photo() {
        assert_eq!(sorted(None, &["a.jpg"]), Given::Photo(0));
        assert_eq!(sorted(None, &["photo"]), Given::Photo(0));
        assert_eq!(sorted(None, &[]), Given::Nothing);
    }

    #[test]
    fn a_folder_is_a_model_wherever_in_it_the_weights_are() {
        let paths = ["m/README.md", "m/v/model.safetensors", "m/v/config.json", "m/v/old/model.safetensors"];
        let parts = vec![part(1, "model.safetensors"), part(2, "config.json")];
        assert_eq!(sorted(Some("m"), &paths), Given::Model { name: "m".to_owned(), parts });
    }

    #[test]
    fn weights_of_any_name_with_their_config_are_a_model() {
        let parts = vec![part(0, "config.json"), part(1, "model.safetensors")];
        let given = Given::Model { name: "mine".to_owned(), parts };
        assert_eq!(sorted(None, &["config.json", "mine.safetensors"]), given);
    }

    #[test]
    fn shards_keep_their_names() {
        let paths = ["model.safetensors.index.json", "a-1.safetensors", "a-2.safetensors"];
        let parts = paths.iter().enumerate().map(|(index, path)| part(index, path)).collect();
        assert_eq!(sorted(None, &paths), Given::Model { name: "model".to_owned(), parts });
    }

    #[test]
    fn what_is_neither_is_said_in_a_sentence() {
        for (folder, paths, word) in [
            (Some("holiday"), vec!["holiday/a.jpg"], "holiday holds no weights"),
            (None, vec!["config.json"], "config.json holds no weights"),
            (None, vec!["model.pth"], "mae-seg import model.pth"),
            (Some("m"), vec!["m/pytorch_model.bin", "m/config.json"], "mae-seg import m"),
            (None, vec!["a.safetensors", "b.safetensors"], "2 safetensors files"),
        ] {
            match sorted(folder, &paths) {
                Given::Neither(sentence) => assert!(sentence.contains(word), "{sentence}"),
                other => panic!("{paths:?}: {other:?}"),
            }
        }
    }
}

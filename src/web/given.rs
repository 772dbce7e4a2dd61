//! Tells dropped or picked files apart by name: photos, or the files of a model.

use super::protocol::Sentence;

/// The file formats of weights: extensions, and the name that a single file gets in a folder; best first.
const FORMS: [(&[&str], &str); 2] =
    [(&[".safetensors"], "model.safetensors"), (&[".bin", ".pth", ".pt"], "pytorch_model.bin")];

/// Extensions of photos, including those that only some browsers can read.
const PHOTOS: [&str; 14] = [
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif",
    ".jxl", ".apng",
];

/// What was dropped or picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Photos.
    Photos {
        /// Indices of the photos' files.
        places: Vec<usize>,
        /// Indices of files that are not photos.
        left_out: Vec<usize>,
    },
    /// A weight folder.
    Model {
        /// Its name, or that of its only file.
        name: String,
        /// Indices of its files, and the name of each in a weight folder.
        parts: Vec<(usize, String)>,
    },
    /// Neither, with the reason.
    Neither(Sentence),
    /// No file at all.
    Nothing,
}

/// Sorts files by their paths; `folder` is the name of the folder, if one was dropped.
#[must_use]
pub fn sort_out(folder: Option<&str>, paths: &[String]) -> Given {
    if paths.is_empty() && folder.is_none() {
        return Given::Nothing;
    }
    let has_weights = FORMS.iter().any(|(endings, _)| paths.iter().any(|path| ends_with(path, endings)));
    // Files that were picked individually are meant, whatever they are called.
    let is_photo = |path: &str| match folder {
        Some(_) => ends_with(&path.to_ascii_lowercase(), &PHOTOS) && !file_of(path).starts_with('.'),
        None => !path.ends_with(".json"),
    };
    let (mut places, left_out): (Vec<usize>, Vec<usize>) =
        (0..paths.len()).partition(|&place| is_photo(&paths[place]));
    match places.is_empty() {
        false if !has_weights => {
            if folder.is_some() {
                places.sort_by(|&one, &other| paths[one].cmp(&paths[other]));
            }
            Given::Photos { places, left_out }
        }
        _ => FORMS.iter().find_map(|(endings, whole)| model(folder, paths, endings, whole)).unwrap_or_else(
            || {
                let what = folder.or_else(|| paths.first().map(|path| file_of(path))).unwrap_or_default();
                Given::Neither(Sentence::NeitherPhotosNorModel { name: what.to_owned() })
            },
        ),
    }
}

/// Returns the address of a picture in the texts that browsers provide for one that was dragged or copied
/// from a page, the likeliest first.
#[must_use]
pub fn address<'a>(texts: &[&'a str]) -> Option<&'a str> {
    let schemes = ["http://", "https://", "data:image/", "blob:"];
    let is_address = |text: &str| {
        schemes.iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_whitespace)
    };
    // Comments may precede the first address in a list.
    let first =
        |text: &&'a str| text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    texts.iter().filter_map(first).find(|text| is_address(text))
}

/// Returns the name of the file at an address.
#[must_use]
pub fn name_at(address: &str) -> &str {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let name = if path.starts_with("data:") { "" } else { file_of(path) };
    if name.is_empty() { "image" } else { name }
}

/// Returns the model in the topmost folder that holds weights of this format, if there is one.
fn model(folder: Option<&str>, paths: &[String], endings: &[&str], whole: &str) -> Option<Given> {
    let weights = paths.iter().filter(|path| ends_with(path, endings));
    let home = weights.map(|path| folder_of(path)).min_by_key(|home| home.len())?;
    let here = || paths.iter().enumerate().filter(|(_, path)| folder_of(path) == home);
    let shards: Vec<_> = here().filter(|(_, path)| ends_with(path, endings)).collect();
    let index = format!("{whole}.index.json");
    let complete = here().any(|(_, path)| [whole, &index].contains(&file_of(path)));
    let alone = match shards.as_slice() {
        [(index, _)] if !complete => Some(*index),
        _ if complete => None,
        _ => {
            return Some(Given::Neither(Sentence::ManyModels { count: shards.len(), index }));
        }
    };
    let part = |(index, path): (usize, &String)| {
        let name = if Some(index) == alone { whole } else { file_of(path) };
        (index, name.to_owned())
    };
    let stem = |index: usize| file_of(&paths[index]).rsplit_once('.').map(|(stem, _)| stem.to_owned());
    let name = folder.map(str::to_owned).or_else(|| stem(alone?)).unwrap_or_else(|| "model".to_owned());
    Some(Given::Model { name, parts: here().map(part).collect() })
}

fn ends_with(path: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.ends_with(ending))
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
        let photos = |places: &[usize], left_out: &[usize]| Given::Photos {
            places: places.to_vec(),
            left_out: left_out.to_vec(),
        };
        assert_eq!(sorted(None, &["a.jpg"]), photos(&[0], &[]));
        assert_eq!(sorted(None, &["photo"]), photos(&[0], &[]));
        assert_eq!(sorted(None, &["c.jpg", "a.json", "b.png"]), photos(&[0, 2], &[1]));
        assert_eq!(sorted(None, &[]), Given::Nothing);
        let folder = ["trip/c.JPG", "trip/notes.txt", "trip/a/b.heic", "trip/._c.jpg"];
        assert_eq!(sorted(Some("trip"), &folder), photos(&[2, 0], &[1, 3]), "by name");
        assert!(matches!(sorted(Some("empty"), &[]), Given::Neither(_)));
    }

    #[test]
    fn pictures_out_of_pages_have_addresses() {
        let photo = "https://a.example/b/c.jpg?size=2";
        assert_eq!(address(&["", "# from a page\r\nhttps://a.example/b/c.jpg?size=2\r\n"]), Some(photo));
        assert_eq!(address(&[photo, "https://a.example/"]), Some(photo));
        assert_eq!(address(&["see https://a.example", "c.jpg", "javascript:alert(1)"]), None);
        assert_eq!(name_at(photo), "c.jpg");
        assert_eq!(name_at("https://a.example/"), "image");
        assert_eq!(name_at("data:image/png;base64,AA/AA"), "image");
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
    fn files_of_pytorch_are_weights_where_there_are_no_better_ones() {
        let parts = vec![part(0, "pytorch_model.bin")];
        assert_eq!(sorted(None, &["mae.pth"]), Given::Model { name: "mae".to_owned(), parts });
        let parts = vec![part(0, "pytorch_model.bin"), part(1, "model.safetensors")];
        let given = Given::Model { name: "m".to_owned(), parts };
        assert_eq!(sorted(Some("m"), &["m/pytorch_model.bin", "m/model.safetensors"]), given);
    }

    #[test]
    fn shards_keep_their_names() {
        let paths = ["model.safetensors.index.json", "a-1.safetensors", "a-2.safetensors"];
        let parts = paths.iter().enumerate().map(|(index, path)| part(index, path)).collect();
        assert_eq!(sorted(None, &paths), Given::Model { name: "model".to_owned(), parts });
    }

    #[test]
    fn what_is_neither_is_said_in_a_sentence() {
        let neither = |name: &str| Sentence::NeitherPhotosNorModel { name: name.to_owned() };
        let index = "model.safetensors.index.json".to_owned();
        for (folder, paths, sentence) in [
            (Some("holiday"), vec!["holiday/notes.txt"], neither("holiday")),
            (None, vec!["config.json"], neither("config.json")),
            (None, vec!["a.safetensors", "b.safetensors"], Sentence::ManyModels { count: 2, index }),
        ] {
            assert_eq!(sorted(folder, &paths), Given::Neither(sentence), "{paths:?}");
        }
    }
}

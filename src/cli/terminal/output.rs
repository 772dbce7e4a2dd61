//! Atomic writing of files, and printing to a stdout that may be closed early.

use std::fs::{self, File};
use std::io::{self, Write};
use std::mem;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cli::render::GENERATOR;
use crate::files::{self, drawn::drawn_of};
use crate::text::printable;

/// Writes a file under a temporary name beside it and renames it; a pipe or device is written to directly.
pub(in crate::cli) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    write_files(&[(path.to_owned(), content)])
}

/// Writes the files of a weight folder; the old files stay until all new ones are on the disk.
pub(in crate::cli) fn write_folder(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let files: Vec<_> = files.iter().map(|(name, content)| (folder.join(name), content.as_slice())).collect();
    write_files(&files)
}

/// Writes files; the old ones stay until all new ones are on the disk.
pub(in crate::cli) fn write_files(files: &[(PathBuf, &[u8])]) -> Result<()> {
    let mut written = Vec::new();
    for (path, content) in files {
        let failed = || format!("cannot write {}", path.display());
        // The file that a symbolic link points to.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        if place.exists() && !place.is_file() {
            fs::write(&place, content).with_context(failed)?;
            continue;
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Created here because tempfile's default lets only the owner read the file.
        let mut file = tempfile::Builder::new()
            .make_in(folder.unwrap_or(Path::new(".")), |path| File::create_new(path))
            .with_context(failed)?;
        file.write_all(content).with_context(failed)?;
        written.push((file, place));
    }
    for (file, place) in written {
        file.persist(&place).with_context(|| format!("cannot write {}", place.display()))?;
    }
    Ok(())
}

/// Checks, before results are computed, that files of these `names` may be written into `folder`.
///
/// # Errors
/// Fails if such a file exists and was not written by an earlier call. Pictures and pages carry a mark of
/// this program, and vouch for the other files beside them.
pub(in crate::cli) fn check_replaceable<N: AsRef<str>>(folder: &Path, names: &[N]) -> Result<()> {
    let there: Vec<PathBuf> =
        names.iter().map(|name| folder.join(name.as_ref())).filter(|path| path.exists()).collect();
    let speaks = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "png" || ending == "html");
    let is_known = |path: &PathBuf| {
        drawn_of(path).is_some() || files::text(path, files::LIST).is_ok_and(|text| text.contains(GENERATOR))
    };
    let known = there.iter().any(is_known);
    match there.iter().find(|path| if speaks(path) { !is_known(path) } else { !known }) {
        None => Ok(()),
        Some(other) => Err(anyhow::anyhow!(
            "{} already exists and was not written by this program; choose another location",
            other.display()
        )),
    }
}

/// # Errors
/// Fails if `out` is one of the input files.
pub(in crate::cli) fn check_is_no_input(out: &Path, inputs: &[&Path]) -> Result<()> {
    let place = |path: &Path| fs::canonicalize(path).ok();
    let is_input =
        place(out).is_some_and(|out| inputs.iter().any(|input| place(input).as_ref() == Some(&out)));
    ensure!(!is_input, "{} is an input of this command; write to another file", out.display());
    Ok(())
}

/// Prints lines of results; a closed stdout (`| head`) is not an error. Line breaks are kept, so names from
/// files go through [`one_line`](crate::text::one_line) first.
pub(in crate::cli) fn print_line(line: &str) -> Result<()> {
    print(&format!("{line}\n"))
}

/// Prints part of the results immediately, as [`print_line`] does.
pub(in crate::cli) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(printable(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to stdout"),
    }
}

/// A JSON array whose rows are written as they arrive.
#[derive(Debug, Default)]
pub(in crate::cli) struct JsonRows {
    begun: bool,
}

impl JsonRows {
    /// Returns the text of further rows.
    pub(in crate::cli) fn add(&mut self, rows: impl Iterator<Item = serde_json::Value>) -> String {
        rows.map(|row| format!("{}{row}", if mem::replace(&mut self.begun, true) { ",\n" } else { "[" }))
            .collect()
    }

    /// Returns the text that ends the array.
    pub(in crate::cli) const fn end(self) -> &'static str {
        if self.begun { "]\n" } else { "[]\n" }
    }
}

/// Formats a share in percent with one decimal, as papers do; `None` is a dash.
pub(in crate::cli) fn percent(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{:.1}", 100.0 * value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_file(&path, b"old").unwrap();
        write_file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_file(&folder.path().join("none/a.txt"), b"").is_err());
    }

    #[test]
    fn rows_that_come_one_by_one_are_an_array() {
        let parsed = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(parsed(JsonRows::default().end().to_owned()), serde_json::json!([]));
        let mut rows = JsonRows::default();
        let texts = [vec![1, 2], vec![], vec![3]].map(|few| rows.add(few.into_iter().map(Into::into)));
        assert_eq!(texts, ["[1,\n2", "", ",\n3"]);
        assert_eq!(parsed(texts.concat() + rows.end()), serde_json::json!([1, 2, 3]));
    }

    #[test]
    fn results_replace_earlier_results_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let check = || check_replaceable(folder.path(), &["a.png", "a.html", "a.json"]);
        check().unwrap();
        fs::write(path("a.json"), "mine").unwrap();
        assert!(check().unwrap_err().to_string().contains("a.json"));
        fs::write(path("a.html"), crate::cli::render::Page::new("results").finish()).unwrap();
        check().unwrap();
        fs::write(path("a.png"), "mine").unwrap();
        assert!(check().unwrap_err().to_string().contains("a.png"));
        assert!(check_is_no_input(&path("a.png"), &[Path::new("b"), &path("./a.png")]).is_err());
        check_is_no_input(&path("b"), &[&path("a.png")]).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        write_file(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let null = Path::new("/dev/null");
        write_file(null, b"gone").unwrap();
        assert!(!null.is_file());
    }

    #[test]
    fn of_a_folder_that_cannot_be_written_whole_all_old_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let write = |second: &str, content: &str| {
            write_folder(folder.path(), &["a", second].map(|name| (name.to_owned(), content.into())))
        };
        write("b", "old").unwrap();
        assert!(write("none/b", "new").is_err());
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

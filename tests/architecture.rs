//! The rules of the layout, checked on the sources: imports go down only, and the UI never sees a tensor.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 400;
const MOST_COMMENT_CHARACTERS: usize = 110;

/// Returns every source file: its path below `src`, and its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(&root).unwrap().to_path_buf(), text));
            }
        }
    }
    sources
}

/// Returns a source file without its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

/// Returns the levels of the modules, from the table in the crate's documentation.
fn levels() -> HashMap<String, usize> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let mut levels = HashMap::new();
    for row in lib.lines().filter_map(|line| line.strip_prefix("//! | L")) {
        let (level, rest) = row.split_once(" | ").unwrap();
        let modules = rest.split(" | ").next().unwrap();
        for module in modules.split(", ") {
            levels.insert(module.trim_matches(['[', ']', '`']).to_owned(), level.parse().unwrap());
        }
    }
    levels
}

/// Returns the crate's modules that a source file names.
fn imports(text: &str) -> impl Iterator<Item = String> {
    without_tests(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

#[test]
fn imports_go_down_only() {
    let levels = levels();
    assert!(levels.len() >= 11, "the table in lib.rs lists every module: {levels:?}");
    for (path, text) in sources() {
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        assert!(
            !text.contains("use crate::{"),
            "{}: one `use` per module, or this test is blind",
            path.display()
        );
        let Some(level) = levels.get(module) else { continue };
        for import in imports(&text).filter(|import| import != module) {
            let Some(below) = levels.get(&import) else { continue };
            // Plain data may import plain data, and training may evaluate; nothing else may import sideways.
            let sideways = *level == 0 || (module, import.as_str()) == ("train", "eval");
            let allowed = below < level || (below == level && sideways);
            assert!(allowed, "{} (L{level}) imports {import} (L{below})", path.display());
        }
    }
}

#[test]
fn the_ui_never_sees_a_tensor() {
    let ui = ["app", "client", "components", "overlay", "protocol", "state"];
    for (path, text) in sources() {
        let mut parts = path.iter().map(|part| part.to_str().unwrap().trim_end_matches(".rs"));
        if parts.next() != Some("web") || !parts.next().is_some_and(|part| ui.contains(&part)) {
            continue;
        }
        assert!(!without_tests(&text).contains("burn"), "{} names burn", path.display());
        let forbidden =
            imports(&text).find(|import| ["model", "engine", "weights"].contains(&import.as_str()));
        assert_eq!(forbidden, None, "{}", path.display());
    }
}

#[test]
fn the_core_has_no_files_clock_threads_or_prints() {
    let core = ["kernels", "image", "pixels", "mask", "instance", "model", "export", "weights", "engine"];
    let banned = ["std::fs", "std::time", "std::thread", "println!", "eprintln!", "std::env"];
    for (path, text) in sources() {
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if core.contains(&module) {
            let found = banned.iter().find(|word| without_tests(&text).contains(*word));
            assert_eq!(found, None, "{}", path.display());
        }
    }
}

#[test]
fn files_stay_readable() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines; the limit is {MOST_LINES}", path.display());
    }
}

#[test]
fn comments_stay_readable() {
    for (path, text) in sources() {
        let comments = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//"));
        for (number, line) in comments {
            let length = line.chars().count();
            assert!(
                length <= MOST_COMMENT_CHARACTERS,
                "{}:{}: the comment has {length} characters; the limit is {MOST_COMMENT_CHARACTERS}",
                path.display(),
                number + 1
            );
        }
    }
}

/// Files of tests, and the study, which chooses options as a recipe does.
const NO_USERS: [&str; 2] = ["tests.rs", "study.rs"];

#[test]
fn an_option_is_named_where_it_is_declared_and_where_it_is_used() {
    let sources = sources();
    for option in ["drop_path", "layer_decay", "decay_vectors", "clip_norm", "min_crop"] {
        let names = |text: &str| {
            without_tests(text).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == option)
        };
        let users = sources
            .iter()
            .filter(|(path, text)| !NO_USERS.iter().any(|file| path.ends_with(file)) && names(text));
        let users: Vec<_> = users.map(|(path, _)| path.display().to_string()).collect();
        assert!((1..=2).contains(&users.len()), "{option}: {users:?}");
    }
}

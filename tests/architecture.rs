//! The rules of the layout, checked on the sources: imports go down only and in no circle, and the UI never
//! sees a tensor.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// The path of a module or an item from the crate's root, name by name.
type ItemPath = Vec<String>;

/// The modules of the crate: the code of each, and what it imports, by name.
struct Modules {
    codes: BTreeMap<ItemPath, String>,
    imported: BTreeMap<ItemPath, BTreeMap<String, ItemPath>>,
}

impl Modules {
    fn read() -> Self {
        let is_test = |path: &Path| path.file_name().is_some_and(|name| name == "tests.rs");
        let code = |text: &str| {
            let lines = without_tests(text).lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.collect::<Vec<_>>().join("\n")
        };
        let sources = sources().into_iter().filter(|(path, _)| !is_test(path));
        let codes = sources.map(|(path, text)| (module_of(&path), code(&text))).collect();
        let mut modules = Self { codes, imported: BTreeMap::new() };
        for (module, code) in &modules.codes {
            let paths = use_trees(code).flat_map(|tree| use_paths(&tree));
            let paths = paths.filter_map(|(path, name)| Some((name, modules.of_root(module, &path)?)));
            let paths = paths.collect();
            modules.imported.insert(module.clone(), paths);
        }
        modules
    }

    /// Returns a path in a module as a path from the root, or `None` if it leads to another crate.
    fn of_root(&self, module: &[String], path: &[String]) -> Option<ItemPath> {
        let ups = path.iter().take_while(|name| *name == "super").count();
        let (base, rest) = match path.first()?.as_str() {
            "crate" if module.first().is_some_and(|name| name == "kernels") => (&module[..1], &path[1..]),
            "crate" => (&module[..0], &path[1..]),
            "self" => (module, &path[1..]),
            "super" => (&module[..module.len().checked_sub(ups)?], &path[ups..]),
            _ if self.codes.contains_key(&[module, &path[..1]].concat()) => (module, path),
            _ => return None,
        };
        Some([base, rest].concat())
    }

    /// Returns the module that declares an item, however many others re-export it.
    fn home(&self, path: &[String]) -> ItemPath {
        let depth = (0..=path.len()).rev().find(|depth| self.codes.contains_key(&path[..*depth])).unwrap();
        let (module, rest) = path.split_at(depth);
        match rest.first().and_then(|name| self.imported[module].get(name)) {
            Some(item) => self.home(&[item, &rest[1..]].concat()),
            None => module.to_vec(),
        }
    }

    /// Returns the imports between the children of each module. An import by anything below a child is the
    /// child's. Imports between a module's own file and its children are left out: a parent may have types
    /// for its children.
    fn arrows(&self) -> BTreeMap<ItemPath, BTreeSet<(String, String)>> {
        let mut arrows: BTreeMap<ItemPath, BTreeSet<_>> = BTreeMap::new();
        for (module, code) in &self.codes {
            let inline = inline_paths(code).filter_map(|path| self.of_root(module, &path));
            for item in self.imported[module].values().cloned().chain(inline) {
                let home = self.home(&item);
                let shared = module.iter().zip(&home).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (module.get(shared), home.get(shared)) {
                    let between = arrows.entry(home[..shared].to_vec()).or_default();
                    between.insert((from.clone(), to.clone()));
                }
            }
        }
        arrows
    }
}

/// Returns the module of a source file.
fn module_of(path: &Path) -> ItemPath {
    let path = path.with_extension("");
    let mut names: ItemPath = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    names.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
    names
}

/// Returns the tree of each `use` statement.
fn use_trees(code: &str) -> impl Iterator<Item = String> {
    let is_start =
        |line: &&str| line.starts_with("use ") || line.starts_with("pub") && line.contains(" use ");
    // Messages have words like `use`, too.
    let is_tree = |tree: &str| tree.chars().all(|c| c.is_alphanumeric() || "_:,{}* ".contains(c));
    code.split(';').filter_map(move |statement| {
        let lines: Vec<&str> = statement.lines().map(str::trim).collect();
        let start = lines.iter().rposition(is_start)?;
        let statement = lines[start..].join(" ");
        statement.split_once("use ").map(|(_, tree)| tree.to_owned()).filter(|tree| is_tree(tree))
    })
}

/// Returns the paths of a `use` tree, each with the name by which it is imported.
fn use_paths(tree: &str) -> Vec<(ItemPath, String)> {
    if let Some((before, rest)) = tree.split_once('{') {
        let mut depth = 0;
        let parts = rest.trim_end().strip_suffix('}').unwrap().split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && c == ','
        });
        let parts = parts.map(str::trim).filter(|part| !part.is_empty());
        return parts.flat_map(|part| use_paths(&format!("{before}{part}"))).collect();
    }
    let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path: ItemPath = path.split("::").map(|name| name.trim().to_owned()).collect();
    path.pop_if(|last| last == "self");
    let name = if alias.is_empty() { path.last().cloned().unwrap_or_default() } else { alias.to_owned() };
    vec![(path, name)]
}

/// Returns the paths in the code that begin with `crate` or `super`; of a `use` tree, its trunk.
fn inline_paths(code: &str) -> impl Iterator<Item = ItemPath> {
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    paths.map(|path| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[test]
fn no_circles_inside_modules() {
    let all = Modules::read().arrows();
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<ItemPath>();
    let known = ("folder".to_owned(), "atomic".to_owned());
    assert!(all[&path(&["train", "run"])].contains(&known), "imports are seen: {all:?}");
    let known = ("cli".to_owned(), "train".to_owned());
    assert!(all[&path(&[])].contains(&known), "re-exports are followed: {all:?}");
    for (module, mut arrows) in all {
        // What nothing imports, and what imports nothing, is in no circle.
        loop {
            let count = arrows.len();
            let from: BTreeSet<String> = arrows.iter().map(|(from, _)| from.clone()).collect();
            let to: BTreeSet<String> = arrows.iter().map(|(_, to)| to.clone()).collect();
            arrows.retain(|(start, end)| to.contains(start) && from.contains(end));
            if arrows.len() == count {
                break;
            }
        }
        let within = if module.is_empty() { "the crate".to_owned() } else { module.join("::") };
        assert!(arrows.is_empty(), "in {within}, files import each other in a circle: {arrows:?}");
    }
}

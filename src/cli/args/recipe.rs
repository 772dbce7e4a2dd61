//! Recipes: TOML files whose tables are verbs and whose keys are the verbs' flags.
//!
//! ```toml
//! [pretrain]
//! data = ["shard-0000.tar", "shard-0001.tar"]
//! epochs = 400
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use crate::files;

const FLAG: &str = "--recipe";

/// Suffixes of a flag on the command line that remove the recipe's flag.
const TAKEN_BACK: [&str; 2] = ["=false", "=none"];

/// Inserts the flags of the recipe before those of the command line. Flags on the command line replace the
/// recipe's, and `--flag=false` or `--flag=none` removes one of the recipe's.
pub(in crate::cli) fn expand(mut arguments: Vec<OsString>, command: &Command) -> Result<Vec<OsString>> {
    let Some(path) = recipe(&arguments) else { return Ok(arguments) };
    let Some(verb) = arguments.get(1).and_then(|verb| command.find_subcommand(verb)) else {
        return Ok(arguments);
    };
    let text = files::text(&path, files::TEXT).with_context(|| format!("`{}`", path.display()))?;
    let recipe: Table = text.parse().with_context(|| format!("`{}` is not valid TOML", path.display()))?;
    let flags = flags(&recipe, verb, &arguments).with_context(|| format!("`{}`", path.display()))?;
    let keys = recipe.get(verb.get_name()).and_then(Value::as_table).into_iter().flat_map(Table::keys);
    let names = keys.filter_map(|key| flag(verb, key)).flat_map(names);
    let taken_back: Vec<OsString> =
        names.flat_map(|name| TAKEN_BACK.map(|end| format!("--{name}{end}").into())).collect();
    arguments.retain(|argument| !taken_back.contains(argument));
    arguments.splice(2..2, flags);
    Ok(arguments)
}

/// Returns the value of every flag of a verb, whether given, from a recipe or by default.
pub(in crate::cli) fn resolved(arguments: Vec<OsString>, command: &Command) -> BTreeMap<String, String> {
    let expanded = expand(arguments, command).unwrap_or_default();
    let Ok(matches) = command.clone().try_get_matches_from(expanded) else { return BTreeMap::new() };
    let Some((verb, matches)) = matches.subcommand() else { return BTreeMap::new() };
    let flags = command.find_subcommand(verb).into_iter().flat_map(Command::get_arguments);
    let value = |flag: &Arg| {
        let values = matches.try_get_raw(flag.get_id().as_str()).ok()??;
        let values = values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(" ");
        // Flags such as `--no-masked-attention` are given when their option is off.
        let values = match flag.get_action() {
            ArgAction::SetFalse => (values == "false").to_string(),
            _ => values,
        };
        Some((flag.get_long()?.to_owned(), values))
    };
    flags.filter_map(value).collect()
}

/// Returns the flag of a verb that has this name, or had it in an earlier version.
fn flag<'a>(verb: &'a Command, name: &str) -> Option<&'a Arg> {
    verb.get_arguments().find(|flag| names(flag).any(|known| known == name))
}

/// Returns the names of a flag, the current one first.
fn names(flag: &Arg) -> impl Iterator<Item = &str> {
    flag.get_long().into_iter().chain(flag.get_all_aliases().into_iter().flatten())
}

/// Returns the current name of a verb's flag.
pub(in crate::cli) fn renamed(verb: &str, name: String, command: &Command) -> String {
    let flag = command.find_subcommand(verb).and_then(|verb| flag(verb, &name));
    flag.and_then(Arg::get_long).map_or(name, str::to_owned)
}

/// Returns the file after `--recipe`.
fn recipe(arguments: &[OsString]) -> Option<PathBuf> {
    let after = |flag: &OsString| flag.to_str()?.strip_prefix(FLAG)?.strip_prefix('=').map(PathBuf::from);
    let next = arguments.iter().skip_while(|argument| *argument != FLAG).nth(1).map(PathBuf::from);
    next.or_else(|| arguments.iter().find_map(after))
}

fn flags(recipe: &Table, verb: &Command, given: &[OsString]) -> Result<Vec<OsString>> {
    let name = verb.get_name();
    let Some(table) = recipe.get(name).and_then(Value::as_table) else {
        let tables = recipe.iter().filter(|(_, value)| value.is_table());
        let verbs: Vec<&str> = tables.map(|(key, _)| key.as_str()).collect();
        bail!("it has no table [{name}], only: {}", verbs.join(", "));
    };
    let mut flags = Vec::new();
    for (key, value) in table {
        let Some(known) = flag(verb, key) else {
            bail!("[{name}] has `{key}`, which is not a flag of `mae-seg {name}`; see its --help");
        };
        let flag = format!("--{key}");
        let is_this = |argument: &OsString| {
            let given = argument.to_str().and_then(|text| text.strip_prefix("--")?.split('=').next());
            given.is_some_and(|given| names(known).any(|name| name == given))
        };
        if given.iter().any(is_this) || matches!(value, Value::Boolean(false)) {
            continue;
        }
        match (values(value).with_context(|| format!("[{name}] {key}"))?.as_slice(), value) {
            // Passed as one word, so that a leading minus does not begin a flag.
            ([only], Value::String(_) | Value::Integer(_) | Value::Float(_)) => {
                flags.push(format!("{flag}={only}").into());
            }
            (values, _) => {
                flags.push(flag.into());
                flags.extend(values.iter().map(OsString::from));
            }
        }
    }
    Ok(flags)
}

/// Returns the words that follow a flag on the command line.
fn values(value: &Value) -> Result<Vec<String>> {
    Ok(match value {
        Value::String(text) => vec![text.clone()],
        Value::Integer(number) => vec![number.to_string()],
        Value::Float(number) => vec![number.to_string()],
        Value::Boolean(_) => Vec::new(),
        Value::Array(all) => all.iter().map(values).collect::<Result<Vec<_>>>()?.concat(),
        Value::Datetime(_) | Value::Table(_) => bail!("a flag takes text, a number, true or a list of these"),
    })
}

/// Returns the path of a recipe if that file exists; used for the flag itself, which [`expand`] has already
/// followed.
pub(in crate::cli) fn existing(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if path.is_file() { Ok(path.to_owned()) } else { Err("no such file".to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn command() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name);
        Command::new("mae-seg").subcommand(
            Command::new("pretrain")
                .arg(flag("epochs").alias("passes"))
                .arg(flag("base-lr"))
                .arg(flag("raw-pixels").action(ArgAction::SetTrue))
                .arg(flag("no-flip").action(ArgAction::SetFalse))
                .arg(flag("recipe"))
                .arg(flag("data").num_args(1..)),
        )
    }

    fn expanded(recipe: &str, given: &[&str]) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        fs::write(&path, recipe).unwrap();
        let path = path.to_str().unwrap();
        let given = ["mae-seg", "pretrain", "--recipe", path]
            .into_iter()
            .chain(given.iter().copied())
            .map(OsString::from);
        let all = expand(given.collect(), &command())?;
        Ok(all.into_iter().map(|text| text.into_string().unwrap()).filter(|text| text != path).collect())
    }

    #[test]
    fn keys_become_flags_and_given_flags_win() {
        let recipe = "[pretrain]\nepochs = 800\nbase-lr = 1.5e-4\nraw-pixels = true\ndata = ['a', 'b']\n[finetune]\nsteps = 3\n";
        let all = expanded(recipe, &["--epochs=3"]).unwrap().join(" ");
        assert_eq!(all, "mae-seg pretrain --base-lr=0.00015 --data a b --raw-pixels --recipe --epochs=3");
        let all = expanded(recipe, &["--data", "c", "--base-lr", "1"]).unwrap().join(" ");
        assert_eq!(all, "mae-seg pretrain --epochs=800 --raw-pixels --recipe --data c --base-lr 1");
    }

    #[test]
    fn flags_of_the_recipe_are_taken_back() {
        let recipe = "[pretrain]\nepochs = 800\nraw-pixels = true\ndata = ['a', 'b']\n";
        let all = expanded(recipe, &["--raw-pixels=false", "--data=none"]).unwrap().join(" ");
        assert_eq!(all, "mae-seg pretrain --epochs=800 --recipe");
        let all = expanded(recipe, &["--base-lr=none"]).unwrap().join(" ");
        assert!(all.ends_with("--base-lr=none"), "what the recipe does not say is not taken back: {all}");
    }

    #[test]
    fn flags_go_by_the_names_of_earlier_versions_too() {
        let recipe = "[pretrain]\npasses = 800\n";
        assert_eq!(expanded(recipe, &[]).unwrap()[2], "--passes=800");
        for given in ["--epochs=3", "--passes=3"] {
            assert_eq!(expanded(recipe, &[given]).unwrap()[2..], ["--recipe", given]);
        }
        assert_eq!(expanded(recipe, &["--epochs=none"]).unwrap()[2..], ["--recipe"]);
        assert_eq!(renamed("pretrain", "passes".to_owned(), &command()), "epochs");
        assert_eq!(renamed("pretrain", "gone".to_owned(), &command()), "gone");
    }

    #[test]
    fn every_flag_is_told() {
        let words = ["mae-seg", "pretrain", "--epochs", "3", "--data", "a", "b"].map(OsString::from);
        let flags = resolved(words.into(), &command());
        let told: Vec<_> = flags.iter().map(|(flag, value)| format!("{flag}={value}")).collect();
        assert_eq!(told, ["data=a b", "epochs=3", "no-flip=false", "raw-pixels=false"]);
    }

    #[test]
    fn a_minus_begins_no_flag_and_a_list_is_many_words() {
        let all = expanded("[pretrain]\nbase-lr = -1.5\ndata = ['-a', 'b']\n", &[]).unwrap().join(" ");
        assert_eq!(all, "mae-seg pretrain --base-lr=-1.5 --data -a b --recipe");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |recipe: &str| format!("{:#}", expanded(recipe, &[]).unwrap_err());
        assert!(
            error("[pretrain]\nepoch = 3").contains("`epoch`, which is not a flag of `mae-seg pretrain`")
        );
        assert!(error("[finetune]\nsteps = 3").contains("no table [pretrain], only: finetune"));
        assert!(error("pretrain = 3\n[eval]").ends_with("only: eval"));
        assert!(error("[pretrain").contains("not valid TOML"));
        assert!(error("[pretrain]\nepochs = { a = 1 }").contains("[pretrain] epochs"));
    }
}

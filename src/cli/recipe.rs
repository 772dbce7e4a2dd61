//! Recipes: TOML files whose tables are verbs and whose keys are the verbs' flags.
//!
//! ```toml
//! [pretrain]
//! data = ["shard-0000.tar", "shard-0001.tar"]
//! epochs = 400
//! ```

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Command;
use toml::{Table, Value};

const FLAG: &str = "--recipe";

/// Puts what the recipe says before what the command line says; flags given there replace the recipe's.
pub(super) fn expand(mut arguments: Vec<OsString>, command: &Command) -> Result<Vec<OsString>> {
    let Some(path) = recipe(&arguments) else { return Ok(arguments) };
    let Some(verb) = arguments.get(1).and_then(|verb| command.find_subcommand(verb)) else {
        return Ok(arguments);
    };
    let text = fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
    let recipe: Table = text.parse().with_context(|| format!("`{}` is no TOML", path.display()))?;
    let flags = flags(&recipe, verb, &arguments).with_context(|| format!("`{}`", path.display()))?;
    arguments.splice(2..2, flags);
    Ok(arguments)
}

/// The file after `--recipe`.
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
        if !verb.get_arguments().any(|argument| argument.get_long() == Some(key)) {
            bail!("[{name}] has `{key}`, which is no flag of `mae-seg {name}`; see its --help");
        }
        let flag = format!("--{key}");
        let is_this = |argument: &OsString| {
            argument.to_str().is_some_and(|text| text.split('=').next() == Some(flag.as_str()))
        };
        if given.iter().any(is_this) || matches!(value, Value::Boolean(false)) {
            continue;
        }
        match (values(value).with_context(|| format!("[{name}] {key}"))?.as_slice(), value) {
            // In one word, so that a minus begins no flag.
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

/// What stands after a flag on the command line.
fn values(value: &Value) -> Result<Vec<String>> {
    Ok(match value {
        Value::String(text) => vec![text.clone()],
        Value::Integer(number) => vec![number.to_string()],
        Value::Float(number) => vec![number.to_string()],
        Value::Boolean(_) => Vec::new(),
        Value::Array(all) => all.iter().map(values).collect::<Result<Vec<_>>>()?.concat(),
        Value::Datetime(_) | Value::Table(_) => bail!("a flag takes text, numbers, true or lists of them"),
    })
}

/// Whether a path names a recipe that can be read: for the flag that [`expand`] has followed already.
pub(super) fn existing(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if path.is_file() { Ok(path.to_owned()) } else { Err("no such file".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn command() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name);
        Command::new("mae-seg").subcommand(
            Command::new("pretrain")
                .arg(flag("epochs"))
                .arg(flag("base-lr"))
                .arg(flag("raw-pixels").action(ArgAction::SetTrue))
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
    fn a_minus_begins_no_flag_and_a_list_is_many_words() {
        let all = expanded("[pretrain]\nbase-lr = -1.5\ndata = ['-a', 'b']\n", &[]).unwrap().join(" ");
        assert_eq!(all, "mae-seg pretrain --base-lr=-1.5 --data -a b --recipe");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |recipe: &str| format!("{:#}", expanded(recipe, &[]).unwrap_err());
        assert!(error("[pretrain]\nepoch = 3").contains("`epoch`, which is no flag of `mae-seg pretrain`"));
        assert!(error("[finetune]\nsteps = 3").contains("no table [pretrain], only: finetune"));
        assert!(error("pretrain = 3\n[eval]").ends_with("only: eval"));
        assert!(error("[pretrain").contains("no TOML"));
        assert!(error("[pretrain]\nepochs = { a = 1 }").contains("[pretrain] epochs"));
    }
}

//! The command line: `mae-seg VERB …`.
//!
//! Results go to stdout, progress and errors to stderr. The exit code is 0 for success, 1 for failure, 2
//! for wrong usage and 130 for training that was stopped by a signal.

mod args;
mod compare;
mod contrast;
mod eval;
mod export;
mod finetune;
mod import;
mod inspect;
mod predict;
mod pretrain;
mod probe;
mod reconstruct;
mod render;
mod role;
mod source;
mod terminal;
mod training;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::panic;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use self::args::recipe;
use self::terminal::progress::say;
use self::terminal::stop::INTERRUPTED;
use crate::image::is_decoding;
use crate::text::one_line;
use crate::train::TrainError;

const EXAMPLES: &str = "\
Examples:
  mae-seg predict photo.jpg                       segment a photo with the bundled weights
  mae-seg predict photo.jpg --json > found.json   write the objects as COCO results
  mae-seg eval --annotations val.json --images .  measure average precision

From photos to your own model:
  mae-seg pretrain --data photos/ --out runs/mae
  mae-seg finetune --train train.json --images . --encoder runs/mae --out runs/seg
  mae-seg eval --weights runs/seg --annotations val.json --images . --report report
  mae-seg compare runs/seg runs/other
  mae-seg export runs/seg --out my-model";

#[derive(Debug, Parser)]
#[command(name = "mae-seg", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Predict(predict::Arguments),
    Eval(eval::Arguments),
    Probe(probe::Arguments),
    Reconstruct(reconstruct::Arguments),
    Compare(compare::Arguments),
    Role(role::Arguments),
    Pretrain(pretrain::Arguments),
    Contrast(contrast::Arguments),
    Finetune(Box<finetune::Arguments>),
    Export(export::Arguments),
    Import(import::Arguments),
    Inspect(inspect::Arguments),
}

/// Burn's default device, unless the environment names another. Burn first loads an optimiser's state onto
/// its default device, which would otherwise be a GPU, whatever `--device` says: a machine without one would
/// fail, and one with a slow driver could crash if the program ends before the last upload.
const DEFAULT_DEVICE: &str = "BURN_DEVICE=flex";

/// Reads the arguments, runs the verb and reports the outcome.
#[must_use]
pub fn run() -> ExitCode {
    let cli = parse();
    leave_decoders_in_peace();
    if let Err(error) = dotenvy::from_read(DEFAULT_DEVICE.as_bytes()) {
        complain(&error.into());
        return ExitCode::FAILURE;
    }
    let outcome = match cli.verb {
        Verb::Predict(arguments) => predict::run(&arguments),
        Verb::Eval(arguments) => eval::run(&arguments),
        Verb::Probe(arguments) => probe::run(&arguments),
        Verb::Reconstruct(arguments) => reconstruct::run(&arguments),
        Verb::Compare(arguments) => compare::run(&arguments),
        Verb::Role(arguments) => role::run(&arguments),
        Verb::Pretrain(arguments) => pretrain::run(&arguments),
        Verb::Contrast(arguments) => contrast::run(&arguments),
        Verb::Finetune(arguments) => finetune::run(&arguments),
        Verb::Export(arguments) => export::run(&arguments),
        Verb::Import(arguments) => import::run(&arguments),
        Verb::Inspect(arguments) => inspect::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if matches!(error.downcast_ref(), Some(TrainError::Stopped { .. })) => {
            say(&error.to_string());
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            complain(&error);
            if error.is::<WrongUsage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Suppresses the panic messages of image decoders: such a panic becomes the error of its photo, and the
/// others go on.
fn leave_decoders_in_peace() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !is_decoding() {
            report(panic);
        }
    }));
}

/// Checks a command line, and the recipe that it names, without running the verb.
///
/// # Errors
/// What the program would print before it ends.
pub fn check(arguments: Vec<OsString>) -> Result<(), String> {
    let arguments = recipe::expand(arguments, &Cli::command()).map_err(|error| format!("{error:#}"))?;
    Cli::try_parse_from(arguments).map(drop).map_err(|error| error.to_string())
}

/// Parses the arguments, including the flags of a recipe.
fn parse() -> Cli {
    let mut command = Cli::command();
    match recipe::expand(std::env::args_os().collect(), &command) {
        Ok(arguments) => Cli::parse_from(arguments),
        Err(error) => command.error(ErrorKind::ValueValidation, format!("{error:#}")).exit(),
    }
}

/// An error in the usage of the program that no file could make right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongUsage(String);

/// Returns an error that ends the program as a wrong flag does.
fn wrong_usage(reason: impl Display) -> anyhow::Error {
    WrongUsage(reason.to_string()).into()
}

/// Number of characters of an error that are shown, from its beginning and from its end: a name in a file can
/// be as long as the file.
const SHOWN: [usize; 2] = [2000, 500];

/// Prints an error as one line on stderr; a closed stderr is not an error.
fn complain(error: &anyhow::Error) {
    let text = told(error);
    let _ = writeln!(std::io::stderr(), "error: {}", one_line(&shortened(&text)));
}

fn shortened(text: &str) -> Cow<'_, str> {
    let [first, last] = SHOWN;
    let count = text.chars().count();
    if count <= first + last {
        return Cow::Borrowed(text);
    }
    let [start, end] =
        [text.chars().take(first).collect::<String>(), text.chars().skip(count - last).collect()];
    Cow::Owned(format!("{start} … {end}"))
}

/// Returns the error and its causes, without those that the error already names.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.ends_with(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = |text: &'static str| anyhow::Error::msg("gone").context(text);
        assert_eq!(told(&error("`a.tar`: gone")), "`a.tar`: gone");
        assert_eq!(told(&error("reading `a.tar`")), "reading `a.tar`: gone");
    }

    #[test]
    fn a_name_as_long_as_a_file_makes_no_error_of_its_length() {
        let text = format!("model.safetensors: {} is no tensor", "x".repeat(1 << 20));
        let shown = shortened(&text);
        assert!(
            shown.len() < 3000
                && shown.starts_with("model.safetensors: x")
                && shown.ends_with("is no tensor")
        );
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn what_is_no_number_is_refused_in_words() {
        for verb in Cli::command().get_subcommands() {
            let flags = verb.get_arguments().filter(|flag| flag.get_action().takes_values());
            for flag in flags.filter_map(|flag| flag.get_long()) {
                let line = ["mae-seg".to_owned(), verb.get_name().to_owned(), format!("--{flag}=-1x")];
                let Err(error) = Cli::command().try_get_matches_from(line) else { continue };
                let text = error.to_string();
                let rusts = ["invalid digit", "invalid float", "cannot parse", "number too"]
                    .iter()
                    .any(|words| text.contains(words));
                assert!(!rusts, "{} --{flag}: {text}", verb.get_name());
            }
        }
    }

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_keep_the_names_that_they_had() {
        let finetune = "finetune --train a --images b --out c --average 0.9 --accumulate 2 --decay-vectors \
            --min-zoom 0.5 --max-zoom 2 --even-zoom --least-area 1 --colour 0 --paste 0 --transplants 0 \
            --teacher-features d --teacher-coefficient 1";
        let pretrain =
            "pretrain --data a --out b --average 0.9 --fall-after 1 --colour 0 --teacher-features d";
        for line in [finetune, pretrain, "contrast --data a --out b --colour 0 --accumulate 1"] {
            let words = ["mae-seg"].into_iter().chain(line.split_whitespace());
            Cli::command().try_get_matches_from(words).unwrap();
        }
    }

    #[test]
    fn every_recipe_can_be_followed() {
        let inside = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let folders = inside(&root).filter(|path| path.is_dir()).chain([root.clone()]);
        let files = folders.flat_map(|folder| inside(&folder).collect::<Vec<_>>());
        let recipes: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
        assert!(recipes.len() >= 9);
        for path in recipes {
            let text = fs::read_to_string(&path).unwrap();
            for verb in text.parse::<toml::Table>().unwrap().keys() {
                let given: &[&str] = match verb.as_str() {
                    "pretrain" => &["--data", "x", "--out", "run"],
                    "role" => &["--data", "x", "--train", "x", "--val", "x", "--images", "x", "--out", "run"],
                    _ => &["--train", "x", "--images", "x", "--out", "run"],
                };
                let line = ["mae-seg", verb, "--recipe", path.to_str().unwrap()];
                let line = line.into_iter().chain(given.iter().copied()).map(Into::into).collect();
                check(line).unwrap();
            }
        }
    }
}

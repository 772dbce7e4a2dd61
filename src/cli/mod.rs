//! The command line: `mae-seg VERB …`.
//!
//! Results go to stdout, progress and errors to stderr. Exit code 0: done; 1: failed; 2: wrong usage.

mod asked;
mod bundled;
mod chart;
mod compare;
mod contrast;
mod device;
mod draw;
mod encoder;
mod eval;
mod export;
mod finetune;
mod html;
mod import;
mod inspect;
#[cfg_attr(not(feature = "tui"), path = "live_off.rs")]
mod live;
mod output;
#[cfg_attr(not(feature = "mpi"), path = "peers_off.rs")]
mod peers;
mod predict;
mod pretrain;
mod probe;
mod progress;
mod recipe;
mod reconstruct;
mod report;
mod role;
mod shards;
mod steps;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  mae-seg predict photo.jpg                       find the objects of a photo, with the bundled weights
  mae-seg predict photo.jpg --json > found.json   the same as COCO results
  mae-seg eval --annotations val.json --images .  measure average precision

From photos to your own model:
  mae-seg pretrain --data photos/ --out runs/mae
  mae-seg finetune --train train.json --images . --encoder runs/mae --tune full --labels supercategory --out runs/seg
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

/// Unless the environment names another, the device that is always there is Burn's default. It loads what an optimiser
/// knows onto its default first, which were a GPU otherwise, whatever `--device` says: a machine without one would stop,
/// and one with a slow driver crash when the program ends before the last upload.
const DEFAULT_DEVICE: &str = "BURN_DEVICE=flex";

/// Reads the arguments, does what they ask for and says how it went.
#[must_use]
pub fn run() -> ExitCode {
    let cli = parse();
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
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The arguments, a recipe's flags among them.
fn parse() -> Cli {
    let mut command = Cli::command();
    match recipe::expand(std::env::args_os().collect(), &command) {
        Ok(arguments) => Cli::parse_from(arguments),
        Err(error) => command.error(ErrorKind::ValueValidation, format!("{error:#}")).exit(),
    }
}

/// Reads a number from `least` to `most`.
fn number<T: FromStr + PartialOrd + Display + Copy>(
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if least <= number && number <= most => Ok(number),
        _ => Err(format!("a number from {least} to {most} is needed")),
    }
}

/// Reads a count that must not be zero.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number from 1 on is needed".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// Reads the side that photos are brought to, in pixels.
fn image_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(side) if (16..=4096).contains(&side) => Ok(side),
        _ => Err("a whole number from 16 to 4096 is needed".to_owned()),
    }
}

/// One sentence on stderr; a closed stderr is no reason to stop.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "error: {}", told(error));
}

/// The error and its causes; those that it names itself are not told twice.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        before if before.ends_with(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = |text: &'static str| anyhow::Error::msg("gone").context(text);
        assert_eq!(told(&error("`a.tar`: gone")), "`a.tar`: gone");
        assert_eq!(told(&error("reading `a.tar`")), "reading `a.tar`: gone");
    }

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_recipe_can_be_followed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let recipes: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
        assert!(recipes.len() >= 6);
        for path in recipes {
            let text = std::fs::read_to_string(&path).unwrap();
            for verb in text.parse::<toml::Table>().unwrap().keys() {
                let given: &[&str] = match verb.as_str() {
                    "pretrain" => &["--data", "x", "--out", "run"],
                    "role" => &["--data", "x", "--train", "x", "--val", "x", "--images", "x", "--out", "run"],
                    _ => &["--train", "x", "--images", "x", "--out", "run"],
                };
                let line = ["mae-seg", verb, "--recipe", path.to_str().unwrap()];
                let line = line.into_iter().chain(given.iter().copied()).map(Into::into).collect();
                let line = recipe::expand(line, &Cli::command()).unwrap();
                Cli::command().try_get_matches_from(line).unwrap();
            }
        }
    }
}

//! Values and defaults of flags on the command line.

use std::fmt::Display;
use std::str::FromStr;

use clap::{Args, Parser};

/// Returns the options of a command line without flags, so that each default is written once, at its flag.
pub(crate) fn defaults<O: Args>() -> O {
    #[derive(Parser)]
    struct CommandLine<O: Args> {
        #[command(flatten)]
        options: O,
    }
    CommandLine::parse_from([""]).options
}

/// Lets clap read a type from the flags of a struct that it is made from.
macro_rules! read_from_flags {
    ($made:ty, $flags:ty) => {
        impl clap::FromArgMatches for $made {
            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                <$flags as clap::FromArgMatches>::from_arg_matches(matches).map(Into::into)
            }

            fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
                *self = <Self as clap::FromArgMatches>::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl clap::Args for $made {
            fn augment_args(command: clap::Command) -> clap::Command {
                <$flags as clap::Args>::augment_args(command)
            }

            fn augment_args_for_update(command: clap::Command) -> clap::Command {
                <$flags as clap::Args>::augment_args_for_update(command)
            }
        }
    };
}

pub(crate) use read_from_flags;

/// Reads a number from `least` to `most`.
pub(crate) fn number<T: FromStr + PartialOrd + Display + Copy>(
    least: T,
    most: T,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    within(move |number| least <= number && number <= most, format!("from {least} to {most}"))
}

/// Reads a number above 0, up to `most`.
pub(crate) fn above_zero(most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    within(move |number| 0.0 < number && number <= most, format!("above 0 and up to {most}"))
}

/// Reads a share from 0 on that is not the whole.
pub(crate) fn below_one(text: &str) -> Result<f64, String> {
    within(|number| (0.0..1.0).contains(&number), "of at least 0 and below 1".to_owned())(text)
}

/// Reads a share that is neither nothing nor the whole.
pub(crate) fn between_zero_and_one(text: &str) -> Result<f64, String> {
    within(|number| 0.0 < number && number < 1.0, "above 0 and below 1".to_owned())(text)
}

fn within<T: FromStr + Copy>(
    is_right: impl Fn(T) -> bool + Clone,
    range: String,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        text.parse()
            .ok()
            .filter(|number| is_right(*number))
            .ok_or_else(|| format!("expected a number {range}"))
    }
}

/// Reads a whole number from 0 on.
pub(crate) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_unsaid| "expected a whole number of 0 or more".to_owned())
}

/// Reads a count that must not be zero.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number of 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// Reads how many parts a photo is looked at in, along each of its sides.
pub(crate) fn tiles(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(tiles) if (1..=16).contains(&tiles) => Ok(tiles),
        _ => Err("expected a whole number from 1 to 16".to_owned()),
    }
}

/// Reads the side that photos are brought to, in pixels.
pub(crate) fn image_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(side) if (16..=4096).contains(&side) => Ok(side),
        _ => Err("expected a whole number from 16 to 4096".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_ranges_are_kept_to() {
        assert_eq!(number(0.0, 1.0)("1"), Ok(1.0));
        assert_eq!(number(0.0, 1.0)("NaN"), Err("expected a number from 0 to 1".to_owned()));
        assert!(above_zero(9.0)("0").is_err() && above_zero(9.0)("9").is_ok());
        assert!(below_one("0").is_ok() && below_one("1").is_err());
        assert!(between_zero_and_one("0").is_err() && between_zero_and_one("0.5").is_ok());
        assert!(whole::<u64>("0").is_ok() && whole::<u64>("-1").is_err());
        assert!(at_least_one("0").is_err() && image_size("15").is_err());
    }
}

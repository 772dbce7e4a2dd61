//! `mae-seg compare`: compares training runs side by side.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, CommandFactory as _};

use super::Cli;
use super::args::recipe;
use super::render::{Line, Page, Words, chart, png};
use super::terminal::output::{check_replaceable, print_line, write_file};
use crate::text::one_line;
use crate::train::{Run, differences};

const EXAMPLES: &str = "\
Prints the final metrics of each run and the options that differ. Losses are averaged over the last \
twentieth of the steps.

Examples:
  mae-seg compare runs/a runs/b
  mae-seg compare runs/* --out comparison";

/// A smoothed value is the mean over one in this many steps.
const SMOOTHING: usize = 20;

/// Compare training runs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Training runs to compare
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Write compare.html with the curves of every metric, and each curve as PNG
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Opens a run and renames its flags to their current names.
fn open(folder: &Path) -> Result<Run> {
    let (mut run, command) = (Run::open(folder)?, Cli::command());
    let verb = run.options.get("verb").cloned().unwrap_or_default();
    let today = |(name, value): (String, String)| match name.strip_prefix("--") {
        Some(flag) => (format!("--{}", recipe::renamed(&verb, flag.to_owned(), &command)), value),
        None => (name, value),
    };
    run.flags = run.flags.map(|flags| flags.into_iter().map(today).collect());
    Ok(run)
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let runs: Vec<Run> = arguments.runs.iter().map(|run| open(run)).collect::<Result<_>>()?;
    let table = table(&runs);
    if let Some(folder) = &arguments.out {
        write(folder, &runs, &table)?;
    }
    print_line(&aligned(&table))
}

/// Returns the losses that every run logged, then the other metrics.
fn metrics(runs: &[Run]) -> Vec<String> {
    let mut names: Vec<String> = runs.iter().flat_map(Run::metrics).collect();
    names.sort_unstable_by_key(|name| (name != "loss", name.clone()));
    names.dedup();
    names
}

/// Returns a header and a row for each compared property: its name, then the value of each run.
fn table(runs: &[Run]) -> Vec<Vec<String>> {
    let row = |name: &str, value: &dyn Fn(&Run) -> Option<String>| {
        let values = runs.iter().map(|run| value(run).unwrap_or_else(|| "–".to_owned()));
        [name.to_owned()]
            .into_iter()
            .chain(values)
            .map(|cell| one_line(&cell).into_owned())
            .collect::<Vec<_>>()
    };
    let last = |run: &Run, name: &str| run.steps.values().next_back()?.get(name).copied();
    let mut rows = vec![
        row("", &|run| Some(run.name.clone())),
        row("steps", &|run| {
            let done = run.steps.keys().next_back().copied().unwrap_or(0);
            Some(last(run, "steps").map_or(done.to_string(), |all| format!("{done} of {all}")))
        }),
    ];
    for metric in metrics(runs) {
        let value = |run: &Run| match metric.as_str() {
            "epoch" => last(run, "epoch").map(|epoch| format!("{epoch:.2}")),
            "learning_rate" => {
                let most = run.smoothed(&metric, 1).into_iter().map(|(_, rate)| rate).reduce(f64::max);
                most.map(|rate| format!("{rate:.2e}"))
            }
            _ => smooth(run, &metric).last().map(|(_, value)| format!("{value:.4}")),
        };
        let name = if metric == "learning_rate" { "highest learning_rate" } else { &metric };
        rows.push(row(name, &value));
    }
    let differing = differences(runs).into_iter();
    let shown = |cell: String| one_line(&cell).into_owned();
    rows.extend(differing.map(|(name, values)| [name].into_iter().chain(values).map(shown).collect()));
    rows
}

/// Smooths a metric by means over a fixed share of its values, so that a rarely measured metric is shown
/// unsmoothed.
fn smooth(run: &Run, metric: &str) -> Vec<(f64, f64)> {
    run.smoothed(metric, run.smoothed(metric, 1).len() / SMOOTHING)
}

fn aligned(table: &[Vec<String>]) -> String {
    let columns = table.first().map_or(0, Vec::len);
    let width = |at: usize| table.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns a distinct file name for the picture of each metric.
fn files_of(metrics: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut free = |metric: &String| {
        let plain = metric.replace(['/', '\\'], "-");
        let numbered = (2..).map(|number| format!("{plain}-{number}.png"));
        let mut names = [format!("{plain}.png")].into_iter().chain(numbered);
        names.find(|name| taken.insert(name.to_lowercase())).unwrap_or_default()
    };
    metrics.iter().map(&mut free).collect()
}

fn write(folder: &Path, runs: &[Run], table: &[Vec<String>]) -> Result<()> {
    let metrics: Vec<String> = metrics(runs).into_iter().filter(|metric| metric != "epoch").collect();
    let pictures = files_of(&metrics);
    let names: Vec<&str> = pictures.iter().map(String::as_str).chain(["compare.html"]).collect();
    check_replaceable(folder, &names)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let mut page = Page::new("Training runs");
    if let Some((head, rows)) = table.split_first() {
        page.table(&head.iter().map(String::as_str).collect::<Vec<_>>(), rows);
    }
    for (metric, file) in metrics.iter().zip(&pictures) {
        let line = |run: &Run| {
            let points = smooth(run, metric);
            (!points.is_empty()).then(|| Line { name: run.name.clone(), points, ..Line::default() })
        };
        let lines: Vec<Line> = runs.iter().filter_map(line).collect();
        let words = Words { title: metric, x: "step", y: metric, x_names: &[] };
        let picture = png(&chart(words, &lines, None)?.into())?;
        page.heading(metric);
        page.picture(&format!("{metric} of each run, by step"), &picture);
        write_file(&folder.join(file), &picture)?;
    }
    write_file(&folder.join("compare.html"), page.finish().as_bytes())
}

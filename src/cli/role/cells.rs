//! Measurements of the study: one cell per encoder, tuning and seed.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::terminal::output::{percent, write_file};
use crate::files;

/// The option that identifies the photos by their fingerprints; results of earlier versions lack it.
pub(super) const PHOTOS: &str = "photos";

/// The ways to train the encoder, in the order of the table.
pub(super) const ENCODERS: [&str; 4] = ["from scratch", "contrast", "mask tokens", "MAE"];
/// The parts of the encoder that are fine-tuned.
pub(super) const TUNINGS: [&str; 3] = ["frozen", "last blocks", "full"];

/// The measurements of one fine-tuned encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) encoder: String,
    pub(super) tuning: String,
    pub(super) seed: u64,
    /// Class-agnostic mask AP, 0 to 1.
    pub(super) ap: f64,
    pub(super) ap50: f64,
    /// Recall with 100 masks per photo.
    pub(super) ar100: f64,
    /// CPU seconds of the encoder's pretraining, extrapolated from the last start if it was interrupted;
    /// shared by its tunings.
    pub(super) pretraining_seconds: f64,
    pub(super) finetuning_seconds: f64,
}

/// All cells so far, saved after each one.
#[derive(Debug)]
pub(super) struct Cells {
    path: PathBuf,
    results: Results,
}

/// The contents of role.json.
#[derive(Debug, Serialize, Deserialize)]
struct Results {
    /// The options shared by all cells.
    options: Value,
    cells: Vec<Cell>,
}

impl Cells {
    /// Opens the cells in the file at `path`, or starts without any; fails if they were measured with other
    /// options than `options`.
    pub(super) fn open(path: &Path, options: &Value) -> Result<Self> {
        let mut results: Results = match files::read(path, files::TEXT) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} does not hold a study's results", path.display()))?,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| path.display().to_string());
            }
            Err(_) => Results { options: options.clone(), cells: Vec::new() },
        };
        if let (Some(known), Some(photos)) = (results.options.as_object_mut(), options.get(PHOTOS)) {
            known.entry(PHOTOS).or_insert_with(|| photos.clone());
        }
        if results.options != *options {
            bail!(
                "{} holds a study with other options; use the same options or choose another --out",
                path.display()
            );
        }
        Ok(Self { path: path.to_owned(), results })
    }

    pub(super) fn has(&self, encoder: &str, tuning: &str, seed: u64) -> bool {
        self.results
            .cells
            .iter()
            .any(|cell| cell.encoder == encoder && cell.tuning == tuning && cell.seed == seed)
    }

    pub(super) fn add(&mut self, cell: Cell) -> Result<()> {
        self.results.cells.push(cell);
        write_file(&self.path, &serde_json::to_vec_pretty(&self.results)?)
    }

    fn of(&self, encoder: &str, tuning: Option<&str>, number: fn(&Cell) -> f64) -> Vec<f64> {
        let wanted =
            |cell: &&Cell| cell.encoder == encoder && tuning.is_none_or(|tuning| cell.tuning == tuning);
        self.results.cells.iter().filter(wanted).map(number).collect()
    }

    /// Returns the mean and standard deviation of AP50 over the seeds.
    pub(super) fn ap50(&self, encoder: &str, tuning: &str) -> Option<Spread> {
        Spread::of(&self.of(encoder, Some(tuning), |cell| cell.ap50))
    }

    pub(super) fn table(&self) -> Table {
        let minutes = |values: Vec<f64>| {
            Spread::of(&values).map_or_else(|| "–".to_owned(), |spread| format!("{:.1}", spread.mean / 60.0))
        };
        let row = |encoder: &&str| {
            let measured = TUNINGS.iter().flat_map(|tuning| {
                let number = |number| Spread::of(&self.of(encoder, Some(tuning), number));
                let text = |spread: Option<Spread>| spread.map_or("–".to_owned(), |spread| spread.text());
                [text(number(|cell| cell.ap)), text(number(|cell| cell.ap50))]
            });
            let costs = [
                minutes(self.of(encoder, None, |cell| cell.pretraining_seconds)),
                minutes(self.of(encoder, None, |cell| cell.finetuning_seconds)),
            ];
            [(*encoder).to_owned()].into_iter().chain(measured).chain(costs).collect()
        };
        Table { rows: ENCODERS.iter().map(row).collect() }
    }
}

/// A mean and sample standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) mean: f64,
    /// `None` for a single value.
    pub(super) deviation: Option<f64>,
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let deviation = (values.len() > 1).then(|| variance.sqrt());
        (!values.is_empty()).then_some(Self { mean, deviation })
    }

    fn text(self) -> String {
        let deviation = self.deviation.map(|deviation| format!(" ± {}", percent(Some(deviation))));
        percent(Some(self.mean)) + &deviation.unwrap_or_default()
    }
}

/// The results of the study as a table.
#[derive(Debug)]
pub(super) struct Table {
    /// Encoder; AP and AP50 of each tuning in percent; CPU minutes.
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn head(&self) -> [&'static str; 9] {
        [
            "encoder",
            "frozen AP",
            "AP50",
            "last blocks AP",
            "AP50",
            "full AP",
            "AP50",
            "pretraining, CPU min",
            "fine-tuning, CPU min",
        ]
    }

    pub(super) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let head = line(&mut self.head().into_iter());
        let rule =
            line(&mut self.head().iter().enumerate().map(|(i, _)| if i == 0 { "---" } else { "---:" }));
        let rows = self.rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
        head + &rule + &rows.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cell(encoder: &str, seed: u64, ap50: f64) -> Cell {
        Cell {
            encoder: encoder.to_owned(),
            tuning: "full".to_owned(),
            seed,
            ap: ap50 / 2.0,
            ap50,
            ar100: 0.2,
            pretraining_seconds: 90.0,
            finetuning_seconds: 60.0,
        }
    }

    #[test]
    fn the_table_holds_means_and_sample_deviations() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("role.json");
        let open = || Cells::open(&path, &json!({"steps": 5}));
        let mut cells = open().unwrap();
        cells.add(cell("MAE", 0, 0.10)).unwrap();
        cells.add(cell("MAE", 1, 0.12)).unwrap();
        assert!(cells.has("MAE", "full", 1) && !cells.has("MAE", "frozen", 1));
        let markdown = open().unwrap().table().markdown();
        let line = "| MAE | – | – | – | – | 5.5 ± 0.7 | 11.0 ± 1.4 | 1.5 | 1.0 |";
        assert!(markdown.contains(line), "{markdown}");
        assert!(markdown.contains("| from scratch | – |"), "{markdown}");
        let with = |photos: &str| Cells::open(&path, &json!({"steps": 5, "photos": [photos]}));
        with("a").unwrap().add(cell("contrast", 0, 0.1)).unwrap();
        assert!(with("b").unwrap_err().to_string().contains("other options"), "measured on other photos");
        let other = Cells::open(&path, &json!({"steps": 6})).unwrap_err().to_string();
        assert!(other.contains("other options"), "{other}");
    }
}

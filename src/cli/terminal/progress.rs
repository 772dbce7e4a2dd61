//! Progress display: a bar on a terminal, plain lines elsewhere.

use std::collections::HashSet;
use std::io::{IsTerminal, Write as _, stderr};
use std::mem;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::stop::stop;
use super::tui::Live;
use crate::text::{counted, one_line};
use crate::train::{Peers, Step, TrainEvent};

const PLAIN_LINE_EVERY: Duration = Duration::from_secs(15);

/// Returns a progress bar with the time left, on standard error.
pub(in crate::cli) fn bar(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} · {elapsed} · {eta} left");
    let bar = ProgressBar::new(length as u64).with_message(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Returns the progress bar of a download, hidden until the first bytes arrive.
pub(in crate::cli) fn download() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes} · {eta} left");
    let bar = ProgressBar::new(0);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Returns a spinner with a clock, for work of unknown length.
pub(in crate::cli) fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(200));
    spinner
}

/// Prints a line on standard error.
pub(in crate::cli) fn say(text: &str) {
    // A closed stderr is not an error.
    let _closed = writeln!(stderr(), "{}", one_line(text));
}

/// Prints on standard error what was skipped.
pub(in crate::cli) fn skipped(reasons: &[String]) {
    for reason in reasons {
        say(&format!("skipped {reason}"));
    }
}

/// Prints a note to the user on standard error.
pub(in crate::cli) fn note(what: &str) {
    say(&format!("note: {what}"));
}

/// The progress display of a training run.
#[derive(Debug)]
pub(in crate::cli) struct TrainProgress {
    bar: ProgressBar,
    title: String,
    /// Whether this is the first of several processes; the others report only what was skipped.
    leads: bool,
    live: Option<Live>,
    /// Lines to print once the terminal is free again.
    held: Vec<String>,
    watched: bool,
    plain: bool,
    started: Instant,
    done_before: usize,
    last_line: Option<Instant>,
    /// What was already reported as skipped: a damaged file turns up again in every epoch.
    skipped: HashSet<String>,
}

impl TrainProgress {
    /// Creates the display; `plain` asks for lines, whatever the terminal can show.
    pub(in crate::cli) fn new(title: &str, peers: &dyn Peers, plain: bool) -> Self {
        let leads = peers.rank() == 0;
        let mut progress = Self {
            title: title.to_owned(),
            leads,
            bar: bar(0, ""),
            live: None,
            held: Vec::new(),
            watched: leads && !plain && stderr().is_terminal(),
            plain,
            started: Instant::now(),
            done_before: 0,
            last_line: None,
            skipped: HashSet::new(),
        };
        progress.line(title);
        progress
    }

    /// Prints a line.
    pub(in crate::cli) fn say(&mut self, text: &str) {
        self.line(text);
    }

    pub(in crate::cli) fn show(&mut self, event: TrainEvent) {
        match event {
            TrainEvent::Started { done, steps, parameters } => {
                self.done_before = done;
                self.bar.set_length(steps as u64);
                self.bar.set_position(done as u64);
                self.bar.reset_eta();
                let from = if done == 0 { String::new() } else { format!(", resuming after step {done}") };
                self.line(&format!(
                    "{}, {:.1} million trainable parameters{from}",
                    counted(steps, "step"),
                    parameters as f64 / 1e6
                ));
                self.take_over(done);
            }
            TrainEvent::Step(step) => self.step(&step),
            TrainEvent::Skipped(what) => {
                let line = format!("skipped {what}");
                if self.skipped.insert(what) {
                    self.line(&line);
                }
            }
            TrainEvent::Noted(what) => self.line(&format!("note: {what}")),
            TrainEvent::Panel(path) => self.line(&format!("panel {}", path.display())),
            TrainEvent::Saved(path) => self.line(&format!("saved {}", path.display())),
        }
    }

    fn take_over(&mut self, done: usize) {
        self.live = if self.leads && !self.plain { Live::open(&self.title, done) } else { None };
        if self.live.is_some() {
            self.bar.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Shows a step in the terminal interface; returns whether there is one.
    fn step_live(&mut self, step: &Step) -> bool {
        let Some(live) = &mut self.live else { return false };
        if live.step(step) {
            self.close();
            self.bar.finish_and_clear();
            stop();
        }
        true
    }

    fn step(&mut self, step: &Step) {
        if self.step_live(step) {
            return;
        }
        let measured = step.parts.iter().chain(&step.validation);
        let parts: Vec<String> = measured.map(|(name, value)| format!("{name} {value:.3}")).collect();
        let text = format!(
            "epoch {:.2} · loss {:.4} {}· lr {:.2e} · data wait {:.0} %",
            step.epoch,
            step.loss,
            parts.iter().map(|part| format!("· {part} ")).collect::<String>(),
            step.learning_rate,
            100.0 * step.data_wait,
        );
        self.bar.set_position(step.step as u64);
        self.bar.set_message(text.clone());
        let due = self.last_line.is_none_or(|last| last.elapsed() >= PLAIN_LINE_EVERY)
            || !step.validation.is_empty();
        if !self.watched && due {
            self.line(&format!("step {}/{} · {text} · {} left", step.step, step.steps, self.left(step)));
            self.last_line = Some(self.now());
        }
    }

    fn left(&self, step: &Step) -> String {
        let done = step.step.saturating_sub(self.done_before).max(1);
        let seconds = self.started.elapsed().as_secs_f64() / done as f64 * (step.steps - step.step) as f64;
        indicatif::HumanDuration(Duration::from_secs_f64(seconds)).to_string()
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    pub(in crate::cli) fn finish(&mut self, text: &str) {
        self.close();
        self.bar.finish_and_clear();
        let skipped =
            if self.skipped.is_empty() { String::new() } else { format!("; {} skipped", self.skipped.len()) };
        self.line(&format!("{text}{skipped}"));
    }

    fn close(&mut self) {
        if self.live.take().is_some() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        for line in mem::take(&mut self.held) {
            self.line(&line);
        }
    }

    fn line(&mut self, text: &str) {
        let text = &*one_line(text);
        if !self.leads && !text.starts_with("skipped") {
            return;
        }
        if let Some(live) = &mut self.live {
            let kind = text.split(' ').next().unwrap_or_default();
            live.count(kind);
            if kind == "skipped" {
                self.held.push(text.to_owned());
            }
            return;
        }
        if self.watched {
            self.bar.println(text);
        } else {
            // A closed stderr is not an error.
            let _ = writeln!(stderr(), "{text}");
        }
    }
}

impl Drop for TrainProgress {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Alone;

    #[test]
    fn a_damaged_file_counts_once() {
        let mut progress = TrainProgress::new("two files", &Alone, false);
        for file in ["a.png", "b.png", "a.png", "a.png"] {
            progress.show(TrainEvent::Skipped(format!("{file}: this is not a photo")));
        }
        assert_eq!(progress.skipped.len(), 2);
    }
}

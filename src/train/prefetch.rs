//! Prepares the next batch on another thread while the model works on the current one.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

/// An ordered stream of batches, one ahead of the model, that measures the time spent waiting for them.
#[derive(Debug)]
pub(super) struct Batches<T> {
    receiver: Receiver<T>,
    started: Instant,
    waited: Duration,
}

impl<T: Send> Batches<T> {
    /// Starts a thread that calls `make(step)` for every step of `steps`.
    pub(super) fn spawn<'scope, F>(
        scope: &'scope Scope<'scope, '_>,
        steps: std::ops::Range<usize>,
        make: F,
    ) -> Self
    where
        T: 'scope,
        F: Fn(usize) -> T + Send + 'scope,
    {
        let (sender, receiver) = sync_channel(1);
        scope.spawn(move || {
            for step in steps {
                if sender.send(make(step)).is_err() {
                    break;
                }
            }
        });
        Self { receiver, started: Instant::now(), waited: Duration::ZERO }
    }

    /// Returns the next batch, or `None` after the last.
    pub(super) fn next(&mut self) -> Option<T> {
        let asked = Instant::now();
        let batch = self.receiver.recv().ok();
        self.waited += asked.elapsed();
        batch
    }

    /// Returns the share of the time so far spent in [`Batches::next`].
    pub(super) fn data_wait(&self) -> f64 {
        self.waited.as_secs_f64() / self.started.elapsed().as_secs_f64().max(f64::EPSILON)
    }
}

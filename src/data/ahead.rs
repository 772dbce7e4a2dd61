//! Prepares the next item on another thread while its consumer works on the current one.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

/// An ordered stream of items, one ahead of the consumer, that measures the time spent waiting for them.
#[derive(Debug)]
pub(crate) struct Ahead<T> {
    receiver: Receiver<T>,
    started: Instant,
    waited: Duration,
}

impl<T: Send> Ahead<T> {
    /// Starts a thread that calls `make` for each of `sources`.
    pub(crate) fn spawn<'scope, S, F>(scope: &'scope Scope<'scope, '_>, sources: S, make: F) -> Self
    where
        T: 'scope,
        S: IntoIterator + Send + 'scope,
        F: Fn(S::Item) -> T + Send + 'scope,
    {
        let (sender, receiver) = sync_channel(1);
        scope.spawn(move || {
            for source in sources {
                if sender.send(make(source)).is_err() {
                    break;
                }
            }
        });
        Self { receiver, started: Instant::now(), waited: Duration::ZERO }
    }

    /// Returns the share of the time so far spent in [`Iterator::next`].
    pub(crate) fn data_wait(&self) -> f64 {
        self.waited.as_secs_f64() / self.started.elapsed().as_secs_f64().max(f64::EPSILON)
    }
}

impl<T> Iterator for Ahead<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let asked = Instant::now();
        let item = self.receiver.recv().ok();
        self.waited += asked.elapsed();
        item
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn items_come_in_order_and_no_more_are_made_than_asked_for() {
        let made = AtomicUsize::new(0);
        let taken: Vec<usize> = thread::scope(|scope| {
            let doubled = Ahead::spawn(scope, 0..1000, |number| {
                made.fetch_add(1, Ordering::SeqCst);
                2 * number
            });
            doubled.take(3).collect()
        });
        assert_eq!(taken, [0, 2, 4]);
        // The one that waits, the one in the making, and one that may follow before the consumer is gone.
        assert!(made.into_inner() <= 6, "the thread ends with its consumer");
    }
}

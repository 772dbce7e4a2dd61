//! The speed of a download, and the time it will take.

use super::protocol::Progress;

/// Minimum time in milliseconds for a measurement: before, single pieces distort it.
const LEAST_MS: f64 = 1000.0;

/// A download being observed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Watch {
    /// Time in milliseconds, bytes and total size at the beginning; what was kept in the browser arrives at
    /// once and does not count.
    begun: Option<(f64, u64, u64)>,
}

/// The pace of a download.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Bytes per second.
    pub rate: f64,
    /// Seconds until it is complete.
    pub left_s: f64,
}

impl Watch {
    /// Records the progress at a time in milliseconds; returns the pace once it is known.
    pub fn see(&mut self, progress: Option<Progress>, now_ms: f64) -> Option<Pace> {
        let (done, total) = match progress {
            Some(Progress::Starting { done_bytes, total_bytes: Some(total) })
            | Some(Progress::Downloading { done_bytes, total_bytes: Some(total) }) => (done_bytes, total),
            _ => {
                self.begun = None;
                return None;
            }
        };
        let (since_ms, from, of) = *self.begun.get_or_insert((now_ms, done, total));
        if of != total || done < from {
            self.begun = Some((now_ms, done, total));
            return None;
        }
        let passed_ms = now_ms - since_ms;
        let rate = (done - from) as f64 / passed_ms * 1000.0;
        (passed_ms >= LEAST_MS && done > from)
            .then(|| Pace { rate, left_s: total.saturating_sub(done) as f64 / rate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(done_bytes: u64) -> Option<Progress> {
        Some(Progress::Downloading { done_bytes, total_bytes: Some(10_000_000) })
    }

    #[test]
    fn the_pace_is_what_came_since_the_watch_began() {
        let mut watch = Watch::default();
        assert_eq!(watch.see(model(2_000_000), 0.0), None, "these were there before");
        assert_eq!(watch.see(model(2_100_000), 500.0), None, "too soon to say");
        assert_eq!(watch.see(model(3_000_000), 2000.0), Some(Pace { rate: 500_000.0, left_s: 14.0 }));
    }

    #[test]
    fn another_download_is_watched_afresh() {
        let mut watch = Watch::default();
        let program = |done_bytes| Some(Progress::Starting { done_bytes, total_bytes: Some(4_000_000) });
        assert_eq!(watch.see(program(1), 0.0), None);
        assert!(watch.see(program(3_000_000), 3000.0).is_some());
        assert_eq!(watch.see(Some(Progress::Probing), 3100.0), None);
        assert_eq!(watch.see(model(0), 3200.0), None);
        assert_eq!(watch.see(model(1_000_000), 5200.0).map(|pace| pace.rate), Some(500_000.0));
    }
}

//! Measuring the speed of this device.

use js_sys::ArrayBuffer;

use super::{Session, decode};
use crate::web::protocol::{Failure, Look, RUNS, Reply, RequestId};
use crate::web::worker::patience::now_ms;
use crate::web::worker::post;
use crate::web::worker::refusal::{no_model, photo_failure};

impl Session {
    /// Segments a photo several times, after once to warm up, and posts the time of each run.
    pub(super) async fn measure(&self, id: RequestId, buffers: &[ArrayBuffer]) -> Result<(), Failure> {
        if self.loaded.is_none() {
            return Err(no_model());
        }
        let (photo, _) = decode(buffers).await.map_err(|error| photo_failure("coffee.jpg", error))?;
        self.look_at(&photo, Look::Again).await?;
        let mut times_ms = Vec::with_capacity(RUNS);
        while times_ms.len() < RUNS {
            let started_ms = now_ms();
            self.look_at(&photo, Look::Again).await?;
            times_ms.push(now_ms() - started_ms);
            let workers = self.workers();
            post(&Reply::Measured { id, times_ms: times_ms.clone(), workers }, &[]);
        }
        Ok(())
    }
}

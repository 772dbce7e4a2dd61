//! A second worker with the same model, which encodes half of each photo where there is no GPU.

use async_channel::{Receiver, unbounded};
use js_sys::{Array, ArrayBuffer};

use super::buffers::{floats_from_buffer, floats_to_buffer};
use super::patience::within;
use super::{post, scope};
use crate::engine;
use crate::web::client::{Heard, WorkerClient};
use crate::web::place::Place;
use crate::web::protocol::{BackendChoice, Reply, Request, RequestId};

/// The only request of the first worker that is open at a time.
const ID: RequestId = RequestId(0);
/// Time after which a second worker that has not answered is given up; a block takes a tenth of a second.
const PATIENCE_MS: i32 = 10_000;
/// What follows the address of a worker that computes alone.
const ALONE: &str = "threads=1";

/// Returns whether a second worker is of use here: the processor has that many cores, and the page's address
/// does not forbid it.
pub(super) fn is_welcome(cores_needed: f64) -> bool {
    let is_alone = scope().name().contains(ALONE);
    !is_alone && scope().navigator().hardware_concurrency() >= cores_needed
}

/// The second worker, as the first sees it; dropping it terminates it.
pub(super) struct Partner {
    worker: WorkerClient,
    heard: Receiver<Heard>,
}

impl Partner {
    /// Starts a second worker and lets it load a model; `None` if it fails.
    pub(super) async fn recruit(place: Place, hub: String) -> Option<Self> {
        let address = scope().location().href();
        let script = address.split('#').next().unwrap_or_default();
        let (tell, heard) = unbounded();
        let hear = move |message| drop(tell.try_send(message));
        let partner = Self { worker: WorkerClient::spawn(&format!("{script}#{ALONE}"), hear).ok()?, heard };
        partner.wait_for(|reply| matches!(reply, Reply::Ready { .. })).await?;
        partner.send(&Request::Load { id: ID, place, hub, backend: BackendChoice::Cpu }, &Array::new())?;
        partner.wait_for(|reply| matches!(reply, Reply::Loaded { .. })).await?;
        partner.send(&Request::Help { id: ID }, &Array::new())?;
        Some(partner)
    }

    fn send(&self, request: &Request, attachments: &Array) -> Option<()> {
        self.worker.send(request, attachments).ok()
    }

    /// Waits for a reply and returns its buffers; `None` if the worker failed.
    async fn wait_for(&self, is_wanted: fn(&Reply) -> bool) -> Option<Vec<ArrayBuffer>> {
        loop {
            match self.heard.recv().await.ok()? {
                Heard::Reply(reply, buffers) if is_wanted(&reply) => return Some(buffers),
                Heard::Reply(Reply::Failed { .. } | Reply::Crashed { .. }, _) | Heard::Died(_) => {
                    return None;
                }
                Heard::Reply(..) => {}
            }
        }
    }
}

impl engine::Partner for Partner {
    async fn swap(&self, numbers: Vec<f32>) -> Option<Vec<f32>> {
        self.send(&Request::Swap { id: ID }, &Array::of1(&floats_to_buffer(&numbers)))?;
        let swapped = self.wait_for(|reply| matches!(reply, Reply::Swapped));
        within(PATIENCE_MS, swapped).await??.first().map(floats_from_buffer)
    }
}

/// The first worker, as the second sees it: what it sends while both encode a photo.
pub(super) struct Leader(pub(super) Receiver<ArrayBuffer>);

impl engine::Partner for Leader {
    async fn swap(&self, numbers: Vec<f32>) -> Option<Vec<f32>> {
        post(&Reply::Swapped, &[floats_to_buffer(&numbers)]);
        self.0.recv().await.ok().as_ref().map(floats_from_buffer)
    }
}

//! Photos encoded by two workers.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::Session;
use crate::engine::{Encoded, Engine, EngineError};
use crate::image::RgbImage;
use crate::web::place::Place;
use crate::web::protocol::{Backend, Failure};
use crate::web::worker::partner::{Partner, is_welcome};
use crate::web::worker::refusal::{no_model, not_computed};

/// The second worker of a model.
#[derive(Default)]
pub(super) struct Second {
    /// Where it finds the model; `None` if it is not wanted, or was started already.
    wanted: Option<(Place, String)>,
    /// The worker, once it is ready, while no photo is being encoded.
    partner: Rc<RefCell<Option<Partner>>>,
}

impl Second {
    /// Remembers where a second worker finds a model.
    pub(super) fn at(place: Place, hub: &str) -> Self {
        Self { wanted: Some((place, hub.to_owned())), ..Self::default() }
    }

    /// Encodes a photo, with the second worker's help if it is ready.
    async fn encode(&self, engine: &Engine, image: &RgbImage) -> Result<Encoded, EngineError> {
        let partner = self.partner.take();
        if let Some(partner) = partner {
            match engine.encode_together(image, &partner).await {
                Ok(encoded) => {
                    self.partner.replace(Some(partner));
                    return Ok(encoded);
                }
                Err(EngineError::NoPartner) => {}
                Err(error) => return Err(error),
            }
        }
        engine.encode(image).await
    }
}

impl Session {
    /// Encodes a photo.
    pub(super) async fn encode(&self, image: &RgbImage) -> Result<Encoded, Failure> {
        let (engine, backend) = self.loaded.as_ref().ok_or_else(no_model)?;
        self.second.encode(engine, image).await.map_err(|error| not_computed(*backend, &error))
    }

    /// Returns the number of workers that encode the next photo.
    pub(super) fn workers(&self) -> usize {
        1 + usize::from(self.second.partner.borrow().is_some())
    }

    /// Starts a second worker if it is of use: at once where there are cores to spare, else after the first
    /// photo, which it would only delay.
    pub(in crate::web::worker) fn look_for_help(&mut self) {
        let cores_needed = if self.questions.is_some() { 2.0 } else { 4.0 };
        let divides = matches!(&self.loaded, Some((engine, Backend::Cpu)) if engine.divides());
        if !divides || !is_welcome(cores_needed) {
            return;
        }
        if let Some((place, hub)) = self.second.wanted.take() {
            let found = Rc::clone(&self.second.partner);
            spawn_local(async move {
                let partner = Partner::recruit(place, hub).await;
                found.replace(partner);
            });
        }
    }

    /// Helps the first worker until it ends this one.
    pub(super) async fn help(&self) -> Result<(), Failure> {
        let (engine, backend) = self.loaded.as_ref().ok_or_else(no_model)?;
        if let Some(leader) = self.leader.as_ref().filter(|_| engine.divides()) {
            loop {
                engine.help(leader).await.map_err(|error| not_computed(*backend, &error))?;
            }
        }
        Err(not_computed(*backend, &EngineError::NoPartner))
    }
}

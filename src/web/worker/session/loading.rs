//! Loading models.

use web_sys::File;

use super::Session;
use super::sharing::Second;
use crate::engine::{DeviceChoice, Engine, EngineError, Picked, pick};
use crate::web::place::Place;
use crate::web::protocol::{
    Backend, BackendChoice, Failure, Fallback, ModelInfo, Progress, Reply, RequestId,
};
use crate::web::worker::check::agree;
use crate::web::worker::early;
use crate::web::worker::patience::within;
use crate::web::worker::refusal::{not_loaded, not_opened};
use crate::web::worker::source::Source;
use crate::web::worker::suited::suited;
use crate::web::worker::{post, progress};
use crate::weights::WeightsError;

/// Weights above this size are not loaded a second time for the comparison with the CPU.
const MOST_CHECKED_BYTES: u64 = 64_000_000;
/// Time after which a GPU that has not answered is given up.
const GPU_PATIENCE_MS: i32 = 3000;

impl Session {
    /// Loads a model; the one in use is dropped only when the new one runs.
    pub(super) async fn load(
        &mut self,
        id: RequestId,
        asked: &Place,
        hub: &str,
        files: Vec<File>,
        choice: BackendChoice,
    ) -> Result<(), Failure> {
        progress(id, Progress::Probing);
        self.find_gpu(choice).await;
        let gpu = self.gpu.clone().filter(|_| choice != BackendChoice::Cpu);
        let found;
        let asked = match asked {
            Place::Suited => {
                found = suited(gpu.is_some()).await;
                &found
            }
            asked => asked,
        };
        let on_bytes =
            move |done_bytes, total_bytes| progress(id, Progress::Downloading { done_bytes, total_bytes });
        let opened = Source::open(asked, hub, files, on_bytes).await;
        let (source, place) = opened.map_err(|error| not_opened(asked, hub, error))?;

        let running = run(id, &source, gpu, choice).await;
        early::forget();
        let (engine, picked, fallback) = match running {
            Ok(running) => running,
            Err(error) => return Err(not_loaded(asked, &place, hub, error)),
        };
        let backend = if picked.is_gpu { Backend::WebGpu } else { Backend::Cpu };
        let model = ModelInfo {
            place,
            backend,
            device: picked.description,
            fallback,
            labels: engine.labels().to_vec(),
            threshold: engine.threshold(),
            weight_bytes: source.done_bytes(),
            kept: source.is_kept(),
        };
        // Without the files in the browser's store, they would have to be fetched again.
        let is_at_hand = backend == Backend::Cpu && model.kept;
        self.second = if is_at_hand { Second::at(model.place.clone(), hub) } else { Second::default() };
        self.loaded = Some((engine, backend));
        (self.questions, self.previews) = (None, None);
        post(&Reply::Loaded { id, model }, &[]);
        Ok(())
    }

    /// Finds the GPU once; a device must not be created twice.
    async fn find_gpu(&mut self, choice: BackendChoice) {
        let choice = match choice {
            BackendChoice::Auto => DeviceChoice::Auto,
            BackendChoice::WebGpu => DeviceChoice::Wgpu,
            BackendChoice::Cpu => return,
        };
        if self.gpu.is_none() {
            let found = within(GPU_PATIENCE_MS, pick(choice)).await;
            self.gpu = found.and_then(Result::ok).filter(|picked| picked.is_gpu);
        }
    }
}

/// Returns an engine on the GPU if there is one and it computes correctly, else on the CPU with the reason.
async fn run<F: Fn(u64, Option<u64>) + Clone>(
    id: RequestId,
    source: &Source<F>,
    gpu: Option<Picked>,
    choice: BackendChoice,
) -> Result<(Engine, Picked, Option<Fallback>), EngineError> {
    let fallback = match gpu {
        Some(picked) => match start(id, source, &picked).await {
            Ok(engine) if is_right(&engine, id, source).await => return Ok((engine, picked, None)),
            Ok(_) => Some(Fallback::Wrong),
            Err(error @ (EngineError::Weights(_) | EngineError::NotASegmenter)) => return Err(error),
            Err(_) => Some(Fallback::Failed),
        },
        None if choice == BackendChoice::Cpu => None,
        None => Some(Fallback::Missing),
    };
    let picked = pick(DeviceChoice::Cpu).await?;
    let engine = start(id, source, &picked).await?;
    Ok((engine, picked, fallback))
}

async fn start<F: Fn(u64, Option<u64>) + Clone>(
    id: RequestId,
    source: &Source<F>,
    picked: &Picked,
) -> Result<Engine, EngineError> {
    source.rewind();
    let engine = match Engine::load(source, &picked.device).await {
        // What is wrong may be what was kept in this browser rather than what the server has.
        Err(EngineError::Weights(error)) if is_content(&error) && source.forget().await => {
            source.rewind();
            Engine::load(source, &picked.device).await?
        }
        loaded => loaded?,
    };
    // Only GPUs have kernels to compile.
    if picked.is_gpu {
        progress(id, Progress::WarmingUp);
        engine.warm_up().await?;
    }
    Ok(engine)
}

/// Returns whether the content of the weight files is at fault.
const fn is_content(error: &WeightsError) -> bool {
    !matches!(error, WeightsError::Source(_) | WeightsError::NoMemory(_))
}

/// Compares the GPU's logits with the CPU's. A model that is too large to run twice is trusted.
async fn is_right<F: Fn(u64, Option<u64>) + Clone>(gpu: &Engine, id: RequestId, source: &Source<F>) -> bool {
    if source.done_bytes() > MOST_CHECKED_BYTES {
        return true;
    }
    let Ok(picked) = pick(DeviceChoice::Cpu).await else { return true };
    match start(id, source, &picked).await {
        Ok(cpu) => agree(gpu, &cpu).await.unwrap_or(false),
        Err(_) => true,
    }
}

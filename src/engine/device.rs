//! Chooses the device to compute on; no other file names backends.

use burn::tensor::Device;
use burn_wgpu::graphics::AutoGraphicsApi;
use burn_wgpu::{RuntimeOptions, WgpuDevice, try_init_setup_async, wgpu};

use super::EngineError;

/// The device a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum DeviceChoice {
    /// A hardware GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX 12, or through WebGPU in a browser.
    Wgpu,
    /// An NVIDIA GPU, in builds with `--features cuda`.
    Cuda,
    /// The CPU through libtorch, in builds with `--features libtorch`.
    Libtorch,
    /// An NVIDIA GPU through libtorch, in builds with `--features libtorch` and a CUDA libtorch.
    LibtorchCuda,
}

/// A device and its name for people.
#[derive(Debug, Clone)]
pub struct Picked {
    /// The device on which tensors live.
    pub device: Device,
    /// The name, such as "CPU" or "WebGPU (NVIDIA GeForce RTX 4070)".
    pub description: String,
    /// Whether the device is a GPU.
    pub is_gpu: bool,
}

/// Finds the device for a choice; call it once, before creating any tensor.
///
/// # Errors
/// [`EngineError::Device`] if a device that was asked for by name is missing; [`DeviceChoice::Auto`] never
/// fails.
pub async fn pick(choice: DeviceChoice) -> Result<Picked, EngineError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Wgpu => gpu(true).await,
        DeviceChoice::Cuda => cuda(),
        DeviceChoice::Libtorch => libtorch(),
        DeviceChoice::LibtorchCuda => libtorch_cuda(),
        DeviceChoice::Auto => match cuda() {
            Ok(picked) => Ok(picked),
            Err(_) => Ok(gpu(false).await.unwrap_or_else(|_| cpu())),
        },
    }
}

/// Returns whether [`MaskSegmenter::rounding`](crate::model::MaskSegmenter::rounding) makes a model faster
/// here.
pub(super) fn gains_from_rounding(device: &Device) -> bool {
    cfg!(target_arch = "wasm32") && *device == Device::flex()
}

fn cpu() -> Picked {
    Picked { device: Device::flex(), description: "CPU".to_owned(), is_gpu: false }
}

/// Finds a GPU; with `any`, software adapters count too: these are correct, but slower than [`cpu`].
async fn gpu(any: bool) -> Result<Picked, EngineError> {
    let name = if cfg!(target_arch = "wasm32") { "WebGPU" } else { "the GPU" };
    let missing = |reason: String| EngineError::Device { device: name, reason };
    // Burn computes with these only, so there is no need to look for OpenGL.
    let mut wanted = wgpu::InstanceDescriptor::new_without_display_handle();
    wanted.backends = wgpu::Backends::PRIMARY;
    let instance = wgpu::Instance::new(wanted);
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..wgpu::RequestAdapterOptions::default()
    };
    let adapter = instance.request_adapter(&options).await.map_err(|error| missing(error.to_string()))?;
    if adapter.get_info().device_type == wgpu::DeviceType::Cpu && !any {
        return Err(missing("there is only a software adapter".to_owned()));
    }
    let device = WgpuDevice::default();
    let setup = try_init_setup_async::<AutoGraphicsApi>(&device, RuntimeOptions::default())
        .await
        .map_err(|error| missing(error.to_string()))?;
    let adapter = setup.adapter.get_info().name;
    let description = if adapter.is_empty() { "WebGPU".to_owned() } else { format!("WebGPU ({adapter})") };
    Ok(Picked { device: Device::from(device), description, is_gpu: true })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Picked, EngineError> {
    Ok(Picked { device: Device::cuda(0), description: "CUDA".to_owned(), is_gpu: true })
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Picked, EngineError> {
    let reason = "this build has no CUDA; build with `--features cuda` or choose another device".to_owned();
    Err(EngineError::Device { device: "CUDA", reason })
}

#[cfg(feature = "libtorch")]
#[expect(
    deprecated,
    reason = "Burn is to drop libtorch, the fastest of its backends for training on CPUs today"
)]
fn libtorch() -> Result<Picked, EngineError> {
    Ok(Picked { device: Device::libtorch(), description: "CPU (libtorch)".to_owned(), is_gpu: false })
}

#[cfg(feature = "libtorch")]
#[expect(deprecated, reason = "as above")]
fn libtorch_cuda() -> Result<Picked, EngineError> {
    if !tch::Cuda::is_available() {
        let reason = "libtorch finds no supported GPU; choose another device".to_owned();
        return Err(EngineError::Device { device: "CUDA", reason });
    }
    Ok(Picked { device: Device::libtorch_cuda(0), description: "CUDA (libtorch)".to_owned(), is_gpu: true })
}

#[cfg(not(feature = "libtorch"))]
fn libtorch() -> Result<Picked, EngineError> {
    let reason =
        "this build has no libtorch; build with `--features libtorch` or choose another device".to_owned();
    Err(EngineError::Device { device: "libtorch", reason })
}

#[cfg(not(feature = "libtorch"))]
fn libtorch_cuda() -> Result<Picked, EngineError> {
    libtorch()
}

//! `--device`

use clap::ValueEnum;

use crate::engine::{DeviceChoice, EngineError, Picked, pick};

/// Where to compute.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum DeviceArg {
    /// A GPU where there is a real one, else the CPU
    #[default]
    Auto,
    /// The CPU
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX 12
    Wgpu,
    /// An NVIDIA GPU, in builds with `--features cuda`
    Cuda,
    /// The CPU through libtorch, in builds with `--features libtorch`
    Libtorch,
    /// An NVIDIA GPU through libtorch, in builds with `--features libtorch`
    LibtorchCuda,
}

impl DeviceArg {
    /// Finds the device.
    pub(super) fn pick(self) -> Result<Picked, EngineError> {
        pollster::block_on(pick(match self {
            Self::Auto => DeviceChoice::Auto,
            Self::Cpu => DeviceChoice::Cpu,
            Self::Wgpu => DeviceChoice::Wgpu,
            Self::Cuda => DeviceChoice::Cuda,
            Self::Libtorch => DeviceChoice::Libtorch,
            Self::LibtorchCuda => DeviceChoice::LibtorchCuda,
        }))
    }
}

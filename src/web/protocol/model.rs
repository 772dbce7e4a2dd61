//! The model in use, and where it runs.

use serde::{Deserialize, Serialize};

use crate::web::place::Place;

/// The requested backend, chosen by hand (`?backend=`) or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BackendChoice {
    /// WebGPU if there is an adapter, else the CPU.
    #[default]
    Auto,
    /// The CPU, with WebAssembly SIMD.
    Cpu,
    /// WebGPU; the CPU, with a message, if it fails.
    WebGpu,
}

impl BackendChoice {
    /// Parses the value of `?backend=`; unknown values mean [`BackendChoice::Auto`].
    #[must_use]
    pub fn from_query(value: Option<&str>) -> Self {
        match value {
            Some("cpu") => Self::Cpu,
            Some("webgpu") => Self::WebGpu,
            _ => Self::Auto,
        }
    }

    /// Returns the value of `?backend=`; `None` if the page chooses.
    #[must_use]
    pub const fn query(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Cpu => Some("cpu"),
            Self::WebGpu => Some("webgpu"),
        }
    }
}

/// The backend in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backend {
    /// WebAssembly with SIMD.
    Cpu,
    /// The GPU.
    WebGpu,
}

/// Why the CPU is used although WebGPU was requested or is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fallback {
    /// The browser has no WebGPU, or no adapter for it.
    Missing,
    /// It failed.
    Failed,
    /// Its results differ from the CPU's.
    Wrong,
}

/// The model in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Origin of its weights; never [`Place::SiteOrHub`].
    pub place: Place,
    /// Where it runs.
    pub backend: Backend,
    /// The device's own description.
    pub device: String,
    /// Why the CPU is used although WebGPU was requested or is present.
    pub fallback: Option<Fallback>,
    /// Class names.
    pub labels: Vec<String>,
    /// Initial score below which instances are hidden.
    pub threshold: f32,
    /// Size of the weights in bytes.
    pub weight_bytes: u64,
    /// Whether this browser keeps the weights for the next visit.
    pub kept: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backend_is_read_from_the_address() {
        assert_eq!(BackendChoice::from_query(Some("cpu")), BackendChoice::Cpu);
        assert_eq!(BackendChoice::from_query(Some("webgpu")), BackendChoice::WebGpu);
        assert_eq!(BackendChoice::from_query(Some("abacus")), BackendChoice::Auto);
        assert_eq!(BackendChoice::from_query(None), BackendChoice::Auto);
        for choice in [BackendChoice::Auto, BackendChoice::Cpu, BackendChoice::WebGpu] {
            assert_eq!(BackendChoice::from_query(choice.query()), choice);
        }
    }
}

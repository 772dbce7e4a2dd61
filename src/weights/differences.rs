//! What sets a checkpoint apart from what a model needs.

use std::fmt;

use super::WeightsError;

/// Names are those of the file; all empty where the checkpoint fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    /// Tensors the model needs and the files do not hold.
    pub missing: Vec<String>,
    /// Tensors the files hold and the model has no place for.
    pub unexpected: Vec<String>,
    /// Tensors of another shape than the config asks for.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor of the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Name in the file.
    pub name: String,
    /// Shape by the config.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

impl Differences {
    /// # Errors
    /// [`WeightsError::Mismatch`] unless there are none.
    pub fn into_result(self) -> Result<(), WeightsError> {
        if self == Self::default() { Ok(()) } else { Err(WeightsError::Mismatch(self)) }
    }
}

impl fmt::Display for Misshapen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expected, found } = self;
        write!(f, "{name} (shape {found:?}, the config needs {expected:?})")
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let misshapen: Vec<String> = self.misshapen.iter().map(ToString::to_string).collect();
        let lists = [
            ("missing", &self.missing),
            ("without a place", &self.unexpected),
            ("of another shape", &misshapen),
        ];
        let mut separator = "";
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "{separator}{} tensor(s) {what}: {}", names.len(), names.join(", "))?;
            separator = "; ";
        }
        Ok(())
    }
}

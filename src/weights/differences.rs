//! Differences between a checkpoint and the tensors that a model needs.

use std::fmt;

use super::WeightsError;

/// The differences between a checkpoint and a model, by the names in the file; all lists are empty if the
/// checkpoint fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    /// Tensors that the model needs but the files lack.
    pub missing: Vec<String>,
    /// Tensors in the files for which the model has no parameter.
    pub unexpected: Vec<String>,
    /// Tensors whose shape differs from the config's.
    pub misshapen: Vec<Misshapen>,
}

/// A tensor of the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Name in the file.
    pub name: String,
    /// Shape according to the config.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

impl Differences {
    /// Succeeds if there are no differences.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] if there are any.
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
            ("unexpected", &self.unexpected),
            ("with another shape", &misshapen),
        ];
        let mut separator = "";
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "{separator}{} tensor(s) {what}: {}", names.len(), names.join(", "))?;
            separator = "; ";
        }
        Ok(())
    }
}

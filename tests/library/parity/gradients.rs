//! Gradients under their published names.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Gradients, Tensor};
use mae_seg::weights::{Layout, collect};

use super::recording::{Recording, assert_near, largest};

/// Replaces each parameter by its gradient, so that it can be named like the parameter.
struct IntoGradients<'g>(&'g Gradients);

impl ModuleMapper for IntoGradients<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| value.grad(self.0).unwrap_or_else(|| value.inner().zeros_like()))
    }
}

/// Asserts that every tensor recorded as `prefix…` equals the gradient of that name within 1e-4 of the
/// tensor's largest entry.
///
/// Some gradients are zero by construction (a key's bias does not change attention weights): their rounding
/// errors are compared with a thousandth of the largest gradient of all.
pub(crate) fn assert_gradients<M: Module>(
    module: M,
    layout: Layout,
    gradients: &Gradients,
    recording: &Recording,
    prefix: &str,
) {
    let module = module.map(&mut IntoGradients(gradients));
    let computed: BTreeMap<_, _> = collect(&module, layout).unwrap().into_iter().collect();
    let recorded: Vec<_> = recording
        .names_after(prefix)
        .into_iter()
        .map(|name| {
            let values = recording.floats(&format!("{prefix}{name}"));
            (name, values)
        })
        .collect();
    assert!(recorded.len() >= 8, "{prefix}: only {} gradients recorded", recorded.len());
    let floor = 1e-3 * recorded.iter().map(|(_, values)| largest(values)).fold(0.0, f64::max);
    for (name, expected) in recorded {
        let tolerance = 1e-4 * largest(&expected).max(floor);
        let computed = computed.get(&name).unwrap_or_else(|| panic!("no parameter is called {name}"));
        assert_near(&computed.values, &expected, tolerance, &format!("{prefix}{name}"));
    }
}

//! Collects the parameters of a module under a file's names.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::place::Place;
use super::{Differences, HostTensor, Layout, WeightsError};

/// Returns the parameters of `module` under the file's names, in the order of the module tree.
///
/// # Errors
/// [`WeightsError::Mismatch`] naming parameters for which `layout` has no name.
pub fn collect<M: Module>(module: &M, layout: Layout) -> Result<Vec<(String, HostTensor)>, WeightsError> {
    let mut visitor = Collector { layout, path: Vec::new(), tensors: Vec::new(), unnamed: BTreeSet::new() };
    module.visit(&mut visitor);
    let unexpected = visitor.unnamed.into_iter().collect();
    Differences { unexpected, ..Differences::default() }.into_result()?;
    Ok(visitor.tensors)
}

struct Collector {
    layout: Layout,
    path: Vec<String>,
    tensors: Vec<(String, HostTensor)>,
    unnamed: BTreeSet<String>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let shape = param.lazy_shape().to_vec();
        let values = param.val().into_data().convert::<f32>().try_to_vec::<f32>();
        match (Place::of(self.layout, &path), values) {
            (Some(place), Ok(values)) => self.tensors.extend(place.split(values, &shape)),
            _ => drop(self.unnamed.insert(path)),
        }
    }
}

//! Loads tensors from files into modules, one at a time, by a [`Layout`].

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::layouts::ENCODER;
use super::place::Place;
use super::{Differences, HostTensor, Layout, Misshapen, WeightsError};
use crate::model::resample_grid;

/// One parameter, and the tensors that have arrived for it.
#[derive(Debug)]
struct Slot {
    place: Place,
    shape: Vec<usize>,
    device: Device,
    parts: Vec<Option<Arc<HostTensor>>>,
    ready: Option<Tensor<1>>,
    /// Whether position embeddings are resampled with antialiasing.
    antialias: bool,
}

impl Slot {
    fn put(&mut self, part: usize, tensor: Arc<HostTensor>) {
        self.parts[part] = Some(tensor);
        if self.parts.iter().any(Option::is_none) {
            return;
        }
        let parts = mem::take(&mut self.parts).into_iter().flatten();
        let values = self.place.assemble(parts.map(|part| Arc::unwrap_or_clone(part).values), &self.shape);
        let count = values.len();
        let flat = Tensor::<1>::from_data(TensorData::new(values, [count]), &self.device);
        self.ready =
            Some(if count == self.shape.iter().product::<usize>() { flat } else { self.resample(flat) });
    }

    /// Resamples position embeddings to another grid than the file's.
    fn resample(&self, flat: Tensor<1>) -> Tensor<1> {
        let (grid, width) = (self.shape[1].isqrt(), self.shape[2]);
        let rows = flat.dims()[0] / width;
        let table = flat.reshape([1, rows, width]);
        resample_grid(table, [grid; 2], self.antialias).reshape([self.shape[1] * width])
    }
}

/// Takes the tensors of a checkpoint in any order and moves each to the device at once; only the parts of a
/// parameter that is stored in several tensors (queries, keys, values) wait on the host for each other.
///
/// Parameters outside the layout (a head over a loaded encoder) keep their values.
#[derive(Debug)]
pub struct Loader {
    layout: Layout,
    /// Prefix of the paths of the parameters to load.
    below: &'static str,
    /// Parameters by their path in the module.
    slots: BTreeMap<String, Slot>,
    /// By name in the file, the parameters that each tensor contributes to, and as which part.
    takers: BTreeMap<String, Vec<(String, usize)>>,
}

impl Loader {
    /// Notes which tensors the parameters of `module` need, without initialising them.
    #[must_use]
    pub fn new<M: Module>(module: &M, layout: Layout) -> Self {
        Self::below(module, layout, "")
    }

    /// Creates a loader for the encoder alone: all other parameters keep their values, and their tensors are
    /// skipped.
    #[must_use]
    pub fn encoder<M: Module>(module: &M, layout: Layout) -> Self {
        Self::below(module, layout, ENCODER)
    }

    fn below<M: Module>(module: &M, layout: Layout, below: &'static str) -> Self {
        let loader = Self { layout, below, slots: BTreeMap::new(), takers: BTreeMap::new() };
        let mut surveyor = Surveyor { path: Vec::new(), loader };
        module.visit(&mut surveyor);
        surveyor.loader
    }

    /// Returns whether the tensor of this name is needed, so that the bytes of others need not be fetched.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.takers.contains_key(name)
    }

    /// Compares all names and shapes of a checkpoint, known from its headers, with what the module needs.
    pub fn compare<'n>(&self, headers: impl IntoIterator<Item = (&'n str, &'n [usize])>) -> Differences {
        let mut differences = Differences::default();
        let mut missing: BTreeMap<&str, ()> = self.takers.keys().map(|name| (name.as_str(), ())).collect();
        for (name, shape) in headers {
            missing.remove(name);
            differences.misshapen.extend(self.misfit(name, shape));
            if !self.wants(name) && !self.ignores(name, shape) {
                differences.unexpected.push(name.to_owned());
            }
        }
        differences.missing = missing.into_keys().map(str::to_owned).collect();
        differences
    }

    /// Takes one tensor; drops it if it is not needed.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] for a tensor without a parameter or with another shape,
    /// [`WeightsError::Format`] for one that was put before.
    pub fn put(&mut self, name: &str, tensor: HostTensor) -> Result<(), WeightsError> {
        let Some(takers) = self.takers.get(name) else {
            let unexpected = !self.ignores(name, &tensor.shape);
            let unexpected = unexpected.then(|| name.to_owned()).into_iter().collect();
            return Differences { unexpected, ..Differences::default() }.into_result();
        };
        let misshapen: Vec<_> = self.misfit(name, &tensor.shape).into_iter().collect();
        Differences { misshapen, ..Differences::default() }.into_result()?;
        let refused =
            |reason: &str| WeightsError::Format { file: name.to_owned(), reason: reason.to_owned() };
        if tensor.values.len() != tensor.shape.iter().product::<usize>() {
            return Err(refused("its number of values does not match its shape"));
        }
        let tensor = Arc::new(tensor);
        for (path, part) in takers {
            let Some(slot) = self.slots.get_mut(path) else { continue };
            if slot.parts.get(*part).is_none_or(Option::is_some) {
                return Err(refused("it occurs twice"));
            }
            slot.put(*part, tensor.clone());
        }
        Ok(())
    }

    /// Moves the tensors into `module`, for which this loader was made.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] with the names that are missing; the module is then dropped, not left half
    /// loaded.
    pub fn finish<M: Module>(self, module: M) -> Result<M, WeightsError> {
        let mut missing = Vec::new();
        let mut tensors = BTreeMap::new();
        for (path, Slot { place, parts, ready, .. }) in self.slots {
            match ready {
                Some(tensor) => drop(tensors.insert(path, tensor)),
                None => {
                    let names = place.files.into_iter().zip(&parts);
                    missing.extend(names.filter(|(_, part)| part.is_none()).map(|(name, _)| name));
                }
            }
        }
        missing.sort();
        missing.dedup();
        Differences { missing, ..Differences::default() }.into_result()?;
        Ok(module.map(&mut Filler { tensors, path: Vec::new() }))
    }

    fn misfit(&self, name: &str, found: &[usize]) -> Option<Misshapen> {
        let takers = self.takers.get(name)?.iter();
        takers.filter_map(|(path, part)| Some((self.slots.get(path)?, *part))).find_map(|(slot, part)| {
            (!slot.place.fits(part, &slot.shape, found)).then(|| Misshapen {
                name: name.to_owned(),
                expected: slot.place.file_shape(part, &slot.shape),
                found: found.to_vec(),
            })
        })
    }

    /// Hugging Face stores the register tokens even if there are zero of them.
    fn ignores(&self, name: &str, shape: &[usize]) -> bool {
        self.layout.ignores(name, self.below) || shape.contains(&0)
    }
}

/// Loads a whole checkpoint into a module, as [`Loader::new`] does.
///
/// # Errors
/// [`WeightsError::Mismatch`] by the file's names; the module is then dropped, not left half loaded.
pub fn apply<M: Module>(
    module: M,
    layout: Layout,
    tensors: BTreeMap<String, HostTensor>,
) -> Result<M, WeightsError> {
    let loader = Loader::new(&module, layout);
    fill(loader, module, tensors)
}

/// Loads the encoder of a checkpoint into a module, as [`Loader::encoder`] does.
///
/// # Errors
/// The errors of [`apply`].
pub fn apply_encoder<M: Module>(
    module: M,
    layout: Layout,
    tensors: BTreeMap<String, HostTensor>,
) -> Result<M, WeightsError> {
    let loader = Loader::encoder(&module, layout);
    fill(loader, module, tensors)
}

fn fill<M: Module>(
    mut loader: Loader,
    module: M,
    tensors: BTreeMap<String, HostTensor>,
) -> Result<M, WeightsError> {
    let headers = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()));
    loader.compare(headers).into_result()?;
    for (name, tensor) in tensors {
        loader.put(&name, tensor)?;
    }
    loader.finish(module)
}

struct Surveyor {
    path: Vec<String>,
    loader: Loader,
}

impl ModuleVisitor for Surveyor {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let place = Place::of(self.loader.layout, &path).filter(|_| path.starts_with(self.loader.below));
        let Some(place) = place.filter(|place| !place.files.is_empty()) else { return };
        for (part, file) in place.files.iter().enumerate() {
            self.loader.takers.entry(file.clone()).or_default().push((path.clone(), part));
        }
        let parts = place.files.iter().map(|_| None).collect();
        let (shape, device) = (param.lazy_shape().to_vec(), param.lazy_device());
        let antialias = self.loader.layout.is_timm() || self.loader.layout == Layout::EomtNative;
        self.loader.slots.insert(path, Slot { place, shape, device, parts, ready: None, antialias });
    }
}

struct Filler {
    tensors: BTreeMap<String, Tensor<1>>,
    path: Vec<String>,
}

impl ModuleMapper for Filler {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.tensors.remove(&self.path.join(".")) {
            Some(flat) => {
                let (id, tensor) = (param.id, flat.reshape(param.lazy_shape()));
                param.transform_for_load(tensor, id)
            }
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DecoderConfig, MaeConfig, MaskSegmenter, MaskedAutoencoder, SegmenterConfig, VitConfig,
    };
    use crate::weights::collect;

    fn tiny(lateral_layers: Vec<usize>) -> SegmenterConfig {
        let mut config = SegmenterConfig::new(VitConfig::plain(16, 4, 8, 3, 2), 5, 2, 2);
        config.encoder.layer_scale = true;
        config.encoder.num_registers = 2;
        config.lateral_layers = lateral_layers;
        config
    }

    fn checkpoint() -> BTreeMap<String, HostTensor> {
        let model = MaskSegmenter::new(&tiny(vec![]), &Device::flex());
        collect(&model, Layout::Eomt).unwrap().into_iter().collect()
    }

    #[test]
    fn collect_then_apply_returns_every_parameter() {
        let device = Device::flex();
        let by_patches = SegmenterConfig { num_queries: 0, ..tiny(vec![]) };
        for config in [tiny(vec![]), tiny(vec![1, 3]), by_patches] {
            let saved = collect(&MaskSegmenter::new(&config, &device), Layout::Eomt).unwrap();
            let other = MaskSegmenter::new(&config, &device);
            let loaded = apply(other, Layout::Eomt, saved.iter().cloned().collect()).unwrap();
            assert_eq!(collect(&loaded, Layout::Eomt).unwrap(), saved);
        }
    }

    #[test]
    fn what_learned_before_learns_after() {
        let device = Device::flex().autodiff();
        let mut model = MaskSegmenter::new(&tiny(vec![]), &device);
        model.encoder = model.encoder.no_grad();
        let model = apply(model, Layout::Eomt, checkpoint()).unwrap();
        assert!(model.queries.unwrap().is_require_grad());
        assert!(!model.encoder.cls_token.is_require_grad());
    }

    #[test]
    fn registers_of_length_zero_are_no_surprise() {
        let device = Device::flex();
        let config = MaeConfig::new(VitConfig::plain(16, 4, 8, 1, 2), DecoderConfig::new(8, 1, 2));
        let mut tensors: BTreeMap<_, _> =
            collect(&MaskedAutoencoder::new(&config, &device), Layout::VitMae).unwrap().into_iter().collect();
        tensors.insert("register_tokens".to_owned(), HostTensor { shape: vec![1, 0, 8], values: vec![] });
        assert!(apply(MaskedAutoencoder::new(&config, &device), Layout::VitMae, tensors).is_ok());
    }

    #[test]
    fn missing_extra_and_misshapen_tensors_are_named_all_at_once() {
        let mut tensors = checkpoint();
        tensors.remove("layers.1.attention.k_proj.bias");
        tensors.insert("stranger".to_owned(), HostTensor { shape: vec![1], values: vec![0.0] });
        tensors.get_mut("query.weight").unwrap().shape = vec![8, 5];
        let fresh = MaskSegmenter::new(&tiny(vec![]), &Device::flex());
        let error = apply(fresh, Layout::Eomt, tensors).unwrap_err().to_string();
        for name in ["layers.1.attention.k_proj.bias", "stranger", "query.weight"] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn one_at_a_time_every_mistake_is_caught() {
        let model = MaskSegmenter::new(&tiny(vec![]), &Device::flex());
        let mut loader = Loader::new(&model, Layout::Eomt);
        assert!(loader.wants("query.weight") && !loader.wants("attn_mask_probs"));
        let tensor =
            |shape: &[usize]| HostTensor { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] };
        assert!(loader.put("attn_mask_probs", tensor(&[2])).is_ok());
        assert!(loader.put("query.weight", tensor(&[5, 9])).unwrap_err().to_string().contains("[5, 9]"));
        assert!(loader.put("query.weight", tensor(&[5, 8])).is_ok());
        assert!(loader.put("query.weight", tensor(&[5, 8])).unwrap_err().to_string().contains("twice"));
        assert!(loader.put("stranger", tensor(&[1])).unwrap_err().to_string().contains("stranger"));
        assert!(loader.finish(model).unwrap_err().to_string().contains("layernorm.bias"));
    }
}

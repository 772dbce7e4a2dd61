//! Moves tensors between files and modules by a [`Layout`].

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::layouts::{Form, Rule};
use super::{HostTensor, Layout, WeightsError};

/// A parameter's rule with the layer index filled in.
struct Placed {
    files: Vec<String>,
    form: Form,
}

/// Finds the rule for one of our paths, such as `encoder.blocks.3.norm1.gamma`.
fn place(layout: Layout, path: &str) -> Option<Placed> {
    layout.rules().find_map(|rule| {
        let index = layer_index(rule, path)?;
        Some(Placed {
            files: rule.files.iter().map(|file| file.replace("{}", index)).collect(),
            form: rule.form,
        })
    })
}

/// The text `{}` stands for in `rule.ours`, empty for a rule without; `None` when the rule is for another path.
fn layer_index<'p>(rule: &Rule, path: &'p str) -> Option<&'p str> {
    match rule.ours.split_once("{}") {
        None => (rule.ours == path).then_some(""),
        Some((before, after)) => {
            let index = path.strip_prefix(before)?.strip_suffix(after)?;
            index.bytes().all(|byte| byte.is_ascii_digit()).then_some(index)
        }
    }
}

/// Replaces the parameters of `module` that `layout` knows by the tensors of a file.
///
/// Parameters outside the layout (a head over a loaded encoder) stay as they are.
///
/// # Errors
/// [`WeightsError::Missing`], [`WeightsError::Unexpected`] and [`WeightsError::Shape`] by the file's names; the module is
/// then lost, not half loaded.
pub fn apply<M: Module>(
    module: M,
    layout: Layout,
    mut tensors: BTreeMap<String, HostTensor>,
) -> Result<M, WeightsError> {
    let mut mapper =
        Applier { layout, tensors: &mut tensors, path: Vec::new(), missing: Vec::new(), shape: None };
    let module = module.map(&mut mapper);
    if !mapper.missing.is_empty() {
        return Err(WeightsError::Missing(mapper.missing));
    }
    if let Some(error) = mapper.shape {
        return Err(error);
    }
    // Hugging Face stores register tokens even where there are none of them.
    tensors.retain(|name, tensor| !tensor.values.is_empty() && !layout.ignores(name));
    let left: Vec<String> = tensors.into_keys().collect();
    if left.is_empty() { Ok(module) } else { Err(WeightsError::Unexpected(left)) }
}

struct Applier<'t> {
    layout: Layout,
    tensors: &'t mut BTreeMap<String, HostTensor>,
    path: Vec<String>,
    missing: Vec<String>,
    shape: Option<WeightsError>,
}

impl Applier<'_> {
    fn take(&mut self, placed: &Placed) -> Option<Vec<HostTensor>> {
        let mut parts = Vec::new();
        for file in &placed.files {
            match self.tensors.remove(file) {
                Some(tensor) => parts.push(tensor),
                None => self.missing.push(file.clone()),
            }
        }
        (parts.len() == placed.files.len()).then_some(parts)
    }
}

impl ModuleMapper for Applier<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(placed) = place(self.layout, &self.path.join(".")) else { return param };
        let Some(parts) = self.take(&placed) else { return param };
        let expected = param.lazy_shape().to_vec();
        match assemble(&placed, parts, &expected) {
            Ok(tensor) => param.map(|old| {
                let data = TensorData::new(tensor.values, tensor.shape);
                let fresh = Tensor::from_data(data, &old.device());
                if old.is_require_grad() { fresh.require_grad() } else { fresh }
            }),
            Err(error) => {
                self.shape.get_or_insert(error);
                param
            }
        }
    }
}

/// Shape of each file tensor for a parameter of ours with shape `ours`.
fn file_shape(form: Form, ours: &[usize], count: usize) -> Vec<usize> {
    match form {
        Form::Same => ours.to_vec(),
        Form::Transposed => vec![ours[1], ours[0]],
        Form::TransposedColumns => vec![ours[1] / count, ours[0]],
        Form::Joined => vec![ours[0] / count],
        Form::LeadingAxis => ours[1..].to_vec(),
        Form::AfterClassRow => vec![1, ours[1] + 1, ours[2]],
    }
}

fn assemble(placed: &Placed, parts: Vec<HostTensor>, expected: &[usize]) -> Result<HostTensor, WeightsError> {
    let shape = file_shape(placed.form, expected, parts.len());
    if let Some((name, part)) = placed.files.iter().zip(&parts).find(|(_, part)| part.shape != shape) {
        return Err(WeightsError::Shape { name: name.clone(), expected: shape, found: part.shape.clone() });
    }
    let mut values: Vec<f32> = parts.into_iter().flat_map(|part| part.values).collect();
    match placed.form {
        Form::Same | Form::Joined | Form::LeadingAxis => {}
        Form::Transposed | Form::TransposedColumns => values = transpose(&values, expected[1], expected[0]),
        Form::AfterClassRow => {
            if values.drain(..expected[2]).any(|value| value != 0.0) {
                let reason = "its first row, the class token's position, must be zero as in MAE".to_owned();
                return Err(WeightsError::Format { file: placed.files.concat(), reason });
            }
        }
    }
    Ok(HostTensor { shape: expected.to_vec(), values })
}

fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

/// The parameters of `module` under the file's names, in the order of the module tree.
///
/// # Errors
/// [`WeightsError::Unexpected`] naming our parameters that `layout` has no name for.
pub fn collect<M: Module>(module: &M, layout: Layout) -> Result<Vec<(String, HostTensor)>, WeightsError> {
    let mut visitor = Collector { layout, path: Vec::new(), tensors: Vec::new(), unnamed: BTreeSet::new() };
    module.visit(&mut visitor);
    if visitor.unnamed.is_empty() {
        Ok(visitor.tensors)
    } else {
        Err(WeightsError::Unexpected(visitor.unnamed.into_iter().collect()))
    }
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
        match (place(self.layout, &path), values) {
            (Some(placed), Ok(values)) => self.tensors.extend(split(&placed, &shape, values)),
            _ => drop(self.unnamed.insert(path)),
        }
    }
}

fn split(placed: &Placed, ours: &[usize], mut values: Vec<f32>) -> Vec<(String, HostTensor)> {
    match placed.form {
        Form::Same | Form::Joined | Form::LeadingAxis => {}
        Form::Transposed | Form::TransposedColumns => values = transpose(&values, ours[0], ours[1]),
        Form::AfterClassRow => drop(values.splice(0..0, vec![0.0; ours[2]])),
    }
    let shape = file_shape(placed.form, ours, placed.files.len());
    let length = values.len() / placed.files.len();
    placed
        .files
        .iter()
        .zip(values.chunks_exact(length))
        .map(|(name, part)| (name.clone(), HostTensor { shape: shape.clone(), values: part.to_vec() }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DecoderConfig, MaeConfig, MaskSegmenter, MaskedAutoencoder, SegmenterConfig, VitConfig,
    };
    use burn::tensor::Device;

    fn tiny(lateral_layers: Vec<usize>) -> SegmenterConfig {
        let mut config = SegmenterConfig::new(VitConfig::plain(16, 4, 8, 3, 2), 5, 2, 2);
        config.encoder.layer_scale = true;
        config.encoder.num_registers = 2;
        config.lateral_layers = lateral_layers;
        config
    }

    #[test]
    fn collect_then_apply_returns_every_parameter() {
        let device = Device::flex();
        for config in [tiny(vec![]), tiny(vec![1, 3])] {
            let saved = collect(&MaskSegmenter::new(&config, &device), Layout::Eomt).unwrap();
            let other = MaskSegmenter::new(&config, &device);
            let loaded = apply(other, Layout::Eomt, saved.iter().cloned().collect()).unwrap();
            assert_eq!(collect(&loaded, Layout::Eomt).unwrap(), saved);
        }
    }

    #[test]
    fn what_hugging_face_adds_and_leaves_out_is_understood() {
        let device = Device::flex();
        let config = MaeConfig::new(VitConfig::plain(16, 4, 8, 1, 2), DecoderConfig::new(8, 1, 2));
        let mut tensors: BTreeMap<_, _> =
            collect(&MaskedAutoencoder::new(&config, &device), Layout::VitMae).unwrap().into_iter().collect();
        tensors.insert("register_tokens".to_owned(), HostTensor { shape: vec![1, 0, 8], values: vec![] });
        assert!(apply(MaskedAutoencoder::new(&config, &device), Layout::VitMae, tensors.clone()).is_ok());
        tensors.get_mut("decoder.decoder_pos_embed").unwrap().values[0] = 0.5;
        let error = apply(MaskedAutoencoder::new(&config, &device), Layout::VitMae, tensors).unwrap_err();
        assert!(error.to_string().contains("decoder.decoder_pos_embed"), "{error}");
    }

    #[test]
    fn missing_extra_and_misshapen_tensors_are_named() {
        let device = Device::flex();
        let fresh = || MaskSegmenter::new(&tiny(vec![]), &device);
        let whole: BTreeMap<_, _> = collect(&fresh(), Layout::Eomt).unwrap().into_iter().collect();
        let mut less = whole.clone();
        less.remove("layers.1.attention.k_proj.bias");
        let mut more = whole.clone();
        more.insert("stranger".to_owned(), HostTensor { shape: vec![1], values: vec![0.0] });
        let mut bent = whole;
        bent.get_mut("query.weight").unwrap().shape = vec![8, 5];
        for (tensors, name) in
            [(less, "layers.1.attention.k_proj.bias"), (more, "stranger"), (bent, "query.weight")]
        {
            let error = apply(fresh(), Layout::Eomt, tensors).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

//! A linear probe: logistic regression on frozen features, fitted to its optimum.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::optim::{GradientsParams, LBFGSConfig, LineSearchFn};
use burn::tensor::activation::{log_sigmoid, log_softmax, sigmoid, softmax};
use burn::tensor::{Device, Tensor, TensorData};

use super::Labelled;
use crate::eval::EvalError;

/// The penalty of scikit-learn's default (C = 1): half the squared weights against the summed loss.
const PENALTY: f64 = 0.5;
const MOST_STEPS: usize = 300;

/// Returns for each photo and class the probability by a linear classifier on features standardised over the
/// training photos (MAE's linear probe, §5.1, with the classifier's convex problem solved instead of trained
/// in epochs): one softmax if photos have exactly one class, else a sigmoid for each class.
///
/// # Errors
/// [`EvalError::Probe`] if the features contain NaN or infinity.
///
/// # Shapes
/// - `test`: `[photos][D]`
/// - returns `[photos][classes]`, 0 to 1
pub fn linear_probe(train: &Labelled, test: &[Vec<f32>]) -> Result<Vec<Vec<f64>>, EvalError> {
    let (width, classes) =
        (train.features.first().map_or(0, Vec::len), train.present.first().map_or(0, Vec::len));
    let device = Device::flex();
    let scale = Scale::of(&train.features, width);
    let tensor = |rows: &[Vec<f32>], device: &Device| {
        let values: Vec<f32> = rows.iter().flat_map(|row| scale.apply(row)).collect();
        Tensor::<2>::from_data(TensorData::new(values, [rows.len(), width]), device)
    };
    let learning = device.clone().autodiff();
    let inputs = tensor(&train.features, &learning);
    let flags: Vec<f32> = train.present.iter().flatten().map(|flag| f32::from(u8::from(*flag))).collect();
    let targets = Tensor::<2>::from_data(TensorData::new(flags, [train.present.len(), classes]), &learning);
    let loss = |model: &Linear| {
        let logits = model.forward(inputs.clone());
        let fit = if train.exclusive {
            (log_softmax(logits, 1) * targets.clone()).sum().neg()
        } else {
            let absent = targets.clone().neg().add_scalar(1.0);
            (log_sigmoid(logits.clone()) * targets.clone() + log_sigmoid(logits.neg()) * absent).sum().neg()
        };
        (fit + model.weight.val().square().sum().mul_scalar(PENALTY)).div_scalar(train.features.len() as f64)
    };
    let zeros = LinearConfig::new(width, classes).with_initializer(Initializer::Zeros);
    let mut optimizer = LBFGSConfig::new()
        .with_max_iter(MOST_STEPS)
        .with_line_search_fn(LineSearchFn::StrongWolfe)
        .with_tolerance_grad(1e-6)
        .init();
    let (model, reached) = optimizer.step(1.0, zeros.init(&learning), |model| {
        let loss = loss(&model);
        let value = f64::from(loss.clone().into_scalar::<f32>());
        (value, GradientsParams::from_grads(loss.backward(), &model))
    });
    if !reached.is_finite() {
        return Err(EvalError::Probe("the features hold NaN or infinite values".to_owned()));
    }
    let logits = model.valid().forward(tensor(test, &device));
    let probabilities = if train.exclusive { softmax(logits, 1) } else { sigmoid(logits) };
    let values = probabilities.into_data().try_to_vec::<f32>();
    let values = values.map_err(|error| EvalError::Probe(format!("{error:?}")))?;
    Ok(values.chunks_exact(classes).map(|row| row.iter().copied().map(f64::from).collect()).collect())
}

/// Mean and standard deviation of each feature.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn of(rows: &[Vec<f32>], width: usize) -> Self {
        let count = rows.len().max(1) as f64;
        let moments = |at: usize| {
            let values = || rows.iter().map(|row| f64::from(row[at]));
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            (mean, if variance > 1e-12 { variance.sqrt() } else { 1.0 })
        };
        Self((0..width).map(moments).collect())
    }

    fn apply(&self, row: &[f32]) -> Vec<f32> {
        let scaled =
            |(value, (mean, deviation)): (&f32, &(f64, f64))| ((f64::from(*value) - mean) / deviation) as f32;
        row.iter().zip(&self.0).map(scaled).collect()
    }
}

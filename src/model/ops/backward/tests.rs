//! Each operation against Burn's own and the gradients of its autodiff, which takes them apart.

use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{DType, Device, Distribution, FloatDType, Tensor, Tolerance};

use crate::model::ops::depthwise_conv::options;
use crate::model::ops::{attention, depthwise_conv, gelu, layer_norm, linear, mse};

fn devices() -> Vec<Device> {
    let devices = [
        Device::flex(),
        #[cfg(feature = "libtorch")]
        #[expect(deprecated, reason = "see `libtorch`")]
        Device::libtorch(),
    ];
    devices.map(Device::autodiff).into()
}

/// Returns each device with the type that it computes as a whole and one that is taken apart there.
fn kinds() -> Vec<(Device, DType)> {
    devices()
        .into_iter()
        .flat_map(|device| [DType::F32, DType::F64].map(|kind| (device.clone(), kind)))
        .collect()
}

fn assert_alike<const D: usize>(got: Option<Tensor<D>>, expected: Option<Tensor<D>>) {
    let tolerance = Tolerance::absolute(2e-5);
    let [got, expected] = [got, expected].map(|all| all.unwrap().cast(FloatDType::F32).into_data());
    got.assert_approx_eq::<f32>(&expected, tolerance);
}

#[test]
fn attention_has_the_derivatives_of_its_parts() {
    for (device, kind) in kinds() {
        device.seed(3);
        let normal = Distribution::Normal(0.0, 1.0);
        // More queries than a thread takes at once.
        let ([batch, length, heads, width], scale) = ([2, 150, 3, 8], 1.5);
        let inputs = Tensor::<3>::random([batch, length, 3 * heads * width], normal, (&device, kind)) * scale;
        let inputs = inputs.detach().require_grad();
        let weight = Tensor::<3>::random([batch, length, heads * width], normal, (&device, kind));
        let output = attention(inputs.clone(), heads);
        let [query, key, value] = [0, 1, 2].map(|part| {
            let part = inputs.clone().narrow(2, part * heads * width, heads * width);
            part.reshape([batch, length, heads, width]).swap_dims(1, 2)
        });
        let options = AttentionModuleOptions::default();
        let parts = burn::tensor::module::attention(query, key, value, None, None, options);
        let parts = parts.swap_dims(1, 2).reshape([batch, length, heads * width]);
        assert_alike(Some(output.clone()), Some(parts.clone()));
        let got = (output * weight.clone()).sum().backward();
        let expected = (parts * weight).sum().backward();
        assert_alike(inputs.grad(&got), inputs.grad(&expected));
    }
}

#[test]
fn linear_layers_have_the_derivatives_of_burns() {
    for (device, kind) in kinds() {
        device.seed(7);
        let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), (&device, kind));
        let tokens = random([2 * 9, 12]).reshape([2, 9, 12]).require_grad();
        let weights = random([12, 20]).require_grad();
        let bias = random([1, 20]).reshape([20]).require_grad();
        let weight = random([2 * 4, 20]).reshape([2, 4, 20]);
        // Not where its storage starts.
        let part = || tokens.clone().narrow(1, 3, 4);
        let output = linear(part(), weights.clone(), bias.clone());
        let parts = burn::tensor::module::linear(part(), weights.clone(), Some(bias.clone()));
        assert_alike(Some(output.clone()), Some(parts.clone()));
        let got = (output * weight.clone()).sum().backward();
        let expected = (parts * weight).sum().backward();
        assert_alike(tokens.grad(&got), tokens.grad(&expected));
        assert_alike(weights.grad(&got), weights.grad(&expected));
        assert_alike(bias.grad(&got), bias.grad(&expected));
    }
}

#[test]
fn layer_norm_has_the_derivatives_of_its_parts() {
    // Whole registers, and not.
    for (device, width) in devices().into_iter().flat_map(|device| [(device.clone(), 32), (device, 20)]) {
        device.seed(4);
        let random = |_| Tensor::<3>::random([2, 5, width], Distribution::Normal(0.5, 2.0), &device);
        let channel =
            |_| Tensor::<1>::random([width], Distribution::Normal(1.0, 0.5), &device).require_grad();
        let (tokens, [gamma, beta], weight) = (random(0).require_grad(), [0; 2].map(channel), random(0));
        let output = layer_norm(tokens.clone(), gamma.clone(), beta.clone(), 1e-6);
        let parts = burn::tensor::module::layer_norm(tokens.clone(), gamma.clone(), Some(beta.clone()), 1e-6);
        assert_alike(Some(output.clone()), Some(parts.clone()));
        let got = (output * weight.clone()).sum().backward();
        let expected = (parts * weight).sum().backward();
        assert_alike(tokens.grad(&got), tokens.grad(&expected));
        [gamma, beta].iter().for_each(|input| assert_alike(input.grad(&got), input.grad(&expected)));
    }
}

#[test]
fn gelu_has_the_value_and_derivative_of_burns() {
    for device in devices() {
        device.seed(5);
        let tokens = Tensor::<2>::random([7, 30], Distribution::Normal(0.0, 3.0), &device).require_grad();
        let weight = Tensor::<2>::random([5, 7], Distribution::Normal(0.0, 1.0), &device);
        // Not where its storage starts, nor in its order.
        let part = || tokens.clone().narrow(1, 3, 5).swap_dims(0, 1);
        let (output, parts) = (gelu(part()), burn::tensor::activation::gelu(part()));
        assert_alike(Some(output.clone()), Some(parts.clone()));
        let got = (output * weight.clone()).sum().backward();
        let expected = (parts * weight).sum().backward();
        assert_alike(tokens.grad(&got), tokens.grad(&expected));
    }
}

#[test]
fn mse_has_the_value_and_derivative_of_its_parts() {
    // Parts of a row that a processor adds up by themselves, and what is over.
    for ((device, kind), width) in kinds().into_iter().flat_map(|kind| [(kind.clone(), 150), (kind, 6)]) {
        device.seed(9);
        let random =
            |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Normal(0.0, 1.0), (&device, kind));
        let drawn = random([3, 50, width]).require_grad();
        let (wanted, weight) = (random([3, 50, width]), random([3, 20, 1]).squeeze_dim::<2>(2));
        // Not where its storage starts.
        let part = |all: &Tensor<3>| all.clone().narrow(1, 30, 20);
        let output = mse(part(&drawn), part(&wanted));
        let parts = (part(&drawn) - part(&wanted)).square().mean_dim(2).squeeze_dim::<2>(2);
        assert_alike(Some(output.clone()), Some(parts.clone()));
        let got = (output * weight.clone()).sum().backward();
        let expected = (parts * weight).sum().backward();
        assert_alike(drawn.grad(&got), drawn.grad(&expected));
    }
}

#[test]
fn depthwise_convolution_has_the_derivatives_of_burns() {
    for device in devices() {
        device.seed(6);
        let normal = Distribution::Normal(0.0, 1.0);
        let features = Tensor::<4>::random([2, 5, 6, 4], normal, &device).require_grad();
        let kernel = Tensor::<4>::random([4, 1, 3, 3], normal, &device).require_grad();
        let weight = Tensor::<4>::random([2, 5, 6, 4], normal, &device);
        let output = depthwise_conv(features.clone(), kernel.clone());
        let channels_first = features.clone().permute([0, 3, 1, 2]);
        let parts = burn::tensor::module::conv2d(channels_first, kernel.clone(), None, options(4));
        let parts = parts.permute([0, 2, 3, 1]);
        assert_alike(Some(output.clone()), Some(parts.clone()));
        let got = (output * weight.clone()).sum().backward();
        let expected = (parts * weight).sum().backward();
        assert_alike(features.grad(&got), features.grad(&expected));
        assert_alike(kernel.grad(&got), kernel.grad(&expected));
    }
}

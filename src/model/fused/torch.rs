//! libtorch's own kernels: attention that never writes its weights down, layer norm by its own autograd.
#![expect(
    deprecated,
    reason = "Burn is to drop libtorch, the fastest of its backends for training on CPUs today"
)]

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::backend::tensor::FloatTensor;
use tch::Tensor;

use super::Fused;
use super::derivatives::Derivatives;

impl Fused for LibTorch {}

impl Derivatives for LibTorch {
    fn attended_keeping(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 2] {
        let (output, log_sums) = Tensor::internal_scaled_dot_product_flash_attention_for_cpu(
            &query.tensor,
            &key.tensor,
            &value.tensor,
            0.0,
            false,
            None::<Tensor>,
            None,
        );
        [output, log_sums].map(TchTensor::new)
    }

    fn attended_back(
        [query, key, value]: [FloatTensor<Self>; 3],
        [output, log_sums]: [FloatTensor<Self>; 2],
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let (query, key, value) = Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward(
            &grad.tensor,
            &query.tensor,
            &key.tensor,
            &value.tensor,
            &output.tensor,
            &log_sums.tensor,
            0.0,
            false,
            None::<Tensor>,
            None,
        );
        [query, key, value].map(TchTensor::new)
    }

    fn normalised_back(
        [tokens, gamma]: [FloatTensor<Self>; 2],
        epsilon: f64,
        grad: FloatTensor<Self>,
    ) -> [FloatTensor<Self>; 3] {
        let inputs = [tokens.tensor, gamma.tensor.shallow_clone(), gamma.tensor.zeros_like()]
            .map(|input| input.detach().set_requires_grad(true));
        let [tokens, gamma, beta] = &inputs;
        let output = tokens.layer_norm([gamma.size()[0]], Some(gamma), Some(beta), epsilon, true);
        let weighed = (output * grad.tensor).sum(None);
        let found = Tensor::run_backward(&[weighed], &inputs, false, false);
        [0, 1, 2].map(|at| TchTensor::new(found[at].shallow_clone()))
    }
}

//! A step of `AdamW` in one pass over the numbers.

use pulp::Arch;

/// What a step of `AdamW` (<https://arxiv.org/abs/1711.05101>, algorithm 2) multiplies by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamwStep {
    /// Learning rate.
    pub rate: f32,
    /// What decay leaves of a parameter.
    pub kept: f32,
    /// How much of the first and the second moment stays.
    pub betas: [f32; 2],
    /// What the moments are divided by, because they began at 0.
    pub corrections: [f32; 2],
    /// Added to the root of the second moment.
    pub epsilon: f32,
}

impl AdamwStep {
    /// Moves `parameters` and `moments`, the first and the second; as many of each as there are `grads`.
    pub fn take(self, parameters: &mut [f32], [first, second]: [&mut [f32]; 2], grads: &[f32]) {
        // Compiled for the widest instructions that there are.
        Arch::new().dispatch(|| {
            let moments = first.iter_mut().zip(second);
            for ((parameter, (first, second)), grad) in parameters.iter_mut().zip(moments).zip(grads) {
                *first = *first * self.betas[0] + grad * (1.0 - self.betas[0]);
                *second = *second * self.betas[1] + grad * grad * (1.0 - self.betas[1]);
                let root = (*second / self.corrections[1]).sqrt();
                let update = *first / self.corrections[0] / (root + self.epsilon);
                *parameter = *parameter * self.kept - update * self.rate;
            }
        });
    }
}

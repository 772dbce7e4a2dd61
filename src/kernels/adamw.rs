//! A step of `AdamW` in one pass over the numbers.

use pulp::Arch;

/// The factors of a step of `AdamW` (<https://arxiv.org/abs/1711.05101>, algorithm 2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamwStep {
    /// Learning rate.
    pub rate: f32,
    /// Share of a parameter that weight decay leaves.
    pub kept: f32,
    /// Decay rates of the first and second moments.
    pub betas: [f32; 2],
    /// Bias corrections: divisors of the moments, which started at 0.
    pub corrections: [f32; 2],
    /// Term added to the root of the second moment.
    pub epsilon: f32,
}

impl AdamwStep {
    /// Updates `parameters` and their first and second moments; each is as long as `grads`.
    pub fn take(self, parameters: &mut [f32], [first, second]: [&mut [f32]; 2], grads: &[f32]) {
        // Compiled for the widest vectors of the processor.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_step_is_as_long_as_the_rate() {
        let step =
            AdamwStep { rate: 0.5, kept: 0.9, betas: [0.9, 0.99], corrections: [0.1, 0.01], epsilon: 0.0 };
        let grads = [4.0, -0.25, 100.0];
        let (mut parameters, mut first, mut second) = ([1.0, 2.0, -3.0], [0.0; 3], [0.0; 3]);
        step.take(&mut parameters, [&mut first, &mut second], &grads);
        for (at, expected) in [0.9 - 0.5, 1.8 + 0.5, -2.7 - 0.5].into_iter().enumerate() {
            assert!((parameters[at] - expected).abs() < 1e-5, "{parameters:?}");
            assert!((first[at] - 0.1 * grads[at]).abs() < 1e-5 * grads[at].abs());
            assert!((second[at] - 0.01 * grads[at].powi(2)).abs() < 1e-5 * grads[at].powi(2));
        }
    }
}

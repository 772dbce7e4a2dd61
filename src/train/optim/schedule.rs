//! Schedules of learning rates and of the masked attention.

use std::f64::consts::PI;

/// Power of the published polynomial decays, of learning rates and mask annealing.
pub const POLY_POWER: f64 = 0.9;

/// Returns the learning rate for a `base` per 256 images and `batch` images per step.
#[must_use]
pub fn scaled_learning_rate(base: f64, batch: usize) -> f64 {
    base * batch as f64 / 256.0
}

/// Linear warm-up, then half a cosine: MAE's schedule, updated at every iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmupCosine {
    /// Rate at the end of the warm-up.
    pub peak: f64,
    /// Rate at the end of training.
    pub floor: f64,
    /// Length of the warm-up in epochs.
    pub warmup_epochs: f64,
    /// Length of training in epochs, warm-up included.
    pub epochs: f64,
}

impl WarmupCosine {
    /// Returns the rate at `epoch`, which counts iterations as fractions of an epoch. It stays at `floor`
    /// past the end.
    #[must_use]
    pub fn at(&self, epoch: f64) -> f64 {
        if epoch < self.warmup_epochs {
            return self.peak * epoch / self.warmup_epochs;
        }
        let progress = ((epoch - self.warmup_epochs) / (self.epochs - self.warmup_epochs)).min(1.0);
        let progress = if progress.is_nan() { 1.0 } else { progress };
        self.floor + (self.peak - self.floor) * 0.5 * (1.0 + (PI * progress).cos())
    }
}

/// Linear warm-up, then a constant rate that is divided by ten once or several times (`SimMIM`,
/// <https://arxiv.org/abs/2111.09886> §4.1).
#[derive(Debug, Clone, PartialEq)]
pub struct WarmupFalls<'a> {
    /// Rate at the end of the warm-up.
    pub peak: f64,
    /// Length of the warm-up in epochs.
    pub warmup_epochs: f64,
    /// Epochs at which the rate is divided by ten.
    pub falls: &'a [f64],
}

impl WarmupFalls<'_> {
    /// Returns the rate at `epoch`, which counts iterations as fractions of an epoch.
    #[must_use]
    pub fn at(&self, epoch: f64) -> f64 {
        if epoch < self.warmup_epochs {
            return self.peak * epoch / self.warmup_epochs;
        }
        self.falls.iter().filter(|&&fall| epoch >= fall).fold(self.peak, |rate, _| rate / 10.0)
    }
}

/// EoMT's two-stage warm-up: new parameters warm up first while the pretrained encoder is frozen, then the
/// encoder follows; both decay polynomially.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoStageWarmup {
    /// Number of steps in which new parameters warm up.
    pub new_steps: usize,
    /// Number of steps, after those, in which the encoder warms up.
    pub encoder_steps: usize,
    /// Total number of steps.
    pub total_steps: usize,
    /// Power of the decay.
    pub power: f64,
}

impl TwoStageWarmup {
    /// Returns the fraction of the peak rate for new parameters at `step`.
    #[must_use]
    pub fn new_parameters(&self, step: usize) -> f64 {
        self.warmup_poly(step, 0, self.new_steps)
    }

    /// Returns the fraction of the peak rate for the pretrained encoder at `step`.
    #[must_use]
    pub fn encoder(&self, step: usize) -> f64 {
        self.warmup_poly(step, self.new_steps, self.encoder_steps)
    }

    fn warmup_poly(&self, step: usize, wait: usize, warmup: usize) -> f64 {
        let begin = wait.saturating_add(warmup);
        if step < wait {
            0.0
        } else if step < begin {
            (step - wait) as f64 / warmup as f64
        } else {
            let left = self.total_steps.saturating_sub(begin).max(1);
            poly((step - begin) as f64 / left as f64, self.power)
        }
    }
}

/// Decays from 1 at `progress` 0 to 0 at `progress` 1, and stays there.
fn poly(progress: f64, power: f64) -> f64 {
    (1.0 - progress.clamp(0.0, 1.0)).powf(power)
}

/// The annealing of masked attention: every block with masks starts with all of them and ends with none.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskAnnealing {
    /// The window of each block, in fractions of the training: its masks begin to disappear at the first and
    /// are all gone at the second.
    pub windows: Vec<(f64, f64)>,
    /// Power of the decay within a window.
    pub power: f64,
}

impl MaskAnnealing {
    /// Returns the published windows for `blocks` blocks: each lasts a sixth of the training, the first
    /// starts at 1/6, the last ends at 5/6.
    #[must_use]
    pub fn published(blocks: usize) -> Vec<(f64, f64)> {
        let start = |block: usize| match blocks {
            1 => 2.5 / 6.0,
            _ => (1.0 + 3.0 * block as f64 / (blocks - 1) as f64) / 6.0,
        };
        (0..blocks).map(|block| (start(block), start(block) + 1.0 / 6.0)).collect()
    }

    /// Returns the probability for each block that a query keeps its mask at `step` of `total`.
    #[must_use]
    pub fn probabilities(&self, step: usize, total: usize) -> Vec<f64> {
        let now = step as f64 / total.max(1) as f64;
        let left = |&(start, end): &(f64, f64)| {
            // A window of length zero is a step function.
            let progress = if now < end { (now - start) / (end - start) } else { 1.0 };
            poly(progress, self.power)
        };
        self.windows.iter().map(left).collect()
    }
}

/// Layer-wise learning rate decay: smaller rates for the earlier layers of a pretrained encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerDecay {
    /// Factor from one block to the one before it; 1 disables the decay.
    pub rate: f64,
    /// Number of encoder blocks.
    pub depth: usize,
}

impl LayerDecay {
    /// Returns the factor for block `index`, counted from 0. The patch embedding has the factor of block 0;
    /// the final norm has no decay.
    #[must_use]
    pub fn block(&self, index: usize) -> f64 {
        self.rate.powi((self.depth - 1 - index) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9, "{actual}, expected {expected}");
    }

    #[test]
    fn cosine_follows_the_recorded_five_step_run() {
        let schedule = WarmupCosine { peak: 1e-3, floor: 0.0, warmup_epochs: 2.0, epochs: 5.0 };
        let recorded = [0.0, 5e-4, 1e-3, 7.5e-4, 2.5e-4];
        for (step, expected) in recorded.into_iter().enumerate() {
            assert_near(schedule.at(step as f64), expected);
        }
        assert_near(schedule.at(5.0), 0.0);
        assert_near(schedule.at(9.0), 0.0);
    }

    #[test]
    fn cosine_takes_fractions_of_an_epoch_and_ends_at_its_floor() {
        let schedule = WarmupCosine { peak: 2.0, floor: 1.0, warmup_epochs: 1.0, epochs: 3.0 };
        assert_near(schedule.at(0.25), 0.5);
        assert_near(schedule.at(1.5), 1.0 + 0.5 * (1.0 + 0.5_f64.sqrt()));
        assert_near(schedule.at(3.0), 1.0);
        let no_room = WarmupCosine { epochs: 1.0, ..schedule };
        assert_near(no_room.at(1.0), 1.0);
    }

    #[test]
    fn the_rate_falls_to_a_tenth_where_it_is_told_to() {
        let schedule = WarmupFalls { peak: 4e-4, warmup_epochs: 10.0, falls: &[700.0, 750.0] };
        let expected = [
            (0.0, 0.0),
            (5.0, 2e-4),
            (10.0, 4e-4),
            (699.9, 4e-4),
            (700.0, 4e-5),
            (750.0, 4e-6),
            (800.0, 4e-6),
        ];
        for (epoch, rate) in expected {
            assert_near(schedule.at(epoch), rate);
        }
    }

    #[test]
    fn the_paper_scales_with_the_batch() {
        assert_near(scaled_learning_rate(1.5e-4, 4096), 2.4e-3);
    }

    #[test]
    fn new_parameters_warm_up_before_the_encoder() {
        let schedule =
            TwoStageWarmup { new_steps: 500, encoder_steps: 1000, total_steps: 10_500, power: 0.9 };
        assert_near(schedule.new_parameters(0), 0.0);
        assert_near(schedule.new_parameters(250), 0.5);
        assert_near(schedule.new_parameters(500), 1.0);
        assert_near(schedule.new_parameters(5_500), 0.5_f64.powf(0.9));
        assert_near(schedule.encoder(499), 0.0);
        assert_near(schedule.encoder(500), 0.0);
        assert_near(schedule.encoder(750), 0.25);
        assert_near(schedule.encoder(1500), 1.0);
        assert_near(schedule.encoder(6_000), 0.5_f64.powf(0.9));
        assert_near(schedule.encoder(10_500), 0.0);
        assert_near(schedule.new_parameters(20_000), 0.0);
    }

    #[test]
    fn a_training_shorter_than_its_warm_up_never_divides_by_zero() {
        let schedule = TwoStageWarmup { new_steps: 0, encoder_steps: 10, total_steps: 5, power: 0.9 };
        assert_near(schedule.new_parameters(0), 1.0);
        assert_near(schedule.encoder(5), 0.5);
        assert_near(schedule.encoder(10), 1.0);
        assert_near(schedule.encoder(11), 0.0);
        let endless = TwoStageWarmup { new_steps: usize::MAX, encoder_steps: usize::MAX, ..schedule };
        assert_near(endless.new_parameters(0) + endless.encoder(5), 0.0);
    }

    #[test]
    fn masks_are_annealed_block_by_block() {
        let annealing = MaskAnnealing { windows: MaskAnnealing::published(3), power: POLY_POWER };
        assert_eq!(annealing.probabilities(0, 6000), [1.0, 1.0, 1.0]);
        assert_eq!(annealing.probabilities(1000, 6000), [1.0, 1.0, 1.0]);
        let [first, second, third] = annealing.probabilities(1500, 6000)[..] else { panic!("three blocks") };
        assert_near(first, 0.5_f64.powf(0.9));
        assert_eq!((second, third), (1.0, 1.0));
        assert_near(annealing.probabilities(3000, 6000)[1], 0.5_f64.powf(0.9));
        assert_near(annealing.probabilities(4500, 6000)[2], 0.5_f64.powf(0.9));
        assert_eq!(annealing.probabilities(5001, 6000), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn masks_go_when_they_are_asked_to() {
        let annealing = MaskAnnealing { windows: vec![(0.0, 0.5), (0.25, 0.25)], power: 2.0 };
        assert_eq!(annealing.probabilities(0, 100), [1.0, 1.0]);
        assert_eq!(annealing.probabilities(25, 100), [0.25, 0.0]);
        assert_eq!(annealing.probabilities(50, 100), [0.0, 0.0]);
    }

    #[test]
    fn four_blocks_have_one_sixth_each_as_published() {
        let expected = [(1.0, 2.0), (2.0, 3.0), (3.0, 4.0), (4.0, 5.0)];
        for ((start, end), (a, b)) in MaskAnnealing::published(4).into_iter().zip(expected) {
            assert_near(start, a / 6.0);
            assert_near(end, b / 6.0);
        }
    }

    #[test]
    fn earlier_layers_learn_more_slowly() {
        let decay = LayerDecay { rate: 0.8, depth: 12 };
        assert_near(decay.block(11), 1.0);
        assert_near(decay.block(10), 0.8);
        assert_near(decay.block(0), 0.8_f64.powi(11));
    }
}

//! Small models of random shapes, and of every kind of block, compute the same on a GPU as on the CPU.

use std::sync::LazyLock;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor};
use mae_seg::engine::{DeviceChoice, pick};
use mae_seg::model::{
    DecoderConfig, HiddenPatches, MaeConfig, MaskSampling, MaskSegmenter, MaskedAutoencoder, SegmenterConfig,
    VitConfig,
};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::recording::{assert_near, largest, values};

const MODELS: u64 = 24;
/// Largest difference of two numbers, as a share of the largest number.
const TOLERANCE: f64 = 1e-4;

/// Moves every parameter away from where it starts: zeros and ones hide mistakes.
struct Shaken;

impl ModuleMapper for Shaken {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let noise = Distribution::Normal(0.0, 0.1);
        param.map(|tensor| tensor.clone() + tensor.random_like(noise))
    }
}

static GPU: LazyLock<Device> = LazyLock::new(|| pollster::block_on(pick(DeviceChoice::Wgpu)).unwrap().device);

fn encoder(random: &mut ChaCha8Rng) -> VitConfig {
    let (patch_size, heads, of_head) =
        (*[4, 7, 8].choose(random).unwrap(), random.random_range(1..=3), 4 * random.random_range(1..=5));
    let plain =
        VitConfig::plain(patch_size * random.random_range(2..=6), patch_size, heads * of_head, 3, heads);
    VitConfig {
        mlp_dim: random.random_range(5..=70),
        num_registers: random.random_range(0..=4),
        layer_scale: random.random(),
        gated_mlp: random.random(),
        qkv_bias: random.random(),
        rotary_base: random.random::<bool>().then_some(100.0),
        ..plain
    }
}

fn segmenter(random: &mut ChaCha8Rng) -> SegmenterConfig {
    let lateral_layers: &[usize] = if random.random() { &[1, 3] } else { &[] };
    SegmenterConfig {
        num_upscale_blocks: random.random_range(0..=2),
        lateral_layers: lateral_layers.to_vec(),
        ..SegmenterConfig::new(
            encoder(random),
            random.random_range(0..=9),
            random.random_range(1..=5),
            random.random_range(1..=3),
        )
    }
}

/// Returns one or two random photos of the model's size.
fn images(side: usize, random: &mut ChaCha8Rng) -> Tensor<4> {
    let shape = [random.random_range(1..=2), 3, side, side];
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

/// Asserts that `compute` returns the same numbers with `model` and `images` on a GPU and on the CPU.
fn assert_same<M: Module, const D: usize>(
    model: &M,
    images: &Tensor<4>,
    what: &str,
    compute: impl Fn(&M, Tensor<4>) -> Tensor<D>,
) {
    let expected = values(compute(model, images.clone()));
    let got = values(compute(&model.clone().to_device(&GPU), images.clone().to_device(&GPU)));
    assert_near(&got, &expected, TOLERANCE * largest(&expected), what);
}

#[test]
#[ignore = "needs a GPU"]
fn segmenters_of_random_shapes() {
    for seed in 0..MODELS {
        Device::flex().seed(seed);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let config = segmenter(&mut random);
        let model = MaskSegmenter::new(&config, &Device::flex()).map(&mut Shaken);
        let images = images(config.encoder.image_size, &mut random);
        let what = format!("{config:?}");
        assert_same(&model, &images, &what, |model, images| model.forward(images).class_logits);
        assert_same(&model, &images, &what, |model, images| model.forward(images).mask_logits);
    }
}

#[test]
#[ignore = "needs a GPU"]
fn autoencoders_of_random_shapes() {
    for seed in 0..MODELS {
        Device::flex().seed(seed);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let decoder = DecoderConfig::new(8 * random.random_range(1..=4), random.random_range(0..=2), 2);
        let hidden_patches = [HiddenPatches::Drop, HiddenPatches::MaskToken, HiddenPatches::Zero];
        // The decoder expects the positions and the class token of a plain encoder.
        let encoder = VitConfig { num_registers: 0, rotary_base: None, ..encoder(&mut random) };
        let config = MaeConfig {
            hidden_patches: *hidden_patches.choose(&mut random).unwrap(),
            teacher_dim: random.random_range(0..=1) * 6,
            ..MaeConfig::new(encoder, decoder)
        };
        let model = MaskedAutoencoder::new(&config, &Device::flex()).map(&mut Shaken);
        let images = images(config.encoder.image_size, &mut random);
        let draws = (0..images.dims()[0] as u64).map(ChaCha8Rng::seed_from_u64);
        let mask = MaskSampling::Random.draw(draws, config.encoder.grid(), config.num_visible());
        assert_same(&model, &images, &format!("{config:?}"), |model, images| {
            model.forward(images, &mask).prediction
        });
    }
}

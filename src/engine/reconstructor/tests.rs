use super::*;
use crate::model::{DecoderConfig, VitConfig};

const SIDE: usize = 32;

fn reconstructor(norm_pix_loss: bool) -> Reconstructor {
    let device = Device::flex();
    let config = MaeConfig::new(VitConfig::plain(SIDE, 8, 8, 1, 2), DecoderConfig::new(8, 1, 2));
    let model = MaskedAutoencoder::new(&MaeConfig { norm_pix_loss, ..config }, &device);
    Reconstructor::new(model, Preprocess::square(SIDE), device)
}

fn photo() -> RgbImage {
    let pixels = (0..40 * 56).flat_map(|i| [(i % 56 * 4) as u8, (i / 56 * 5) as u8, (i * 7 % 251) as u8]);
    RgbImage::new(56, 40, pixels.collect()).unwrap()
}

fn drawn(reconstructor: &Reconstructor, mask: &PatchMask) -> Redrawn {
    pollster::block_on(reconstructor.draw(&reconstructor.prepare(&photo()), mask)).unwrap()
}

#[test]
fn as_much_is_hidden_as_asked_for_and_seeds_differ() {
    let reconstructor = reconstructor(false);
    let count = |share| reconstructor.hide(share, MaskSampling::Random, 0).num_visible();
    assert_eq!([0.0, 0.25, 0.75, 0.95].map(count), [16, 12, 4, 1]);
    let of = |seed| reconstructor.hide(0.5, MaskSampling::Random, seed).first_hidden();
    assert!(of(1) == of(1) && of(1) != of(2));
}

#[test]
fn hidden_patches_are_transparent_and_drawn_and_the_others_the_photo() {
    for norm_pix_loss in [false, true] {
        let reconstructor = reconstructor(norm_pix_loss);
        let square = reconstructor.prepare(&photo()).picture();
        let redrawn = drawn(&reconstructor, &reconstructor.hide(0.5, MaskSampling::Block, 3));
        let [seen, whole, pasted] = [redrawn.seen(), redrawn.picture(false), redrawn.picture(true)];
        for at in 0..SIDE * SIDE {
            let hidden = redrawn.hidden[at / SIDE / 8 * 4 + at % SIDE / 8];
            let pixel = |picture: &[u8]| picture[4 * at..][..4].to_vec();
            assert_eq!(pixel(&seen), if hidden { vec![0; 4] } else { pixel(&square) });
            assert_eq!(pixel(&pasted), pixel(if hidden { &whole } else { &square }));
        }
    }
}

#[test]
fn likeness_is_that_of_the_hidden_patches() {
    let reconstructor = reconstructor(false);
    let redrawn = drawn(&reconstructor, &reconstructor.hide(0.5, MaskSampling::Grid, 0));
    let (square, picture) = (reconstructor.prepare(&photo()).picture(), redrawn.picture(false));
    let (mut error, mut count) = (0.0, 0.0);
    for at in (0..4 * SIDE * SIDE).filter(|at| at % 4 < 3 && redrawn.seen()[at - at % 4 + 3] == 0) {
        error += f64::from(square[at].abs_diff(picture[at])).powi(2);
        count += 1.0;
    }
    let expected = 10.0 * (255.0_f64.powi(2) * count / error).log10();
    let found = redrawn.likeness.unwrap();
    assert!((found.psnr - expected).abs() < 1e-9 && found.ssim < 1.0, "{found:?}, {expected}");
}

#[test]
fn everything_or_nothing_hidden_is_answered_and_another_grid_refused() {
    let reconstructor = reconstructor(true);
    let nothing = drawn(&reconstructor, &PatchMask::from_hidden(&[false; 16]));
    assert_eq!(nothing.likeness, None);
    assert_eq!(nothing.picture(true), reconstructor.prepare(&photo()).picture());
    let everything = drawn(&reconstructor, &PatchMask::from_hidden(&[true; 16]));
    assert!(everything.likeness.is_some() && everything.seen().iter().all(|byte| *byte == 0));
    let (square, other) = (reconstructor.prepare(&photo()), PatchMask::from_hidden(&[true; 9]));
    let refused = pollster::block_on(reconstructor.draw(&square, &other));
    assert!(matches!(refused, Err(EngineError::OtherPatches { given: 9, expected: 16 })));
}

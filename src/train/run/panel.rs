//! Pictures that show what a model does.

use burn::tensor::Tensor;
use image::RgbImage;

use crate::engine::{Answer, Logits, SegmentOptions, find};
use crate::mask::BinaryMask;
use crate::model::{MaskSegmenter, MaskedAutoencoder, PatchMask, patchify, unpatchify};
use crate::pixels::{Letterbox, Preprocess};
use crate::train::loss::Target;

pub(in crate::train) const MOST_ROWS: usize = 6;

/// Draws the original, the patches visible to the encoder and the reconstruction (visible patches kept), one
/// photo per row.
///
/// # Shapes
/// - `images`: `[B, 3, S, S]`, normalised
pub fn reconstruction_panel(
    model: &MaskedAutoencoder,
    images: Tensor<4>,
    mask: &PatchMask,
    preprocess: &Preprocess,
) -> RgbImage {
    let [_, _, side, _] = images.dims();
    let patch = model.config().encoder.patch_size;
    let hidden = mask.hidden(&images.device()).unsqueeze_dim::<3>(2);
    let visible = hidden.neg().add_scalar(1.0);
    let seen = unpatchify(patchify(images.clone(), patch) * visible, patch);
    let filled = model.fill_in(images.clone(), mask);
    let columns = [images, seen, filled].map(host);
    columns_picture(&columns, side, mask.batch(), preprocess)
}

/// Draws the two views of each photo, one photo per row.
pub(in crate::train) fn views_panel(views: [Tensor<4>; 2], preprocess: &Preprocess) -> RgbImage {
    let [rows, _, side, _] = views[0].dims();
    columns_picture(&views.map(host), side, rows, preprocess)
}

/// Draws photos side by side; each of `columns` is `[rows, 3, side, side]`.
fn columns_picture(columns: &[Vec<f32>], side: usize, rows: usize, preprocess: &Preprocess) -> RgbImage {
    let (width, height) = (columns.len() * side, rows * side);
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let pixel = ((y / side) * 3 * side + y % side) * side + x % side;
        image::Rgb(rgb(|channel| columns[x / side][pixel + channel * side * side], preprocess))
    })
}

/// Draws the photo, the true objects, and the predicted objects above the usual threshold, one photo per row.
pub(in crate::train) fn prediction_panel(
    model: &MaskSegmenter,
    images: Tensor<4>,
    targets: &[Target],
    preprocess: &Preprocess,
) -> RgbImage {
    let [_, _, side, _] = images.dims();
    let rows = targets.len().min(MOST_ROWS);
    let output = model.forward(images.clone().narrow(0, 0, rows));
    let [_, _, height, width] = output.mask_logits.dims();
    let pixels = host(images);
    let (classes, masks) = (host(output.class_logits), host(output.mask_logits));
    let (num_classes, dense) = (model.config().num_classes, model.config().num_queries == 0);
    let options = SegmentOptions { score_thresh: model.config().usual_threshold(), ..Default::default() };
    let letterbox = Letterbox::fit(side, side, side);
    let mut picture = RgbImage::new((3 * side) as u32, (rows * side) as u32);
    let photos = pixels.chunks_exact(3 * side * side).zip(classes.chunks_exact(classes.len() / rows));
    for (row, ((photo, class_logits), (mask_logits, target))) in
        photos.zip(masks.chunks_exact(masks.len() / rows).zip(targets)).enumerate()
    {
        let logits = Logits {
            class_logits: class_logits.to_vec(),
            queries: (0..mask_logits.len() / (height * width)).collect(),
            mask_logits: mask_logits.to_vec(),
            grid: [height, width],
        };
        let answer =
            Answer { logits: &logits, num_classes, num_things: num_classes, letterbox, dense, guide: None };
        let found: Vec<BinaryMask> = find(&answer, &options).into_iter().map(|found| found.mask).collect();
        for (column, shown) in [&[][..], &target.masks, &found].into_iter().enumerate() {
            for (x, y) in (0..side * side).map(|i| (i % side, i / side)) {
                let pixel = y * side + x;
                let plain = rgb(|channel| photo[pixel + channel * side * side], preprocess);
                let tint = shown.iter().position(|mask| mask.get(x, y)).map(|i| TINTS[i % TINTS.len()]);
                let colour = tint.map_or(plain, |tint| std::array::from_fn(|i| plain[i] / 2 + tint[i] / 2));
                picture.put_pixel((column * side + x) as u32, (row * side + y) as u32, image::Rgb(colour));
            }
        }
    }
    picture
}

const TINTS: [[u8; 3]; 6] =
    [[230, 60, 60], [60, 160, 240], [90, 200, 80], [240, 190, 40], [180, 90, 220], [40, 210, 200]];

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().unwrap_or_default()
}

fn rgb(channel: impl Fn(usize) -> f32, preprocess: &Preprocess) -> [u8; 3] {
    std::array::from_fn(|i| preprocess.byte(i, channel(i)))
}

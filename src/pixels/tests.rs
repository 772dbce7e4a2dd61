use super::*;

fn photo(width: usize, height: usize, value: impl Fn(usize, usize) -> [u8; 3]) -> RgbImage {
    let pixels = (0..width * height).flat_map(|i| value(i % width, i / width)).collect();
    RgbImage::new(width, height, pixels).unwrap()
}

#[test]
fn longest_side_fills_the_canvas() {
    assert_eq!(Letterbox::fit(640, 480, 224).content(), [224, 168]);
    assert_eq!(Letterbox::fit(3, 1000, 224).content(), [1, 224]);
    assert_eq!(Letterbox::fit(1, 1, 224).content(), [224, 224]);
}

#[test]
fn the_canvas_holds_the_photo_whatever_the_rule() {
    let rules = [
        SizeRule::Exact { height: 20, width: 30 },
        SizeRule::Fit { shortest: 20, longest: Some(20) },
        SizeRule::Fit { shortest: 20, longest: Some(33) },
        SizeRule::Fit { shortest: 20, longest: None },
    ];
    for (size, pad) in rules.into_iter().flat_map(|size| [(size, true), (size, false)]) {
        for (width, height) in [(1, 1), (1, 65_000), (7, 900), (900, 7), (20, 20), (33, 20), (641, 480)] {
            let preprocess = Preprocess { size, pad, multiple_of: 8, ..Preprocess::square(1) };
            let letterbox = Letterbox::of(width, height, &preprocess);
            for axis in [0, 1] {
                assert!(letterbox.canvas()[axis].is_multiple_of(8), "{letterbox:?}");
                assert!(letterbox.canvas()[axis] <= 4096, "{letterbox:?}");
                assert!((1..=letterbox.canvas()[axis]).contains(&letterbox.content()[axis]), "{letterbox:?}");
            }
        }
    }
}

#[test]
fn values_are_normalised_and_padding_is_black() {
    let (values, _) = prepare(&photo(16, 8, |_, _| [255, 0, 51]), &Preprocess::square(8));
    let at = |channel: usize, y: usize, x: usize| values[(channel * 8 + y) * 8 + x];
    assert!((at(0, 3, 7) - (1.0 - 0.485) / 0.229).abs() < 1e-6);
    assert!((at(1, 0, 0) - (0.0 - 0.456) / 0.224).abs() < 1e-6);
    assert!((at(2, 2, 2) - (0.2 - 0.406) / 0.225).abs() < 1e-6);
    assert!((at(0, 4, 0) + 0.485 / 0.229).abs() < 1e-6 && (at(2, 7, 7) + 0.406 / 0.225).abs() < 1e-6);
}

/// Samples bilinearly at pixel centres, one value at a time.
fn plain(samples: &[f64], [width, height]: [usize; 2], to: [usize; 2], whole: [usize; 2]) -> Vec<f64> {
    let place = |at: usize, axis: usize| {
        let size = [width, height][axis];
        ((at as f64 + 0.5) * size as f64 / whole[axis] as f64 - 0.5).clamp(0.0, size as f64 - 1.0)
    };
    let value = |x: usize, y: usize| {
        let (u, v) = (place(x, 0), place(y, 1));
        let (i, j) = (u as usize, v as usize);
        let at = |i: usize, j: usize| samples[j.min(height - 1) * width + i.min(width - 1)];
        let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
        let upper = mix(at(i, j), at(i + 1, j), u - i as f64);
        mix(upper, mix(at(i, j + 1), at(i + 1, j + 1), u - i as f64), v - j as f64)
    };
    (0..to[0] * to[1]).map(|i| value(i % to[0], i / to[0])).collect()
}

#[test]
fn mask_and_quality_equal_the_plain_formula() {
    let mut state = 7_u32;
    for (width, height, canvas, grid) in
        [(50, 31, 32, 8), (9, 90, 64, 16), (3, 3, 32, 8), (1, 1, 16, 4), (5, 400, 64, 16)]
    {
        let logits: Vec<f32> = (0..grid * grid)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state as f32 / u32::MAX as f32 - 0.5
            })
            .collect();
        let letterbox = Letterbox::fit(width, height, canvas);
        let exact: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        let content = plain(&exact, [grid; 2], letterbox.content(), [canvas; 2]);
        let values = plain(&content, letterbox.content(), [width, height], [width, height]);
        let found = letterbox.logits_in_photo(&logits, grid, grid).unwrap();
        let mask = found.mask();
        for (i, value) in values.iter().enumerate() {
            let (x, y) = (i % width, i / width);
            assert!(value.abs() < 1e-4 || mask.get(x, y) == (*value > 0.0), "({x}, {y}): {value}");
        }
        let inside: Vec<f64> = values.into_iter().filter(|value| *value > 0.0).collect();
        let mean = inside.iter().map(|v| 1.0 / (1.0 + (-v).exp())).sum::<f64>() / inside.len().max(1) as f64;
        assert!((f64::from(found.quality()) - mean).abs() < 1e-3, "{} instead of {mean}", found.quality());
    }
}

#[test]
fn a_large_photo_is_sampled_to_the_same_quality() {
    let logits: Vec<f32> =
        (0..16 * 16).map(|i| 4.0 - ((i % 16) as f32 - 6.0).hypot((i / 16) as f32 - 9.0)).collect();
    let quality =
        |side: usize| Letterbox::fit(side, side, 64).logits_in_photo(&logits, 16, 16).unwrap().quality();
    assert!((quality(640) - quality(4000)).abs() < 1e-3, "{} and {}", quality(640), quality(4000));
}

#[test]
fn odd_logits_give_an_empty_mask() {
    let letterbox = Letterbox::fit(10, 10, 16);
    assert!(letterbox.logits_in_photo(&[1.0; 15], 4, 4).is_none());
    let area = |value: f32| letterbox.logits_in_photo(&[value; 16], 4, 4).unwrap().mask().area();
    assert_eq!([area(f32::NAN), area(-1.0), area(1.0)], [0, 0, 100]);
}

#[test]
fn a_photo_lies_where_it_lay_at_another_size() {
    assert_eq!(Letterbox::fit(80, 60, 32).with_photo([40, 30]), Letterbox::fit(40, 30, 32));
}

#[test]
fn cells_around_a_pixel_mix_to_the_logit_there() {
    let letterbox = Letterbox::fit(40, 30, 40);
    let plane: Vec<f32> = (0..100_u32).map(|cell| (cell * 37 % 11) as f32 - 5.0).collect();
    let logits = letterbox.logits_in_photo(&plane, 10, 10).unwrap();
    for (x, y) in [(0, 0), (39, 29), (39, 0), (17, 12), (2, 29)] {
        let around = letterbox.cells_around([x, y], [10, 10]);
        let mixed: f32 = around.iter().map(|&(cell, share)| share * plane[cell]).sum();
        let expected = logits.row(y).nth(x).unwrap();
        assert!((mixed - expected).abs() < 1e-4, "({x}, {y}): {mixed}, expected {expected}");
    }
    // The photo takes the upper two of four rows.
    let lowest = Letterbox::fit(40, 20, 40).cells_around([5, 19], [4, 4]);
    assert!(lowest.iter().all(|(cell, share)| *cell < 8 || *share == 0.0), "{lowest:?}");
}

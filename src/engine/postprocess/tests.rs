use super::*;

/// Three queries on a 2×2 grid, one class: left half, left half again, nothing.
fn logits() -> Logits {
    Logits {
        class_logits: vec![2.0, 0.0, 1.0, 0.0, 5.0, 0.0],
        queries: vec![0, 1, 2],
        mask_logits: vec![3.0, -3.0, 3.0, -3.0, 2.0, -2.0, 2.0, -2.0, -1.0, -1.0, -1.0, -1.0],
        grid: [2, 2],
    }
}

/// The same queries on a 4×4 grid, so that nothing is a speck.
fn larger() -> Logits {
    let mask_logits = [3.0, 2.0, -1.0]
        .into_iter()
        .flat_map(|logit| (0..16).map(move |i| if i % 4 < 2 || logit < 0.0 { logit } else { -logit }))
        .collect();
    Logits { mask_logits, grid: [4, 4], ..logits() }
}

fn answer(logits: &Logits, num_classes: usize) -> Answer<'_> {
    Answer {
        logits,
        num_classes,
        num_things: num_classes,
        letterbox: Letterbox::fit(8, 8, 8),
        dense: false,
        guide: None,
    }
}

fn queries(found: &[Segment]) -> Vec<usize> {
    found.iter().map(|segment| segment.query).collect()
}

#[test]
fn one_object_is_shown_once() {
    let found = find(&answer(&larger(), 1), &SegmentOptions::default());
    assert_eq!(queries(&found), [0]);
}

#[test]
fn a_part_of_an_object_is_not_another_of_its_class() {
    let mut logits = larger();
    // The second query sees the upper quarter of what the first sees.
    logits.mask_logits[16 + 4..32].fill(-3.0);
    logits.mask_logits[16..20].fill(3.0);
    logits.mask_logits[0..4].fill(3.0);
    let found = |num_classes, class_logits: Vec<f32>| {
        let logits = Logits { class_logits, ..logits.clone() };
        queries(&find(&answer(&logits, num_classes), &SegmentOptions::default()))
    };
    assert_eq!(found(1, vec![2.0, 0.0, 1.0, 0.0, -5.0, 0.0]), [0]);
    assert_eq!(found(2, vec![2.0, 0.0, 0.0, 0.0, 2.0, 0.0, -9.0, -9.0, 0.0]), [0, 1], "a tie on a person");
}

#[test]
fn with_every_class_an_object_stays_once_for_each() {
    let logits = Logits { class_logits: vec![2.0, 1.0, 0.0, 1.0, 0.5, 0.0, 0.0, 0.0, 9.0], ..larger() };
    let options = SegmentOptions { every_class: true, score_thresh: 0.0, ..SegmentOptions::default() };
    let found = find(&answer(&logits, 2), &options);
    let pairs: Vec<_> = found.iter().map(|segment| (segment.query, segment.category)).collect();
    assert_eq!(pairs, [(0, 0), (1, 1)], "each class from the query that is surest of it");
}

#[test]
fn specks_are_not_shown() {
    let logits = Logits { mask_logits: vec![-9.0; 48], ..larger() };
    let mut speck = logits.clone();
    speck.mask_logits[5..7].fill(9.0);
    let mut spot = speck.clone();
    spot.mask_logits[9..11].fill(9.0);
    let count = |logits: &Logits| find(&answer(logits, 1), &SegmentOptions::default()).len();
    assert_eq!([count(&logits), count(&speck), count(&spot)], [0, 0, 1]);
}

#[test]
fn a_firm_mask_goes_before_a_speck_in_a_haze() {
    let mut logits = larger();
    logits.class_logits = vec![3.0, 0.0, 3.0, 0.0, 3.0, 0.0];
    logits.mask_logits[..16].fill(-0.2);
    logits.mask_logits[..4].fill(4.0);
    let answer = answer(&logits, 1);
    let options = SegmentOptions { any_class: true, ..SegmentOptions::evaluation() };
    assert_eq!(queries(&find(&answer, &options)), [1, 0]);
    assert_eq!(queries(&find(&answer, &SegmentOptions::evaluation())), [0, 1], "by the authors' rule");
    let firm = 2.0_f32;
    let (inside, outside) = (8.0 / (1.0 + (-firm).exp()), 8.0 / (1.0 + firm.exp()));
    assert!((answer.certainty(1).unwrap() - inside / (8.0 + outside)).abs() < 1e-6);
}

#[test]
fn later_masks_cut_into_earlier_ones() {
    let mut logits = larger();
    logits.mask_logits[16..32].copy_from_slice(&[9.0; 16]);
    let options = SegmentOptions { score_thresh: 0.5, ..SegmentOptions::reference(Selection::Painted) };
    let found = find(&answer(&logits, 1), &options);
    assert_eq!(queries(&found), [0, 1]);
    assert_eq!([found[0].mask.area(), found[1].mask.area()], [0, 64]);
}

#[test]
fn stuff_competes_for_pixels_but_is_not_returned() {
    // Class 1 is stuff: its query covers everything, while the thing's query covers the left half with more
    // certainty.
    let logits = Logits {
        class_logits: vec![9.0, 0.0, 0.0, 0.0, 8.0, 0.0],
        queries: vec![0, 1],
        mask_logits: larger().mask_logits[..16].iter().copied().chain([1.0; 16]).collect(),
        grid: [4, 4],
    };
    let answer = Answer { num_classes: 2, num_things: 1, ..answer(&logits, 2) };
    for selection in [Selection::Panoptic, Selection::Painted, Selection::Distinct] {
        let found = find(&answer, &SegmentOptions::reference(selection));
        assert_eq!(queries(&found), [0], "{selection:?}");
        if selection != Selection::Painted {
            assert_eq!(found[0].mask.bbox(), [0, 0, 4, 8], "{selection:?}");
        }
    }
    let pairs = find(&answer, &SegmentOptions::evaluation());
    assert!(pairs.iter().all(|pair| pair.category == 0) && pairs.len() == 2, "{pairs:?}");
}

#[test]
fn any_class_adds_up_the_classes_of_a_query() {
    let logits = Logits {
        class_logits: vec![1.0, 2.0, 0.0],
        queries: vec![0],
        mask_logits: vec![100.0; 4],
        grid: [2, 2],
    };
    let options = SegmentOptions { any_class: true, ..SegmentOptions::evaluation() };
    let found = find(&answer(&logits, 2), &options);
    let object = 1.0 - 1.0 / (1f32.exp() + 2f32.exp() + 1.0);
    assert_eq!((found.len(), found[0].category), (1, 1), "{found:?}");
    assert!((found[0].score - object).abs() < 1e-5, "{found:?}");
}

#[test]
fn padding_does_not_count() {
    let mut logits = logits();
    logits.mask_logits[..4].copy_from_slice(&[-1.0, -1.0, 0.9, 0.9]);
    let answer = Answer { letterbox: Letterbox::fit(8, 2, 8), ..answer(&logits, 1) };
    assert_eq!(queries(&find(&answer, &SegmentOptions::evaluation())), [1]);
}

#[test]
fn masks_of_unlikely_queries_need_not_be_drawn() {
    // The left half twice with two classes, then nothing; below, the same without the third query's mask.
    let class_logits = vec![1.0, 0.0, 0.0, 0.0, 2.0, 0.0, -4.0, -4.0, 4.0];
    let all = Logits { class_logits, ..larger() };
    for selection in [Selection::Distinct, Selection::Painted, Selection::Panoptic, Selection::Pairs] {
        let options = SegmentOptions { score_thresh: 0.1, ..SegmentOptions::reference(selection) };
        let queries = likely(&all.class_logits, 3, options.score_thresh);
        assert_eq!(queries, [0, 1]);
        let mask_logits = all.mask_logits[..32].to_vec();
        let some = Logits { queries, mask_logits, ..all.clone() };
        let found = find(&answer(&some, 2), &options);
        assert_eq!(found, find(&answer(&all, 2), &options), "{selection:?}");
        assert!(!found.is_empty(), "{selection:?}");
    }
}

#[test]
fn where_every_patch_is_a_query_neighbours_outvote_a_loner() {
    // The left half twice, then everything with a little more certainty.
    let mut logits = Logits { class_logits: vec![2.0, 0.0, 2.0, 0.0, 2.5, 0.0], ..larger() };
    logits.mask_logits[16..32].copy_from_slice(&larger().mask_logits[..16]);
    logits.mask_logits[32..].fill(3.0);
    let found = |dense| find(&Answer { dense, ..answer(&logits, 1) }, &SegmentOptions::default());
    assert_eq!(queries(&found(false)), [2]);
    assert_eq!(queries(&found(true)), [0]);
    let [twice, once] = [2.0_f32, 2.5].map(|logit| 1.0 / (1.0 + (-logit).exp()));
    let score = found(true)[0].score / answer(&logits, 1).certainty(0).unwrap();
    // The certainties of masks whose logits are all 3 or −3, and of one whose logits are all 3, are equal.
    assert!((score / twice - 2.0 * twice / (2.0 * twice + once)).abs() < 0.03, "{score}");
}

#[test]
fn masks_around_a_patch_follow_the_edges_of_the_photo() {
    const SIDE: usize = 256;
    // Columns left of 158 are bright; the mask was drawn in cells of 32 pixels.
    let step = |x: usize| if x < 158 { [220; 3] } else { [20; 3] };
    let guide = RgbImage::new(SIDE, SIDE, (0..SIDE * SIDE).flat_map(|at| step(at % SIDE)).collect()).unwrap();
    let drawn = (0..64).map(|cell| if cell % 8 < 5 { 3.0 } else { -3.0 });
    let logits =
        Logits { class_logits: vec![2.0, 0.0], queries: vec![0], mask_logits: drawn.collect(), grid: [8, 8] };
    let letterbox = Letterbox::fit(SIDE, SIDE, SIDE);
    let right_edge = |guide| {
        let answer = Answer { letterbox, dense: true, guide, ..answer(&logits, 1) };
        let mask = find(&answer, &SegmentOptions::default()).remove(0).mask;
        let [left, _, width, _] = mask.bbox();
        left + width
    };
    assert_eq!((right_edge(None), right_edge(Some(&guide))), (160, 158));
}

#[test]
fn masks_that_follow_edges_keep_their_rows() {
    const SIDE: usize = 256;
    let guide = RgbImage::new(SIDE, SIDE, vec![99; SIDE * SIDE * 3]).unwrap();
    let drawn = (0..64).map(|cell| if cell / 8 < 4 { 3.0 } else { -3.0 });
    let logits =
        Logits { class_logits: vec![2.0, 0.0], queries: vec![0], mask_logits: drawn.collect(), grid: [8, 8] };
    let letterbox = Letterbox::fit(SIDE, SIDE, SIDE);
    let answer = Answer { letterbox, dense: true, guide: Some(&guide), ..answer(&logits, 1) };
    let [_, top, _, height] = find(&answer, &SegmentOptions::default()).remove(0).mask.bbox();
    assert_eq!((top, height), (0, SIDE / 2));
}

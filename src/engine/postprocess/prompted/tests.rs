use super::*;
use crate::engine::Logits;
use crate::mask::BinaryMask;
use crate::pixels::Letterbox;
use crate::prompt::Point;

/// Height and width of the masks, and of a photo of the same size.
const SIDE: usize = 16;

type Shape = fn(usize, usize) -> bool;

/// Returns logits of one class whose queries draw these shapes, each with its own certainty.
fn logits(shapes: &[(Shape, f32)]) -> Logits {
    let cells = || (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let plane = |&(shape, logit): &(Shape, f32)| {
        cells().map(|(x, y)| if shape(x, y) { logit } else { -logit }).collect::<Vec<_>>()
    };
    Logits {
        class_logits: shapes.iter().flat_map(|_| [0.0, 3.0]).collect(),
        queries: (0..shapes.len()).collect(),
        mask_logits: shapes.iter().flat_map(plane).collect(),
        grid: [SIDE; 2],
    }
}

fn found(logits: &Logits, dense: bool, prompt: &Prompt, at_most: usize) -> Vec<Segment> {
    let letterbox = Letterbox::fit(SIDE, SIDE, SIDE);
    let answer = Answer { logits, num_classes: 1, num_things: 1, letterbox, dense, guide: None };
    let places = Places::of(prompt, &letterbox, [SIDE; 2], dense.then_some([2; 2]));
    find(&answer, prompt, &places, at_most)
}

fn mask(shape: impl Fn(usize, usize) -> bool) -> BinaryMask {
    BinaryMask::from_fn(SIDE, SIDE, shape)
}

fn prompt(points: &[(usize, usize, bool)]) -> Prompt {
    let point = |&(x, y, positive): &(usize, usize, bool)| Point { x, y, positive };
    Prompt { points: points.iter().map(point).collect(), bounds: None }
}

/// Four patches: the upper ones see the upper half, the lower ones each see their quarter.
fn patches() -> Logits {
    let above: Shape = |_, y| y < 8;
    logits(&[(above, 4.0), (above, 4.0), (|x, y| x < 8 && y >= 8, 4.0), (|x, y| x >= 8 && y >= 8, 4.0)])
}

#[test]
fn likelihood_is_that_of_the_object_of_its_mask_and_of_the_place() {
    let logits = logits(&[(|x, _| x < 8, 2.0)]);
    let letterbox = Letterbox::fit(SIDE, SIDE, SIDE);
    let answer =
        Answer { logits: &logits, num_classes: 1, num_things: 1, letterbox, dense: false, guide: None };
    let sigmoid = |logit: f32| 1.0 / (1.0 + (-logit).exp());
    let places = Places::of(&Prompt::point(2, 2), &letterbox, [SIDE; 2], None);
    let [object, inside] = [sigmoid(-3.0), sigmoid(2.0)];
    let expected = object * answer.certainty(0).unwrap() * inside;
    assert!((answer.likelihood(0, &places.positive[0]).unwrap() - expected).abs() < 1e-6);
}

#[test]
fn the_patch_under_a_click_answers() {
    let answer = |x, y| found(&patches(), true, &Prompt::point(x, y), 1).remove(0);
    assert_eq!(answer(2, 2).mask, mask(|_, y| y < 8));
    assert_eq!(answer(13, 13).mask, mask(|x, y| x >= 8 && y >= 8));
    assert_eq!(answer(13, 13).query, 3);
    assert!(answer(13, 13).score > 0.9, "though hardly likely to be an object");
}

#[test]
fn a_click_is_inside_its_mask_though_no_mask_covers_it() {
    let unsure =
        logits(&[(|_, _| false, 1.0), (|_, _| false, 1.0), (|_, _| false, 1.0), (|x, _| x < 3, 1.0)]);
    for (x, y) in [(0, 0), (15, 15), (8, 3)] {
        assert!(found(&unsure, true, &Prompt::point(x, y), 1)[0].mask.get(x, y), "{x}, {y}");
    }
}

#[test]
fn what_does_not_touch_the_clicked_piece_is_left_out() {
    let two: Shape = |x, _| !(3..=12).contains(&x);
    let answer = found(&logits(&[(two, 4.0); 4]), true, &Prompt::point(1, 8), 1).remove(0);
    assert_eq!(answer.mask, mask(|x, _| x < 3));
}

#[test]
fn points_add_and_take_away() {
    let both = prompt(&[(2, 2, true), (2, 13, true)]);
    let answer = found(&patches(), true, &both, 1).remove(0);
    assert_eq!(answer.mask, mask(|x, y| y < 8 || x < 8));
    let without = prompt(&[(2, 2, true), (2, 13, true), (3, 14, false)]);
    let answer = found(&patches(), true, &without, 1).remove(0).mask;
    assert!(answer.get(2, 2) && !answer.get(3, 14));
    // Both sides have the same mask, so the nearer place wins.
    let halved = prompt(&[(1, 3, true), (14, 3, false)]);
    let answer = found(&patches(), true, &halved, 1).remove(0).mask;
    assert!((0..8).all(|y| answer.get(1, y) && !answer.get(14, y)));
}

#[test]
fn nothing_is_found_beyond_a_box() {
    let boxed = Prompt { points: Vec::new(), bounds: Some([1, 2, 5, 4]) };
    let answer = found(&patches(), true, &boxed, 3);
    assert_eq!(answer.len(), 1, "a box has one answer");
    assert_eq!(answer[0].mask, mask(|x, y| (1..6).contains(&x) && (2..6).contains(&y)));
}

#[test]
fn other_masks_of_the_place_follow_from_the_next_larger_one_on() {
    // The second shape is the likeliest; the fifth is not at the place, and the sixth equals the fourth.
    let shapes: [(Shape, f32); 6] = [
        (|x, y| x < 4 && y < 4, 3.0),
        (|x, y| x < 8 && y < 8, 6.0),
        (|_, y| y < 13, 2.0),
        (|_, y| y < 8, 4.0),
        (|x, _| x > 12, 6.0),
        (|_, y| y < 8, 3.0),
    ];
    let areas = |at_most, prompt: &Prompt| {
        let found = found(&logits(&shapes), false, prompt, at_most);
        found.iter().map(|segment| segment.mask.area()).collect::<Vec<_>>()
    };
    assert_eq!(areas(9, &Prompt::point(1, 1)), [64, 128, 208, 16]);
    assert_eq!(areas(1, &Prompt::point(1, 1)), [64]);
    assert_eq!(areas(9, &prompt(&[(1, 1, true), (6, 1, false)]))[1..], [16], "without the negative place");
}

#[test]
fn candidates_are_the_patches_around_and_what_covers_the_place() {
    let letterbox = Letterbox::fit(SIDE, SIDE, SIDE);
    let places = Places::of(&Prompt::point(0, 0), &letterbox, [SIDE; 2], Some([8; 2]));
    let cells = places.cells().len();
    assert_eq!(cells, 16);
    let mut logits = vec![-9.0; 64 * cells];
    logits[50 * cells..51 * cells].fill(4.0);
    let candidates = places.candidates(&[0.0; 128], 1, &logits);
    assert!(candidates.contains(&0) && candidates.contains(&50) && candidates.len() <= 16, "{candidates:?}");
    assert!(candidates.is_sorted());
}

use super::*;
use crate::mask::Stroke;

const SIZE: [usize; 2] = [90, 40];

fn block(x: usize, y: usize, side: usize) -> BinaryMask {
    BinaryMask::from_fn(SIZE[0], SIZE[1], |u, v| (x..x + side).contains(&u) && (y..y + side).contains(&v))
}

fn found(label: &str, mask: BinaryMask) -> Object {
    let bbox = mask.bbox();
    Object::found(Instance { category: 0, label: label.into(), score: 0.5, mask, bbox }, false)
}

/// Two squares that do not touch, and an object with both of them and a hole.
fn document() -> Document {
    let mut both = block(5, 5, 9);
    both.subtract(&block(8, 8, 2));
    both.add(&block(60, 20, 4));
    Document::new(SIZE, [found("cat", block(40, 3, 6)), found("dog", block(70, 10, 5)), found("pair", both)])
}

/// A photo that is dark, but light where the first square is and in the column on its left.
fn photo() -> RgbImage {
    let light = |at: usize| (39..46).contains(&(at % SIZE[0])) && (3..9).contains(&(at / SIZE[0]));
    let pixels = (0..SIZE[0] * SIZE[1]).flat_map(|at| if light(at) { [230; 3] } else { [30; 3] });
    RgbImage::new(SIZE[0], SIZE[1], pixels.collect()).unwrap()
}

fn edit(places: &[usize], action: Action) -> Edit {
    Edit { places: places.to_vec(), action }
}

fn areas(document: &Document) -> Vec<Option<u64>> {
    (0..document.place_count()).map(|place| document.object(place).map(|object| object.mask.area())).collect()
}

#[test]
fn every_action_does_what_it_says() {
    let stroke = |x| Stroke { points: vec![[x, 20.5]], radius: 1.0, softness: 0.0 };
    for (places, action, changed, expected) in [
        (vec![0, 1], Action::Merge, vec![0, 1], vec![Some(61), None, Some(93)]),
        (vec![0, 2, 9], Action::Split, vec![2, 3], vec![Some(36), Some(25), Some(77), Some(16)]),
        (vec![1, 0], Action::Delete, vec![0, 1], vec![None, None, Some(93)]),
        (vec![2], Action::Delete, vec![2], vec![Some(36), Some(25)]),
        (vec![], Action::Create("new".into()), vec![3], vec![Some(36), Some(25), Some(93), Some(0)]),
        (vec![1], Action::Restore(stroke(10.5), String::new()), vec![1], vec![Some(36), Some(30), Some(93)]),
        (
            vec![],
            Action::Restore(stroke(10.5), "new".into()),
            vec![3],
            vec![Some(36), Some(25), Some(93), Some(5)],
        ),
        (vec![1, 2], Action::Erase(stroke(60.5)), vec![2], vec![Some(36), Some(25), Some(90)]),
        (vec![0, 2], Action::FillHoles, vec![2], vec![Some(36), Some(25), Some(97)]),
        (vec![1], Action::Grow(1), vec![1], vec![Some(36), Some(45), Some(93)]),
        (vec![1], Action::Shrink(1), vec![1], vec![Some(36), Some(9), Some(93)]),
        (vec![0], Action::Smooth(1), vec![0], vec![Some(32), Some(25), Some(93)]),
        (vec![0], Action::Refine, vec![0], vec![Some(42), Some(25), Some(93)]),
    ] {
        let mut document = document();
        assert_eq!(document.edit(&edit(&places, action.clone()), &photo()), changed, "{action:?}");
        assert_eq!(areas(&document), expected, "{action:?}");
        let reshaped = document.objects().filter(|(place, _)| changed.contains(place));
        for (_, object) in reshaped {
            assert!(object.by_hand, "{action:?}");
            assert_eq!(object.bbox, object.pixels().bbox(), "{action:?}");
        }
    }
}

#[test]
fn names_and_hiding_keep_the_mask() {
    let mut document = document();
    assert_eq!(document.edit(&edit(&[0, 2], Action::Rename("horse".into())), &photo()), [0, 2]);
    let labels: Vec<&str> = document.objects().map(|(_, object)| object.label.as_str()).collect();
    assert_eq!(labels, ["horse", "dog", "horse"]);
    document.edit(&edit(&[1], Action::Hide), &photo());
    assert!(document.object(1).unwrap().hidden);
    document.edit(&edit(&[0, 1], Action::Show), &photo());
    assert!(document.objects().all(|(_, object)| !object.hidden));
    assert_eq!(areas(&document), [Some(36), Some(25), Some(93)]);
}

#[test]
fn what_changes_nothing_is_no_step() {
    let mut document = document();
    for action in [
        Action::Split,
        Action::Merge,
        Action::FillHoles,
        Action::Show,
        Action::Grow(0),
        Action::Erase(Stroke { points: vec![[1.0, 1.0]], radius: 0.0, softness: 0.0 }),
    ] {
        assert!(document.edit(&edit(&[0], action.clone()), &photo()).is_empty(), "{action:?}");
        assert!(document.edit(&edit(&[77], action), &photo()).is_empty());
    }
    assert_eq!(document.can_undo_and_redo(), [false, false]);
}

#[test]
fn a_soft_edge_counts_only_where_it_agrees_with_the_mask() {
    let mut document = Document::new(SIZE, []);
    let stroke = |x: f64| Stroke { points: vec![[x, 20.0]], radius: 10.0, softness: 0.6 };
    document.edit(&edit(&[], Action::Restore(stroke(20.0), "fur".into())), &photo());
    let drawn = document.object(0).unwrap().matte();
    assert!(drawn.soft().len() > 100 && drawn == stroke(20.0).matte(90, 40));
    // What is covered twice gets the larger alpha; what is erased keeps at most what is left.
    document.edit(&edit(&[0], Action::Restore(stroke(33.0), String::new())), &photo());
    document.edit(&edit(&[0], Action::Erase(stroke(60.0))), &photo());
    let both = document.object(0).unwrap().matte();
    for (x, y) in (0..40).flat_map(|y| (0..90).map(move |x| (x, y))) {
        let shares = [20.0, 33.0].map(|at| stroke(at).matte(90, 40).alpha(x, y));
        assert_eq!(both.alpha(x, y), shares[0].max(shares[1]), "{x}, {y}");
    }
    for action in [Action::Grow(2), Action::Shrink(3), Action::Smooth(2), Action::FillHoles, Action::Split] {
        if document.edit(&edit(&[0], action.clone()), &photo()).is_empty() {
            continue;
        }
        let object = document.object(0).unwrap();
        for pixel in object.soft.iter() {
            let inside = object.pixels().get(pixel.x as usize, pixel.y as usize);
            assert_eq!(inside, pixel.alpha >= 128, "{action:?}");
        }
        document.undo();
        assert_eq!(document.object(0).unwrap().matte(), both);
    }
}

/// A deterministic sequence of numbers that look random.
struct Random(u32);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as usize % end
    }

    fn edit(&mut self, document: &Document) -> Edit {
        let places = (0..self.below(4)).map(|_| self.below(document.place_count() + 1)).collect();
        let points = (0..=self.below(3)).map(|_| [self.below(90) as f64, self.below(40) as f64]).collect();
        let softness = [0.0, 0.5, 1.0][self.below(3)];
        let (stroke, pixels) = (Stroke { points, radius: 4.0, softness }, self.below(3));
        let action = match self.below(14) {
            0 => Action::Rename(format!("name {pixels}")),
            1 => Action::Hide,
            2 => Action::Show,
            3 => Action::Delete,
            4 => Action::Merge,
            5 => Action::Split,
            6 => Action::Create("new".into()),
            7 => Action::Restore(stroke, "drawn".into()),
            8 => Action::Erase(stroke),
            9 => Action::FillHoles,
            10 => Action::Smooth(pixels),
            11 => Action::Grow(pixels),
            12 => Action::Refine,
            _ => Action::Shrink(pixels),
        };
        Edit { places, action }
    }
}

#[test]
fn undoing_everything_gives_the_first_state_and_redoing_the_last() {
    for seed in 0..12 {
        let mut random = Random(seed);
        let mut document = document();
        let mut states = vec![document.places.clone()];
        for _ in 0..60 {
            let before = document.places.clone();
            let changed = match random.below(6) {
                0 => {
                    let object = found("asked", block(random.below(80), random.below(30), 8));
                    document.ask(object, false)
                }
                _ => {
                    let edit = random.edit(&document);
                    document.edit(&edit, &photo())
                }
            };
            let place_count = before.len().max(document.places.len());
            let object = |places: &[Option<Object>], place: usize| places.get(place).cloned().flatten();
            let differ: Vec<usize> = (0..place_count)
                .filter(|&place| object(&before, place) != object(&document.places, place))
                .collect();
            let mut reported = changed.clone();
            reported.sort_unstable();
            assert_eq!(reported, differ);
            if !changed.is_empty() {
                states.push(document.places.clone());
            }
        }
        for state in states.iter().rev().skip(1) {
            assert!(!document.undo().is_empty());
            assert_eq!(document.places, *state);
        }
        assert_eq!((document.undo(), document.can_undo_and_redo()), (vec![], [false, true]));
        for state in &states[1..] {
            document.redo();
            assert_eq!(document.places, *state);
        }
        assert_eq!((document.redo(), document.can_undo_and_redo()), (vec![], [true, false]));
    }
}

#[test]
fn a_new_step_ends_what_could_be_redone() {
    let mut document = document();
    document.edit(&edit(&[0], Action::Delete), &photo());
    document.undo();
    document.edit(&edit(&[1], Action::Delete), &photo());
    assert_eq!(document.can_undo_and_redo(), [true, false]);
    document.undo();
    assert_eq!(areas(&document), [Some(36), Some(25), Some(93)]);
}

#[test]
fn an_object_asked_for_again_is_one_step_and_withdrawn_none() {
    let mut document = document();
    document.edit(&edit(&[0], Action::Delete), &photo());
    for (side, replaces) in [(3, false), (4, true), (5, true)] {
        assert_eq!(document.ask(found("asked", block(0, 0, side)), replaces), [3]);
    }
    assert_eq!(areas(&document), [None, Some(25), Some(93), Some(25)]);
    document.undo();
    assert_eq!(areas(&document), [None, Some(25), Some(93)]);
    document.redo();
    document.withdraw();
    assert_eq!(areas(&document), [None, Some(25), Some(93)]);
    // Objects that were not asked for are not withdrawn.
    document.withdraw();
    assert_eq!(
        (areas(&document), document.can_undo_and_redo()),
        (vec![None, Some(25), Some(93)], [true, false])
    );
}

#[test]
fn a_document_comes_back_from_its_bytes_with_its_history() {
    let mut before = document();
    before.edit(&edit(&[0], Action::Grow(2)), &photo());
    before.edit(&edit(&[1], Action::Delete), &photo());
    before.undo();
    let bytes = before.to_bytes().unwrap();
    let mut after = Document::from_bytes(&bytes).unwrap();
    assert_eq!(after, before);
    assert_eq!((after.redo(), after.undo(), after.undo()), (vec![1], vec![1], vec![0]));
    assert_eq!(areas(&after), areas(&document()));
    assert_eq!(Document::from_bytes(&bytes[..bytes.len() - 1]), None);
    let text = String::from_utf8(bytes).unwrap();
    let longer = text.replacen("\"counts\":[", "\"counts\":[7,", 1);
    assert!(longer != text && Document::from_bytes(longer.as_bytes()).is_none());
}

#[test]
fn another_look_replaces_what_was_found_and_keeps_what_was_made_by_hand() {
    let mut document = document();
    document.edit(&edit(&[1], Action::Rename("wolf".into())), &photo());
    let before = document.clone();
    let labels = |document: &Document| -> Vec<String> {
        document.objects().map(|(_, object)| object.label.clone()).collect()
    };
    document.take_in([found("bird", block(1, 1, 3))]);
    assert_eq!(labels(&document), ["bird", "wolf"]);
    document.take_in(["a", "b", "c"].map(|label| found(label, block(1, 1, 3))));
    assert_eq!(labels(&document), ["a", "wolf", "b", "c"]);
    document.undo();
    document.undo();
    assert_eq!(labels(&document), labels(&before));
}

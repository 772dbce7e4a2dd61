//! EoMT's post-processing of recorded logits gives the same segments, scores and maps as `transformers`.

use mae_seg::engine::{Answer, Logits, Segment, SegmentOptions, Selection, find};
use mae_seg::pixels::Letterbox;
use serde_json::Value;

use super::recording::Recording;

const CASES: [&str; 4] = ["wide", "tall", "small", "exact"];
const NUM_CLASSES: usize = 5;
/// Side of the recorded canvas.
const SIDE: usize = 64;
/// Scores are recorded with six digits.
const TOLERANCE: f64 = 2e-6;

struct Case {
    name: &'static str,
    logits: Logits,
    notes: Value,
}

impl Case {
    fn of(name: &'static str, recording: &Recording) -> Self {
        let grid = recording.shape(&format!("{name}.mask_logits"));
        let floats = |what: &str| recording.floats(&format!("{name}.{what}"));
        let logits = Logits {
            class_logits: floats("class_logits"),
            queries: (0..grid[0]).collect(),
            mask_logits: floats("mask_logits"),
            grid: [grid[1], grid[2]],
        };
        Self { name, logits, notes: Recording::notes("postprocess")[name].clone() }
    }

    fn photo(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.notes["photo"][axis].as_u64().unwrap() as usize)
    }

    fn find(&self, options: &SegmentOptions, num_things: usize) -> Vec<Segment> {
        let [width, height] = self.photo();
        let letterbox = Letterbox::fit(width, height, SIDE);
        find(
            &Answer {
                logits: &self.logits,
                num_classes: NUM_CLASSES,
                num_things,
                letterbox,
                dense: false,
                guide: None,
            },
            options,
        )
    }

    /// Asserts the labels and scores recorded for `run`, and that the recorded map holds each segment where
    /// ours does.
    fn assert_recorded(&self, run: &str, found: &[Segment], segments: &[&Value], recording: &Recording) {
        let name = format!("{}.{run}", self.name);
        assert_eq!(found.len(), segments.len(), "{name}: number of segments");
        let map = recording.indices(&name);
        let [width, _] = self.photo();
        for (found, segment) in found.iter().zip(segments) {
            assert_eq!(found.category as u64, segment["label_id"].as_u64().unwrap(), "{name}: {segment}");
            let off = (f64::from(found.score) - segment["score"].as_f64().unwrap()).abs();
            assert!(off < TOLERANCE, "{name}: {} for {segment}", found.score);
            let id = segment["id"].as_u64().unwrap() as usize + 1;
            let differing =
                (0..map.len()).filter(|i| found.mask.get(i % width, i / width) != (map[*i] == id)).count();
            assert_eq!(differing, 0, "{name}: pixels of {segment}");
        }
    }
}

fn options(selection: Selection, score_thresh: f32) -> SegmentOptions {
    SegmentOptions { score_thresh, ..SegmentOptions::reference(selection) }
}

#[test]
fn instance_and_panoptic_maps_are_identical() {
    let recording = Recording::of("postprocess");
    let mut segments = 0;
    for case in CASES.map(|name| Case::of(name, &recording)) {
        for (rule, selection) in [("painted", Selection::Painted), ("panoptic", Selection::Panoptic)] {
            for (digits, thresh) in [("0.3", 0.3), ("0.8", 0.8)] {
                let run = format!("{rule}.{digits}");
                let expected: Vec<&Value> = case.notes[&run].as_array().unwrap().iter().collect();
                segments += expected.len();
                let found = case.find(&options(selection, thresh), NUM_CLASSES);
                case.assert_recorded(&run, &found, &expected, &recording);
            }
        }
    }
    assert!(segments > 30, "the recording holds only {segments} segments");
}

#[test]
fn panoptic_things_are_those_of_the_reference() {
    let recording = Recording::of("postprocess");
    let (mut things_seen, mut stuff_seen) = (0, 0);
    for case in CASES.map(|name| Case::of(name, &recording)) {
        let all = case.notes["things.0.3"].as_array().unwrap();
        let things: Vec<&Value> =
            all.iter().filter(|segment| segment["label_id"].as_u64() < Some(3)).collect();
        (things_seen, stuff_seen) = (things_seen + things.len(), stuff_seen + all.len() - things.len());
        let found = case.find(&options(Selection::Panoptic, 0.3), 3);
        case.assert_recorded("things.0.3", &found, &things, &recording);
    }
    assert!(things_seen > 3 && stuff_seen > 2, "{things_seen} things and {stuff_seen} of stuff recorded");
}

#[test]
fn things_lose_the_pixels_that_stuff_is_painted_on() {
    let recording = Recording::of("postprocess");
    let mut stuff = 0;
    for case in CASES.map(|name| Case::of(name, &recording)) {
        let all = case.notes["painted.0.3"].as_array().unwrap();
        let things: Vec<&Value> =
            all.iter().filter(|segment| segment["label_id"].as_u64() < Some(3)).collect();
        let found = case.find(&options(Selection::Painted, 0.3), 3);
        case.assert_recorded("painted.0.3", &found, &things, &recording);
        stuff += all.len() - things.len();
    }
    assert!(stuff > 2, "{stuff} of stuff recorded");
}

#[test]
fn the_pairs_for_average_precision_are_those_of_the_authors_rule() {
    let recording = Recording::of("postprocess");
    for case in CASES.map(|name| Case::of(name, &recording)) {
        let found = case.find(&SegmentOptions { top_k: 20, ..SegmentOptions::evaluation() }, NUM_CLASSES);
        let recorded: Vec<(usize, usize, f64)> = serde_json::from_value(case.notes["pairs"].clone()).unwrap();
        // A query whose mask lies beside the photo has score 0 there and is not an object here.
        let recorded: Vec<_> = recorded.into_iter().filter(|pair| pair.2 > 0.0).collect();
        assert_eq!(found.len(), recorded.len(), "{}", case.name);
        for (found, (query, category, score)) in found.iter().zip(recorded) {
            assert_eq!((found.query, found.category), (query, category), "{}", case.name);
            assert!((f64::from(found.score) - score).abs() < TOLERANCE, "{}: {score}", case.name);
        }
    }
}

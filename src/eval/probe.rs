//! Evaluation of a frozen encoder's features: nearest neighbours and a linear classifier.

mod features;
mod knn;
mod linear;
mod photos;
mod scores;

pub(super) use features::batch;
pub use features::features;
pub use knn::nearest_neighbours;
pub use linear::linear_probe;
pub use photos::LabelledPhotos;
pub use scores::{Scores, average_precision};

/// Features and labels of photos.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Features, `[photos][D]`.
    pub features: Vec<Vec<f32>>,
    /// Which classes are present, `[photos][classes]`.
    pub present: Vec<Vec<bool>>,
    /// Whether each photo has exactly one class.
    pub exclusive: bool,
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Recorded {
        train: Vec<Vec<f32>>,
        test: Vec<Vec<f32>>,
        label: Vec<usize>,
        present: Vec<Vec<u8>>,
        #[serde(rename = "nearest.label")]
        nearest_label: Vec<Vec<f64>>,
        #[serde(rename = "nearest.present")]
        nearest_present: Vec<Vec<f64>>,
        #[serde(rename = "linear.label")]
        linear_label: Vec<Vec<f64>>,
        #[serde(rename = "linear.present")]
        linear_present: Vec<Vec<f64>>,
        average_precision: Vec<f64>,
    }

    impl Recorded {
        fn read() -> Self {
            serde_json::from_str(include_str!("../../tests/fixtures/probe.json")).unwrap()
        }

        fn train(&self, exclusive: bool) -> Labelled {
            let all = if exclusive {
                self.label.iter().map(|label| (0..3).map(|class| class == *label).collect()).collect()
            } else {
                self.present.iter().map(|row| row.iter().map(|flag| *flag == 1).collect()).collect()
            };
            let present: Vec<Vec<bool>> = all;
            Labelled {
                features: self.train.clone(),
                present: present[..self.train.len()].to_vec(),
                exclusive,
            }
        }
    }

    fn assert_near(found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < tolerance, "{found} instead of {expected}");
        }
    }

    #[test]
    fn neighbours_vote_as_recorded() {
        let recorded = Recorded::read();
        let vote = |exclusive| nearest_neighbours(&recorded.train(exclusive), &recorded.test);
        assert_near(&vote(true), &recorded.nearest_label, 1e-5);
        assert_near(&vote(false), &recorded.nearest_present, 1e-5);
    }

    #[test]
    fn the_linear_probe_equals_scikit_learns_logistic_regression() {
        let recorded = Recorded::read();
        let probe = |exclusive| linear_probe(&recorded.train(exclusive), &recorded.test).unwrap();
        assert_near(&probe(true), &recorded.linear_label, 2e-3);
        assert_near(&probe(false), &recorded.linear_present, 2e-3);
    }

    #[test]
    fn average_precision_equals_scikit_learns() {
        let recorded = Recorded::read();
        for (class, expected) in recorded.average_precision.iter().enumerate() {
            let ranked = recorded.nearest_present.iter().map(|row| row[class]);
            let present = recorded.present[recorded.train.len()..].iter().map(|row| row[class] == 1);
            let found = average_precision(ranked.zip(present).collect()).unwrap();
            assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
        }
    }
}

//! Metrics of predicted probabilities.

use serde::Serialize;

/// Metrics of predictions, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Share of photos whose most probable class is correct; only for photos with exactly one class.
    pub accuracy: Option<f64>,
    /// Mean over the classes of the average precision of ranking the photos.
    pub mean_average_precision: Option<f64>,
}

impl Scores {
    /// Evaluates `[photos][classes]` predictions against the present classes.
    #[must_use]
    pub fn of(predicted: &[Vec<f64>], present: &[Vec<bool>], exclusive: bool) -> Self {
        let right = predicted.iter().zip(present).filter(|(predicted, present)| {
            let best =
                (0..predicted.len()).max_by(|a, b| predicted[*a].total_cmp(&predicted[*b]).then(b.cmp(a)));
            best.is_some_and(|best| present[best])
        });
        let accuracy = exclusive.then(|| right.count() as f64 / predicted.len().max(1) as f64);
        let classes = present.first().map_or(0, Vec::len);
        let ranked = |class: usize| {
            let pairs = predicted.iter().zip(present);
            average_precision(pairs.map(|(row, present)| (row[class], present[class])).collect())
        };
        let each: Vec<f64> = (0..classes).filter_map(ranked).collect();
        let mean = each.iter().sum::<f64>() / each.len().max(1) as f64;
        Self { accuracy, mean_average_precision: (!each.is_empty()).then_some(mean) }
    }
}

/// Returns the average precision: the area under the precision-recall curve as steps, with equal scores taken
/// together (scikit-learn's `average_precision_score`); `None` if nothing is present.
#[must_use]
pub fn average_precision(mut ranked: Vec<(f64, bool)>) -> Option<f64> {
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = ranked.iter().filter(|(_, present)| *present).count();
    let (mut seen, mut hits, mut area) = (0, 0, 0.0);
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        let found = equal.iter().filter(|(_, present)| *present).count();
        seen += equal.len();
        hits += found;
        area += found as f64 / all as f64 * hits as f64 / seen as f64;
    }
    (all > 0).then_some(area)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_by_hand() {
        let predicted = [vec![0.9, 0.1], vec![0.4, 0.6], vec![0.7, 0.3]];
        let present = [vec![true, false], vec![false, true], vec![false, true]];
        let scores = Scores::of(&predicted, &present, true);
        assert_eq!(scores.accuracy, Some(2.0 / 3.0));
        // Class 0 is first of three; class 1 has ranks 1 and 2.
        assert_eq!(scores.mean_average_precision, Some(1.0));
        assert_eq!(Scores::of(&predicted, &present, false).accuracy, None);
        assert_eq!(average_precision(vec![(0.5, true), (0.5, false)]), Some(0.5));
        assert_eq!(average_precision(vec![(0.5, false)]), None);
    }
}

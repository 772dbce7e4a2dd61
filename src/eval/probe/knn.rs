//! Weighted nearest-neighbour classification, as in DINO's evaluation (<https://arxiv.org/abs/2104.14294>,
//! §4.1).

use super::Labelled;

const NEIGHBOURS: usize = 20;
const TEMPERATURE: f64 = 0.07;

/// Returns for each photo and class the share of the votes: the 20 training photos with the most similar
/// features (cosine) vote for their classes, with weight exp(similarity / 0.07).
///
/// # Shapes
/// - `test`: `[photos][D]`
/// - returns `[photos][classes]`, 0 to 1
#[must_use]
pub fn nearest_neighbours(train: &Labelled, test: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let known: Vec<Vec<f32>> = train.features.iter().map(|row| unit(row)).collect();
    let classes = train.present.first().map_or(0, Vec::len);
    let vote = |row: &Vec<f32>| {
        let row = unit(row);
        let mut near: Vec<(f64, usize)> = known
            .iter()
            .enumerate()
            .map(|(at, other)| (row.iter().zip(other).map(|(a, b)| f64::from(a * b)).sum(), at))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.truncate(NEIGHBOURS);
        let weights: Vec<(f64, usize)> =
            near.into_iter().map(|(similarity, at)| ((similarity / TEMPERATURE).exp(), at)).collect();
        let all: f64 = weights.iter().map(|(weight, _)| weight).sum();
        (0..classes)
            .map(|class| {
                let votes = weights.iter().filter(|(_, at)| train.present[*at][class]);
                votes.map(|(weight, _)| weight).sum::<f64>() / all
            })
            .collect()
    };
    test.iter().map(vote).collect()
}

fn unit(row: &[f32]) -> Vec<f32> {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    row.iter().map(|value| value / length).collect()
}

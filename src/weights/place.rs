//! Assembles parameters from the tensors of a file.

use std::iter;

use super::layouts::index_in;
use super::tables::Form;
use super::{HostTensor, Layout};

/// A parameter's rule with the layer index filled in.
#[derive(Debug)]
pub(super) struct Place {
    /// Names in the file.
    pub(super) files: Vec<String>,
    pub(super) form: Form,
}

impl Place {
    /// Finds the rule for a parameter's path, such as `encoder.blocks.3.norm1.gamma`.
    pub(super) fn of(layout: Layout, path: &str) -> Option<Self> {
        layout.rules().find_map(|rule| {
            let index = index_in(&rule.ours, path)?;
            let files = rule.files.iter().map(|file| file.replace("{}", index)).collect();
            Some(Self { files, form: rule.form })
        })
    }

    /// Returns the shape of file tensor `part` for a parameter of shape `ours`, as this crate writes it.
    pub(super) fn file_shape(&self, part: usize, ours: &[usize]) -> Vec<usize> {
        let count = self.files.len();
        match (self.form, ours) {
            (Form::Transposed, [a, b]) => vec![*b, *a],
            (Form::TransposedColumns, [a, b]) => vec![b / count, *a],
            (Form::Joined, [a]) => vec![a / count],
            (Form::JoinedAroundZeros, [a]) => vec![a / 3],
            (Form::Positions, [_, rows, width]) => vec![*rows, *width],
            (Form::PositionsAfterPrefix, [_, rows, width]) => vec![1, rows + 1, *width],
            (Form::PlusPositions(_), [_, _, width]) if part == 1 => vec![1, 1, *width],
            _ => ours.to_vec(),
        }
    }

    /// Returns whether file tensor `part` may have shape `found`. Position embeddings may have rows for the
    /// tokens in front of the patches, and any square grid.
    pub(super) fn fits(&self, part: usize, ours: &[usize], found: &[usize]) -> bool {
        let table = match self.form {
            Form::Positions | Form::PositionsAfterPrefix => true,
            Form::PlusPositions(_) => part == 1,
            _ => false,
        };
        match found {
            [1, rows, width] | [rows, width] if table => Some(width) == ours.last() && *rows > 0,
            _ => found == self.file_shape(part, ours),
        }
    }

    /// Assembles the values of a parameter of shape `ours` from its file tensors, in the order of
    /// [`Place::files`]; position embeddings keep as many rows as the file has patches.
    pub(super) fn assemble(&self, parts: impl Iterator<Item = Vec<f32>>, ours: &[usize]) -> Vec<f32> {
        let mut parts = parts;
        let mut values = parts.next().unwrap_or_default();
        let width = ours.last().copied().unwrap_or(1);
        match self.form {
            Form::Same | Form::Nowhere => {}
            Form::JoinedAroundZeros => {
                let zeros = vec![0.0; values.len()];
                values = joined(values, iter::once(zeros).chain(parts));
            }
            Form::Joined => values = joined(values, parts),
            Form::Transposed => values = transpose(&values, ours[1], ours[0]),
            Form::TransposedColumns => {
                values = transpose(&joined(values, parts), ours[1], ours[0]);
            }
            Form::Positions | Form::PositionsAfterPrefix => {
                drop(values.drain(..prefix_rows(values.len() / width) * width));
            }
            Form::PlusPositions(from) => {
                let table = parts.next().unwrap_or_default();
                let prefix = &table[..prefix_rows(table.len() / width) * width];
                let positions = prefix.iter().skip(from * width);
                values.iter_mut().zip(positions).for_each(|(value, more)| *value += more);
            }
        }
        values
    }

    /// Inverts [`Place::assemble`].
    pub(super) fn split(&self, mut values: Vec<f32>, ours: &[usize]) -> Vec<(String, HostTensor)> {
        let mut count = self.files.len();
        match self.form {
            Form::Nowhere => return Vec::new(),
            Form::Same | Form::Joined | Form::Positions => {}
            Form::JoinedAroundZeros => {
                let third = values.len() / 3;
                drop(values.drain(third..2 * third));
            }
            Form::PlusPositions(_) => count = 1,
            Form::Transposed | Form::TransposedColumns => values = transpose(&values, ours[0], ours[1]),
            Form::PositionsAfterPrefix => drop(values.splice(0..0, vec![0.0; ours[2]])),
        }
        let shape = self.file_shape(0, ours);
        let parts = values.chunks_exact(values.len() / count);
        let tensor = |part: &[f32]| HostTensor { shape: shape.clone(), values: part.to_vec() };
        self.files.iter().cloned().zip(parts.map(tensor)).collect()
    }
}

/// Returns the number of position embeddings in front of those of the patches, which fill the largest
/// possible square: those of a class token and others.
pub(super) fn prefix_rows(rows: usize) -> usize {
    rows - rows.isqrt().pow(2)
}

fn joined(first: Vec<f32>, rest: impl Iterator<Item = Vec<f32>>) -> Vec<f32> {
    iter::once(first).chain(rest).collect::<Vec<_>>().concat()
}

/// Transposes a matrix. It allocates no more memory than the values need, since the result lives as long as
/// the model.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut transposed = Vec::with_capacity(values.len());
    for column in 0..columns {
        transposed.extend((0..rows).map(|row| values[row * columns + column]));
    }
    transposed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_second_part_of_a_sum_is_one_row() {
        let place = Place { files: vec![String::new(); 2], form: Form::PlusPositions(0) };
        assert_eq!(place.file_shape(0, &[1, 5, 8]), [1, 5, 8]);
        assert_eq!(place.file_shape(1, &[1, 5, 8]), [1, 1, 8]);
    }

    #[test]
    fn parameters_hold_no_more_memory_than_their_numbers_need() {
        let assembled = |form, parts: &[&[f32]], ours: &[usize]| {
            let place = Place { files: vec![String::new(); parts.len()], form };
            place.assemble(parts.iter().map(|part| part.to_vec()), ours)
        };
        for (form, parts, ours, expected) in [
            (
                Form::Transposed,
                vec![&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]],
                [3, 2],
                [1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
            ),
            (
                Form::TransposedColumns,
                vec![&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]],
                [3, 2],
                [1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
            ),
            (Form::Joined, vec![&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]], [6, 1], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ] {
            let values = assembled(form, &parts, &ours);
            assert_eq!(values, expected, "{form:?}");
            assert_eq!(values.capacity(), expected.len(), "{form:?}");
        }
    }
}

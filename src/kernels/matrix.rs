//! Matrix products.

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::NdTensorView;

/// Numbers of a slice in rows and columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    numbers: &'a [f32],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Returns all numbers in rows of `columns`.
    pub(super) fn new(numbers: &'a [f32], columns: usize) -> Self {
        Self::strided(numbers, columns, [numbers.len() / columns, columns])
    }

    /// Returns the `[rows, columns]` of which each row begins `stride` numbers after the one before.
    pub(super) fn strided(numbers: &'a [f32], stride: usize, shape: [usize; 2]) -> Self {
        Self { numbers, shape, strides: [stride, 1] }
    }

    pub(super) fn transposed(self) -> Self {
        let ([rows, columns], [down, across]) = (self.shape, self.strides);
        Self { shape: [columns, rows], strides: [across, down], ..self }
    }

    pub(super) fn rows(self) -> usize {
        self.shape[0]
    }

    pub(super) fn columns(self) -> usize {
        self.shape[1]
    }

    fn view(self) -> NdTensorView<'a, f32, 2> {
        NdTensorView::from_slice_with_strides(self.shape, self.numbers, self.strides)
            .unwrap_or_else(|error| panic!("a matrix of {:?} does not fit its numbers: {error}", self.shape))
    }
}

/// Writes `left · right + bias` to `output`, row by row.
///
/// # Panics
/// If the sizes do not fit each other.
pub(super) fn multiply(left: Matrix<'_>, right: Matrix<'_>, bias: Option<&[f32]>, output: &mut [f32]) {
    let (left, right) = (GemmInputA::Unpacked(left.view()), GemmInputB::Unpacked(right.view()));
    let options = GemmOptions { bias: bias.map(BiasVector::Row), ..GemmOptions::default() };
    let done = GemmExecutor::default().gemm(output, left, right, options);
    done.unwrap_or_else(|error| panic!("the matrices do not fit each other: {error}"));
}

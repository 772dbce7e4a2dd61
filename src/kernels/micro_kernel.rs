//! The micro-kernel of the quantized matrix product, its innermost loop.
//!
//! It is written out because the compiler made iterators over arrays slower.

/// Size of a tile of the result, which fits the processor's registers.
pub(super) const ROWS: usize = 4;
pub(super) const COLUMNS: usize = 8;

/// Returns the dot products of each row and column, whose numbers lie in pairs in 32 bits.
#[cfg(target_arch = "wasm32")]
pub(super) fn micro_kernel(rows: [&[u32]; ROWS], panel: &[[u32; COLUMNS]]) -> [[i32; COLUMNS]; ROWS] {
    use bytemuck::cast;
    use std::arch::wasm32::{i32x4_add as add, i32x4_dot_i16x8 as dot, u32x4_splat as splat, v128};

    let [first, second, third, fourth] = rows;
    let pairs = panel.len();
    let (first, second, third, fourth) =
        (&first[..pairs], &second[..pairs], &third[..pairs], &fourth[..pairs]);
    let zero = splat(0);
    let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
    let (mut e, mut f, mut g, mut h) = (zero, zero, zero, zero);
    for pair in 0..pairs {
        let [left, right]: [v128; 2] = cast(panel[pair]);
        let (one, two, three, four) =
            (splat(first[pair]), splat(second[pair]), splat(third[pair]), splat(fourth[pair]));
        (a, b) = (add(a, dot(one, left)), add(b, dot(one, right)));
        (c, d) = (add(c, dot(two, left)), add(d, dot(two, right)));
        (e, f) = (add(e, dot(three, left)), add(f, dot(three, right)));
        (g, h) = (add(g, dot(four, left)), add(h, dot(four, right)));
    }
    cast([a, b, c, d, e, f, g, h])
}

/// Computes the tile number by number, for tests on any machine.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn micro_kernel(rows: [&[u32]; ROWS], panel: &[[u32; COLUMNS]]) -> [[i32; COLUMNS]; ROWS] {
    let halves = |pair: u32| [pair as i16, (pair >> 16) as i16].map(i32::from);
    let dot = |left: u32, right: u32| halves(left).iter().zip(halves(right)).map(|(l, r)| l * r).sum::<i32>();
    let of_column = |row: &[u32], column: usize| row.iter().zip(panel).map(|(l, r)| dot(*l, r[column])).sum();
    rows.map(|row| std::array::from_fn(|column| of_column(row, column)))
}

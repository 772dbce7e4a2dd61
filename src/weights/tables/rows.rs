//! The form of the tables: rows, and sections of them.

/// How file tensors form one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) enum Form {
    /// One tensor, stored as it is.
    Same,
    /// A `Linear` weight, stored as `[out, in]`.
    Transposed,
    /// Several `Linear` weights side by side: queries, keys, values.
    TransposedColumns,
    /// Several vectors, concatenated.
    Joined,
    /// Two of three vectors, with zeros for the middle one: queries and values have a bias, keys have none.
    JoinedAroundZeros,
    /// Not stored; the parameter keeps its value.
    Nowhere,
    /// Position embeddings with one row per patch.
    Positions,
    /// Position embeddings of patches after rows for the tokens in front of them.
    PositionsAfterPrefix,
    /// The prefix tokens from this one on, and the position embeddings: tokens have no position embeddings
    /// here, so their rows, if any, are added to them.
    PlusPositions(usize),
}

pub(in crate::weights) type Row = (&'static str, &'static [&'static str], Form);

/// Rows with a prefix of the module path and a prefix of the file's names.
pub(in crate::weights) struct Section(
    pub(in crate::weights) &'static str,
    pub(in crate::weights) &'static str,
    pub(in crate::weights) &'static [Row],
);

//! Columns of the conventions that a step names.

use crate::spec::{CapSide, NormScale};
use crate::step::RowsInfo;
use crate::table::{Holds, rows};
use polars::prelude::*;

rows! {
    /// The scale of norms after attention and MLP.
    pub(super) NormColumn(scale: NormScale) {
        norm: String = scale.name(), "Which scale norms after attention and MLP have for a share.", in NormScale::NAMES;
    }
    /// Which logits.
    pub(super) CapColumn(side: CapSide) {
        soft_cap: String = side.name(), "Whether logits are before or after the model's soft cap.", in CapSide::NAMES;
    }
}

/// Columns `K`, and those of conventions.
pub(super) type WithConventions<K> = (K, (NormColumn, CapColumn));

/// Declared rows with the columns of those conventions alone that a step names.
pub(super) fn named(rows: Vec<RowsInfo>, norm: Option<NormScale>, cap: Option<CapSide>) -> Vec<RowsInfo> {
    let named = |rows: RowsInfo| {
        let rows = if norm.is_some() { rows } else { rows.without("norm") };
        if cap.is_some() { rows } else { rows.without("soft_cap") }
    };
    rows.into_iter().map(named).collect()
}

/// Keys of rows with the columns of the conventions that a step names.
///
/// # Errors
/// None of its own.
pub(super) fn beside(keys: DataFrame, norm: Option<NormScale>, cap: Option<CapSide>) -> PolarsResult<DataFrame> {
    let height = keys.height();
    let mut columns = Vec::new();
    if let Some(norm) = norm {
        columns.extend(NormColumn::columns("", std::iter::repeat_n(norm, height)));
    }
    if let Some(cap) = cap {
        columns.extend(CapColumn::columns("", std::iter::repeat_n(cap, height)));
    }
    keys.hstack(&columns)
}

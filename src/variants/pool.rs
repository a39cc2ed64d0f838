//! The rows of a spec's variants as one frame, a column for each axis of the matrix in front.

use crate::spec::matrix::VariantLabel;
use polars::prelude::*;

/// The rows of a step's groups one below the other, with a column per axis.
///
/// # Errors
/// Rows that have other columns in another variant.
pub fn pooled(axes: &[(&str, DataType)], groups: &[(&[VariantLabel], &DataFrame)]) -> PolarsResult<DataFrame> {
    let mut all: Option<DataFrame> = None;
    for (labels, rows) in groups {
        let mut labelled = labelled(axes, labels, rows)?;
        match &mut all {
            None => all = Some(labelled),
            Some(all) => {
                alike(all, &mut labelled)?;
                all.vstack_mut(&labelled)?;
            }
        }
    }
    let mut all = all.unwrap_or_default();
    all.rechunk_mut();
    Ok(all)
}

/// Makes texts of columns that are whole numbers in one of two frames and texts in the other: words of prompts that are other words
/// in another variant.
///
/// # Errors
/// None of its own.
pub fn alike(one: &mut DataFrame, other: &mut DataFrame) -> PolarsResult<()> {
    let names: Vec<PlSmallStr> = one.get_column_names().into_iter().cloned().collect();
    for name in names {
        let (Ok(here), Ok(there)) = (one.column(&name), other.column(&name)) else { continue };
        match (here.dtype(), there.dtype()) {
            (DataType::Int64, DataType::String) => {
                let texts = here.cast(&DataType::String)?;
                one.with_column(texts)?;
            }
            (DataType::String, DataType::Int64) => {
                let texts = there.cast(&DataType::String)?;
                other.with_column(texts)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Rows with these labels in front of each.
pub fn labelled(axes: &[(&str, DataType)], labels: &[VariantLabel], rows: &DataFrame) -> PolarsResult<DataFrame> {
    if axes.is_empty() {
        return Ok(rows.clone());
    }
    let height = rows.height();
    let column = |((name, dtype), label): (&(&str, DataType), &VariantLabel)| {
        let name = PlSmallStr::from_str(name);
        match (dtype, label) {
            (DataType::Int64, VariantLabel::Integer(number)) => Column::new(name, vec![*number; height]),
            (DataType::Float64, VariantLabel::Integer(number)) => Column::new(name, vec![*number as f64; height]),
            (DataType::Float64, VariantLabel::Float(number)) => Column::new(name, vec![*number; height]),
            (_, label) => Column::new(name, vec![label.to_string(); height]),
        }
    };
    let columns: Vec<Column> = axes.iter().zip(labels).map(column).chain(rows.columns().iter().cloned()).collect();
    DataFrame::new(height, columns)
}

/// The type of an axis's column: whole numbers, numbers, or text.
pub fn dtype<'l>(labels: impl Iterator<Item = &'l VariantLabel> + Clone) -> DataType {
    if labels.clone().all(|label| matches!(label, VariantLabel::Integer(_))) {
        DataType::Int64
    } else if labels.clone().all(|label| !matches!(label, VariantLabel::Text(_))) {
        DataType::Float64
    } else {
        DataType::String
    }
}

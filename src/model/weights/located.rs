//! Where a tensor lies in its file.

use super::{NumberFormat, TensorInfo, WeightError, WeightSource};

/// Position and description of tensor `name`, whose elements `start..start + count` are to be read as floats.
pub(super) fn find<'a>(
    source: &'a dyn WeightSource,
    name: &str,
    start: usize,
    count: usize,
) -> Result<(usize, &'a TensorInfo), WeightError> {
    let wrong = |reason: String| WeightError::format(source.path(), reason);
    let (index, _, info) = source.tensors().get_full(name).ok_or_else(|| wrong(format!("no tensor '{name}'")))?;
    if matches!(info.stored, NumberFormat::Other(_)) {
        let format = source.format_of(name);
        return Err(wrong(format!("'{name}' holds {format}, which is not a type of floats that is read")));
    }
    let elements: usize = info.shape.iter().product();
    if start.checked_add(count).is_none_or(|end| end > elements) {
        return Err(wrong(format!("'{name}' has {elements} elements, {count} were asked for from {start}")));
    }
    Ok((index, info))
}

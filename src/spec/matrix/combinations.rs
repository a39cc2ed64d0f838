//! The combinations of the axes' values, but for those left out, and those added.

use super::VariantLabel;
use super::axis::{self, part};
use crate::spec::advise;
use crate::spec::check::{wrong_key, wrong_value};
use crate::spec::error::SpecError;
use crate::spec::node::Node;

/// More variants than this are a slip of the pen.
const MOST: usize = 500;

/// Keys of a matrix that are no axes, and of an entry of `include`.
const NO_AXES: [&str; 3] = ["exclude", "include", "set"];

/// A matrix as it was read.
pub(in crate::spec) struct MatrixReading {
    /// Names of the axes.
    pub axes: Vec<String>,
    /// The axes that are wrong: which keys they set is not known.
    pub lost: Vec<usize>,
    /// At least one.
    pub combinations: Vec<Combination>,
}

/// A variant before it is a spec.
pub(in crate::spec) struct Combination {
    pub name: String,
    pub labels: Vec<VariantLabel>,
    pub settings: Vec<Setting>,
}

/// A key that a variant sets.
pub(in crate::spec) struct Setting {
    /// The axes that it depends on.
    pub axes: Vec<usize>,
    pub path: Vec<String>,
    pub value: Node,
}

/// The axes and the combinations of a matrix whose form was checked, at least one. `errors` gets everything that is wrong with it, which
/// is left out.
pub(in crate::spec) fn combinations(matrix: &Node, errors: &mut Vec<SpecError>) -> MatrixReading {
    let before = errors.len();
    let mut axes = Vec::new();
    for (name, node) in matrix.table().into_iter().flatten() {
        match name.as_str() {
            "exclude" | "include" => {}
            taken if NO_AXES.contains(&taken) => {
                let error = wrong_key(node, format!("an axis cannot be called '{taken}'"));
                errors.push(error.advise("write another name"));
            }
            _ => axes.push(axis::AxisReading::axis(name, node, errors)),
        }
    }
    if axes.is_empty() && errors.len() == before && !matrix.is_unknown() {
        errors.push(
            wrong_value(matrix, "[matrix] has no axis".into())
                .advise("write dtype = { key = \"model.dtype\", values = [\"f32\", \"bf16\"] }"),
        );
    }
    let count = axes.iter().fold(1_usize, |product, axis| product.saturating_mul(axis.values.len()));
    if count > MOST {
        let error = wrong_value(matrix, format!("the matrix has {count} variants, and at most {MOST} can be run"));
        errors.push(error.advise("write fewer values, or several specs"));
        for axis in &mut axes {
            axis.values.truncate(1);
            axis.faulty = true;
        }
    }
    let mut all = product(&axes);
    // Of an axis that is wrong nobody knows which values it would have.
    let sound = |entry: &&Node| {
        let named = |name: &String| axes.iter().any(|axis| axis.name == name && axis.faulty);
        !axes.is_empty() && entry.table().is_some_and(|entry| !entry.keys().any(named))
    };
    for entry in matrix.entries("exclude").iter().filter(sound) {
        exclude(entry, &axes, &mut all).unwrap_or_else(|error| errors.extend(error));
    }
    for entry in matrix.entries("include").iter().filter(sound) {
        include(entry, &axes, &mut all).unwrap_or_else(|error| errors.extend(error));
    }
    if all.is_empty() {
        if errors.len() == before {
            let error = wrong_value(matrix, "[[matrix.exclude]] leaves out every variant".into());
            errors.push(error.advise("leave out fewer"));
        }
        all = product(&axes).into_iter().take(1).collect();
    }
    let lost = (0..axes.len()).filter(|&axis| axes[axis].faulty).collect();
    MatrixReading { axes: axes.iter().map(|axis| axis.name.to_string()).collect(), lost, combinations: all }
}

/// Every combination, the first axis outermost.
fn product(axes: &[axis::AxisReading]) -> Vec<Combination> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for axis in axes {
        let longer = |chosen: Vec<usize>| {
            (0..axis.values.len()).map(move |value| chosen.iter().copied().chain([value]).collect::<Vec<_>>())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    let values = |chosen: Vec<usize>| {
        chosen.into_iter().zip(axes).filter_map(|(value, axis)| axis.values.get(value).cloned()).collect::<Vec<_>>()
    };
    all.into_iter().map(|chosen| Combination::of(axes, values(chosen))).collect()
}

impl Combination {
    fn of(axes: &[axis::AxisReading], values: Vec<super::axis::AxisValue>) -> Self {
        let names: Vec<String> = axes.iter().map(|axis| axis.name.to_string()).collect();
        let labels: Vec<VariantLabel> = values.iter().map(|value| value.label.clone()).collect();
        let every: Vec<usize> = (0..labels.len()).collect();
        let settings = values.into_iter().enumerate().flat_map(|(axis, value)| {
            value.sets.into_iter().map(move |(path, value)| Setting { axes: vec![axis], path, value })
        });
        Self { name: crate::spec::Variant::name_of(&names, &labels, &every), settings: settings.collect(), labels }
    }

    fn has(&self, wanted: &[(usize, VariantLabel)]) -> bool {
        wanted
            .iter()
            .all(|(axis, label)| self.labels.get(*axis).is_some_and(|own| own.to_string() == label.to_string()))
    }
}

/// The axes that an entry names, with what it says of each.
fn named<'n>(entry: &'n Node, axes: &[axis::AxisReading]) -> Result<Vec<(usize, &'n Node)>, Vec<SpecError>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (name, value) in entry.table().into_iter().flatten().filter(|(name, _)| *name != "set") {
        match axes.iter().position(|axis| axis.name == name) {
            Some(axis) => found.push((axis, value)),
            None => {
                let names: Vec<&str> = axes.iter().map(|axis| axis.name).collect();
                let advice = advise(name, &names, '\'', "write one of");
                errors
                    .push(wrong_key(value, format!("no axis '{}'", crate::spec::node::shortened(name))).advise(advice));
            }
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn exclude(entry: &Node, axes: &[axis::AxisReading], all: &mut Vec<Combination>) -> Result<(), Vec<SpecError>> {
    if let Some(set) = entry.get("set") {
        return Err(vec![
            wrong_key(set, "'set' has no effect in [[matrix.exclude]]".into())
                .advise("write it into [[matrix.include]]"),
        ]);
    }
    let mut wanted = Vec::new();
    let mut errors = Vec::new();
    for (axis, node) in named(entry, axes)? {
        match axes[axis].named(node) {
            Some(value) => wanted.push((axis, value.label.clone())),
            None => errors.push(axes[axis].has_none(node)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let before = all.len();
    all.retain(|combination| !combination.has(&wanted));
    if all.len() == before {
        let error = wrong_value(entry, "this leaves nothing out: no variant has these values".into());
        return Err(vec![error.advise("correct its values, or remove it")]);
    }
    Ok(())
}

fn include(entry: &Node, axes: &[axis::AxisReading], all: &mut Vec<Combination>) -> Result<(), Vec<SpecError>> {
    let named = named(entry, axes)?;
    let mut errors = Vec::new();
    let set = entry.get("set").map(|set| part(set, "'set'", &mut errors));
    let mut values = Vec::new();
    for (axis, node) in &named {
        let axis_of = &axes[*axis];
        let value = match axis_of.named(node) {
            Some(value) => Some(value.clone()),
            None if axis_of.key.is_none() => {
                errors.push(axis_of.has_none(node));
                None
            }
            None => axis_of.value(None, node, &mut errors),
        };
        values.extend(value.map(|value| (*axis, value)));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let wanted: Vec<(usize, VariantLabel)> = values.iter().map(|(axis, value)| (*axis, value.label.clone())).collect();
    let of: Vec<usize> = wanted.iter().map(|(axis, _)| *axis).collect();
    let whole = axes.len() == of.len();
    let there = all.iter().any(|combination| combination.has(&wanted));
    match (there, &set) {
        (true, None) => {
            let advice = "write under 'set' what changes in these variants, or remove it";
            return Err(vec![
                wrong_value(entry, "this adds nothing: the matrix has these variants already".into()).advise(advice),
            ]);
        }
        (false, _) if !whole => {
            let missing: Vec<&str> =
                (0..axes.len()).filter(|axis| !of.contains(axis)).map(|axis| axes[axis].name).collect();
            let message = "no variant has these values, and a new variant needs a value of every axis".to_string();
            return Err(vec![wrong_value(entry, message).advise(format!("add {}", missing.join(", ")))]);
        }
        (false, _) => {
            values.sort_by_key(|(axis, _)| *axis);
            all.push(Combination::of(axes, values.into_iter().map(|(_, value)| value).collect()));
        }
        (true, Some(_)) => {}
    }
    for combination in all.iter_mut().filter(|combination| combination.has(&wanted)) {
        let settings = set.iter().flatten().cloned();
        combination.settings.extend(settings.map(|(path, value)| Setting { axes: of.clone(), path, value }));
    }
    Ok(())
}

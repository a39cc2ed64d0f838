//! Which of the known models a model is, and the spec for it.

use crate::Error;
use crate::context::Models;
use crate::model::{ModelDimensions, ModelName, ModelSummary, family};
use crate::spec::{Known, Loaded, SpecErrors, advise};
use indexmap::IndexMap;

/// The spec for the model at hand: where `[model]` is one of `[known]`, with that one's profile laid over the files. Looks at
/// the model's files and reads no weights. What is settled already stays as it is.
///
/// # Errors
/// A model that cannot be had or is two of the known ones; a profile that is wrong.
pub fn settle(loaded: &Loaded, quiet: bool) -> Result<Loaded, Error> {
    each(loaded, |loaded| {
        let settled = of_one(loaded, quiet)?;
        let model =
            |loaded: &Loaded| loaded.spec.model.as_ref().map(|model| (model.source.clone(), model.checkpoints.clone()));
        if let Some(known) = settled.recognised().filter(|_| model(&settled) != model(loaded)) {
            still(&settled, &known.name, quiet)?;
        }
        Ok(settled)
    })
}

/// The same without a look at a model that the profile names instead, which need not be here.
///
/// # Errors
/// As [`settle`].
pub fn with_profile(loaded: &Loaded, quiet: bool) -> Result<Loaded, Error> {
    each(loaded, |loaded| of_one(loaded, quiet))
}

/// Does it for every variant of a spec.
fn each(loaded: &Loaded, settle: impl Fn(&Loaded) -> Result<Loaded, Error>) -> Result<Loaded, Error> {
    match loaded.sweep() {
        None => settle(loaded),
        Some(_) if loaded.spec.known.is_empty() => Ok(loaded.clone()),
        Some(_) => {
            let settled = loaded.variants().into_iter().map(settle);
            Ok(loaded.with_variants(settled.collect::<Result<_, _>>()?)?)
        }
    }
}

fn of_one(loaded: &Loaded, quiet: bool) -> Result<Loaded, Error> {
    if loaded.spec.known.is_empty() || loaded.recognised().is_some() {
        return Ok(loaded.clone());
    }
    families(loaded)?;
    let Some((_, dimensions)) = at_hand(loaded, quiet)? else { return Ok(loaded.clone()) };
    let Some(name) = name_of(loaded, "model", &dimensions)? else { return Ok(loaded.clone()) };
    Ok(loaded.with_profile(name)?)
}

/// The model that a profile names instead must be the one that the profile is for.
fn still(settled: &Loaded, name: &str, quiet: bool) -> Result<(), Error> {
    let Some((model, dimensions)) = at_hand(settled, quiet)? else { return Ok(()) };
    if name_of(settled, "model", &dimensions)? == Some(name) {
        return Ok(());
    }
    let message = format!("the profile of [known.{name}] names a model, '{model}', that is not {name}");
    let advice = format!("write a model that has the facts of [known.{name}]");
    Err(settled.refuse(&["model", "source"], message, Some(advice)).into())
}

/// The dimensions of `[model]`; of its first checkpoint, where it has any.
fn at_hand(loaded: &Loaded, quiet: bool) -> Result<Option<(ModelName, ModelDimensions)>, Error> {
    if loaded.spec.model.is_none() {
        return Ok(None);
    }
    let models = Models::new(loaded, quiet);
    let Some(name) = models.names(&["model".to_string()]).into_iter().next() else { return Ok(None) };
    let dimensions = ModelDimensions::from(&models.facts(&name)?);
    Ok(Some((name, dimensions)))
}

/// The known model that each model of a spec is, by its name in the spec; none for one that is not known.
///
/// # Errors
/// A model that is two of them.
pub(crate) fn names(
    loaded: &Loaded,
    models: &[(ModelName, ModelSummary)],
) -> Result<IndexMap<String, Option<String>>, Error> {
    let mut names = IndexMap::new();
    for (model, summary) in models {
        if !names.contains_key(&model.name) {
            let known = name_of(loaded, &model.name, &summary.dimensions)?.map(String::from);
            names.insert(model.name.clone(), known);
        }
    }
    Ok(names)
}

/// The known model whose dimensions these are.
fn name_of<'l>(loaded: &'l Loaded, model: &str, dimensions: &ModelDimensions) -> Result<Option<&'l str>, Error> {
    let mut fitting =
        loaded.spec.known.iter().filter(|(_, known)| fits(known, dimensions)).map(|(name, _)| name.as_str());
    match (fitting.next(), fitting.next()) {
        (Some(first), Some(second)) => {
            let message = format!("model '{model}' fits both [known.{first}] and [known.{second}]");
            let advice = "add a fact that tells them apart, or leave one of them out".to_string();
            Err(loaded.refuse(&["known", second], message, Some(advice)).into())
        }
        (one, _) => Ok(one),
    }
}

/// Whether every fact that is written is the model's.
fn fits(known: &Known, facts: &ModelDimensions) -> bool {
    let is = |wanted: Option<usize>, found: usize| wanted.is_none_or(|wanted| wanted == found);
    known.family.as_deref().is_none_or(|family| family == facts.family)
        && is(known.layers, facts.n_layers)
        && is(known.heads, facts.n_heads)
        && is(known.kv_heads, facts.n_kv_heads)
        && is(known.d_model, facts.d_model)
        && is(known.d_mlp, facts.d_mlp)
        && is(known.n_vocab, facts.n_vocab)
        && is(known.n_ctx, facts.n_ctx)
}

/// Refuses families that there are not: no model would ever be known so.
fn families(loaded: &Loaded) -> Result<(), SpecErrors> {
    let families: Vec<&str> = family::names().collect();
    let wrong = loaded.spec.known.iter().filter_map(|(name, known)| {
        let family = known.family.as_deref().filter(|family| !families.contains(family))?;
        let advice = advise(family, &families, '"', "families:");
        Some(loaded.refuse(&["known", name, "family"], format!("no family '{family}'"), Some(advice)))
    });
    let wrong: Vec<SpecErrors> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(SpecErrors::join(wrong)) }
}

//! The places that a spec's sites, components and positions mean in one model.

use super::Scope;
use super::kind;
use super::scope::numbers;
use crate::context::Context;
use crate::counted::counted;
use crate::intervene::{Layout, Positions, Units};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::prompt::CountedFrom;
use crate::spec::Parsed;
use crate::spec::{
    ComponentKind, ComponentPattern, HookPattern, PositionName, SitePattern, SpecErrors, UnitPattern, has_heads,
    has_neurons, nearest,
};
use crate::table::{Holds, rows};
use crate::{Error, prompt};
use indexmap::IndexSet;
use polars::prelude::*;

/// A hook, whole or one unit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Component {
    /// Where.
    pub hook: Hook,
    /// Which unit; `None` for all.
    pub unit: Option<usize>,
}

/// Positions under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionGroup {
    /// As the spec writes it; of `each`, the position's own name.
    pub label: String,
    /// The position, where it is one.
    pub index: Option<usize>,
    /// The positions.
    pub positions: Positions,
}

impl Component {
    /// Its units for an edit.
    pub fn units(self) -> Units {
        self.unit.map_or(Units::All, |unit| Units::Of(vec![unit]))
    }

    /// Its layer; of the hooks outside the blocks, none.
    pub fn layer(self) -> Option<usize> {
        match self.hook {
            Hook::Block(layer, _) => Some(layer),
            _ => None,
        }
    }

    /// As rows name it.
    pub fn key<'r>(self, at: &'r PositionGroup, facts: &Facts) -> PlaceKey<'r> {
        let (site, component) = (self.site(), self.component(facts));
        PlaceKey { site, layer: self.layer(), head: self.head(), neuron: self.neuron(), component, at }
    }

    /// Its head, where it is one.
    pub fn head(self) -> Option<usize> {
        self.unit.filter(|_| matches!(self.hook, Hook::Block(_, site) if has_heads(site)))
    }

    /// Its unit that is no head: a neuron, a place in the stream.
    pub fn neuron(self) -> Option<usize> {
        self.unit.filter(|_| self.head().is_none())
    }

    /// The hook's name without the layer.
    pub fn site(self) -> String {
        match self.hook {
            Hook::Block(_, site) => site.name().to_string(),
            hook => hook.to_string(),
        }
    }

    /// `L15H13`, `L3MLP`, `L3N17`, or what else names it; of key/value heads with the query heads they serve.
    pub fn component(self, facts: &Facts) -> String {
        let Hook::Block(layer, site) = self.hook else { return self.hook.to_string() };
        match (site, self.unit) {
            (Site::K | Site::V | Site::RotK, Some(unit)) if facts.n_kv_heads < facts.n_heads => {
                let group = facts.n_heads / facts.n_kv_heads;
                format!("L{layer}KV{unit}(H{}-{})", unit * group, (unit + 1) * group - 1)
            }
            (site, Some(unit)) if has_heads(site) => format!("L{layer}H{unit}"),
            (site, Some(unit)) if has_neurons(site) => format!("L{layer}N{unit}"),
            (Site::MlpPost | Site::MlpOut, None) => format!("L{layer}MLP"),
            (site, Some(unit)) => format!("L{layer}.{}[{unit}]", site.name()),
            (site, None) => format!("L{layer}.{}", site.name()),
        }
    }
}

/// A place at positions, as rows name it.
pub struct PlaceKey<'r> {
    pub site: String,
    pub layer: Option<usize>,
    pub head: Option<usize>,
    pub neuron: Option<usize>,
    pub component: String,
    pub at: &'r PositionGroup,
}

rows! {
    /// What names a place at positions.
    pub PlaceColumns<'r>(key: PlaceKey<'r>) {
        site: String = &key.site, "The hook, without its layer: `attn.hook_z`.";
        layer: Option<i64> = key.layer, "The layer, from 0; null outside the blocks.";
        head: Option<i64> = key.head, "The head, from 0; null where it is none.";
        neuron: Option<i64> = key.neuron, "The neuron, from 0; null where it is none.";
        component: String = &key.component, "What was changed or read, as specs write it: `L15H13`, `L3MLP`, `L3N17`.";
        position: String = &key.at.label, "The position, as the spec names it.";
        position_index: Option<i64> = key.at.index, "Its index, from 0; null where it is several.";
    }
}

/// One row of [`PlaceColumns`] for each.
pub fn keys(places: &[(Component, &PositionGroup)], facts: &Facts) -> PolarsResult<DataFrame> {
    PlaceColumns::frame(places.iter().map(|(place, at)| place.key(at, facts)))
}

/// Resolves a step's sites and positions in the prompts of a template.
///
/// # Errors
/// As [`sites`] and [`positions`].
pub fn resolve(
    step: &str,
    (texts, names): (&[Parsed<SitePattern>], &[PositionName]),
    target: Scope,
    (of, template): (&prompt::TemplatePositions, &str),
    context: &Context,
) -> Result<(Vec<Component>, Vec<PositionGroup>), Error> {
    Error::both(sites(step, texts, target, of.length, context), positions(step, names, of, template, context))
}

/// Resolves sites for a model, each place once; wrong ones are refused at their place in the spec.
///
/// # Errors
/// Hooks, layers and units that the model does not have.
fn sites(
    step: &str,
    sites: &[Parsed<SitePattern>],
    target: Scope,
    length: usize,
    context: &Context,
) -> Result<Vec<Component>, Error> {
    let layers = kind::patched_places(step, context.loaded).and_then(|written| written.layers);
    let each = sites.iter().enumerate().map(|(index, text)| match layers {
        // The sites are made of what the step says of layers, and nobody has written them.
        Some(layers) => written_site((&["step", step, "layers"], layers.text()), text.says(), target, length, context),
        None => site(&["step", step, "sites", &index.to_string()], text, target, length, context),
    });
    Ok(distinct(Error::each(each)?.into_iter().flatten().collect()))
}

/// Resolves one site, which stands at `path` in the spec.
///
/// # Errors
/// Hooks, layers and units that the model does not have.
pub fn site(
    path: &[&str],
    site: &Parsed<SitePattern>,
    target: Scope,
    length: usize,
    context: &Context,
) -> Result<Vec<Component>, Error> {
    written_site((path, site.text()), site.says(), target, length, context)
}

/// Resolves one site, of which the spec says `written` at `path`.
fn written_site(
    (path, written): (&[&str], &str),
    pattern: &SitePattern,
    target: Scope,
    length: usize,
    context: &Context,
) -> Result<Vec<Component>, Error> {
    let facts = target.facts;
    let refuse = |problem: String| Error::from(context.loaded.refuse(path, problem, None));
    let mut places = Vec::new();
    let hooks = match &pattern.hooks {
        HookPattern::One(hook) => vec![*hook],
        HookPattern::Layers(layers, site) => target
            .layers(layers, written, context)
            .map_err(refuse)?
            .into_iter()
            .map(|layer| Hook::Block(layer, *site))
            .collect(),
    };
    for hook in hooks {
        let layout = layout(hook, facts, length).map_err(refuse)?;
        let units = match &pattern.units {
            UnitPattern::Whole => vec![None],
            UnitPattern::Each(units) => {
                let what = if layout.unit_width() > 1 { "head" } else { "unit" };
                let units = numbers(units, layout.units(), what, written).map_err(refuse)?;
                units.into_iter().map(Some).collect()
            }
        };
        places.extend(units.into_iter().map(|unit| Component { hook, unit }));
    }
    Ok(places)
}

/// The layout at a hook, or why the model has none there.
fn layout(hook: Hook, facts: &Facts, length: usize) -> Result<Layout, String> {
    crate::intervene::Edit::patch(hook, Positions::All, Units::All)
        .validate(facts, length)
        .map_err(|error| error.to_string())
}

/// Where the whole MLP of a layer is changed: at its neurons, or where it has experts at what it writes.
pub fn whole_mlp(layer: usize, facts: &Facts) -> Hook {
    Hook::Block(layer, if facts.experts_of(layer).is_some() { Site::MlpOut } else { Site::MlpPost })
}

/// Resolves components for a model: heads at `attn.hook_z`, MLPs and neurons at `mlp.hook_post`, the MLPs of layers with experts at
/// `hook_mlp_out`. `key` is the spec's key.
///
/// # Errors
/// Layers, heads and neurons that the model does not have.
pub fn components(
    step: &str,
    key: &str,
    components: &[Parsed<ComponentPattern>],
    target: Scope,
    context: &Context,
) -> Result<Vec<Component>, Error> {
    components_at(&["step", step, key], components, target, context)
}

/// The same of a list that stands at `path` in the spec.
///
/// # Errors
/// Layers, heads and neurons that the model does not have.
pub fn components_at(
    path: &[&str],
    components: &[Parsed<ComponentPattern>],
    target: Scope,
    context: &Context,
) -> Result<Vec<Component>, Error> {
    let each = components.iter().enumerate();
    let places = each.map(|(index, text)| component(&[path, &[&index.to_string()]].concat(), text, target, context));
    Ok(Error::each(places)?.into_iter().flatten().collect())
}

/// The places of one component, which stands at `path` in the spec.
fn component(
    path: &[&str],
    component: &Parsed<ComponentPattern>,
    target: Scope,
    context: &Context,
) -> Result<Vec<Component>, Error> {
    let facts = target.facts;
    let refuse = |problem: String| Error::from(context.loaded.refuse(path, problem, None));
    let (text, ComponentPattern { layers, kind }) = (component.text(), component.says());
    let mut places = Vec::new();
    for layer in target.layers(layers, text, context).map_err(refuse)? {
        let (hook, units) = match kind {
            ComponentKind::Mlp => (whole_mlp(layer, facts), vec![None]),
            ComponentKind::Heads(heads) => {
                let heads = numbers(heads, facts.n_heads, "head", text).map_err(refuse)?;
                (Hook::Block(layer, Site::Z), heads.into_iter().map(Some).collect())
            }
            ComponentKind::Neurons(neurons) => {
                let hook = Hook::Block(layer, Site::MlpPost);
                let all = layout(hook, facts, 1).map_err(refuse)?.units();
                let neurons = numbers(neurons, all, "neuron", text).map_err(refuse)?;
                (hook, neurons.into_iter().map(Some).collect())
            }
        };
        places.extend(units.into_iter().map(|unit| Component { hook, unit }));
    }
    Ok(places)
}

/// Each place once, where it is named first.
pub fn distinct(places: Vec<Component>) -> Vec<Component> {
    places.into_iter().collect::<IndexSet<_>>().into_iter().collect()
}

/// Resolves positions: each name on its own, `each` for every position on its own (`each.end`: counted from the end), `all` for all
/// together; of a slot of several tokens a part of it.
///
/// # Errors
/// A name that the template does not have, an index beyond its tokens.
pub fn positions(
    step: &str,
    names: &[PositionName],
    of: &prompt::TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<Vec<PositionGroup>, Error> {
    positions_at(&["step", step, "positions"], names, of, template, context)
}

/// The same of a list that stands at `path` in the spec.
///
/// # Errors
/// A name that the template does not have, an index beyond its tokens.
pub fn positions_at(
    path: &[&str],
    names: &[PositionName],
    of: &prompt::TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<Vec<PositionGroup>, Error> {
    let mut found: Vec<PositionGroup> = Vec::new();
    let mut unknown = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let refuse = |(problem, advice): (String, String)| {
            context.loaded.refuse(&[path, &[&number.to_string()]].concat(), problem, Some(advice))
        };
        match named(name, of, template) {
            // The position that `each` gives may be named besides.
            Ok(these) => these.into_iter().for_each(|at| found.extend((!found.contains(&at)).then_some(at))),
            Err(fault) => unknown.push(refuse(fault)),
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(SpecErrors::join(unknown).into()) }
}

/// What is wrong with a name, and what to write.
type NameFault = (String, String);

/// The positions of a name, or what is wrong with it and what to write.
fn named(name: &PositionName, of: &prompt::TemplatePositions, template: &str) -> Result<Vec<PositionGroup>, NameFault> {
    let each = |from| (0..of.length).map(|index| single(of.label(index, from), index)).collect();
    match name {
        PositionName::Name(name) => match name.as_str() {
            "all" => Ok(vec![PositionGroup { label: "all".into(), index: None, positions: Positions::All }]),
            "each" => Ok(each(CountedFrom::Start)),
            "each.end" => Ok(each(CountedFrom::End)),
            _ => match (of.names.get(name), in_slot(name, of, template)) {
                (Some(&index), _) => Ok(vec![single(name.clone(), index)]),
                (None, Some(found)) => found,
                (None, None) => Err(unknown(name, of, template)),
            },
        },
        PositionName::Index(index) => {
            let length = of.length as i64;
            let position = if *index < 0 { index + length } else { *index };
            match (0..length).contains(&position) {
                true => Ok(vec![single(index.to_string(), position as usize)]),
                false => Err((
                    format!(
                        "there is no position {index}: prompts of template '{template}' have {}",
                        counted(length, "token")
                    ),
                    format!("write {} to {}", -length, length - 1),
                )),
            }
        }
    }
}

/// A name that is none.
fn unknown(name: &str, of: &prompt::TemplatePositions, template: &str) -> NameFault {
    // The first place of a slot has the slot's name alone.
    let choices = of.choices();
    let first = name.strip_suffix(".1").and_then(|slot| of.names.get_key_value(slot));
    let near = first.map(|(slot, _)| slot.as_str());
    let near = near.or_else(|| nearest(name, choices.iter().map(String::as_str)));
    let near = near.map_or(String::new(), |near| format!("write '{near}'; "));
    let names = choices.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let problem = format!("template '{template}' has no position '{name}'");
    (problem, format!("{near}the positions are {names}, 'each', 'all' and indices"))
}

/// Positions within a slot, such as `subject.last` and `subject[-1]`; `None` where the name is of no slot.
fn in_slot(
    name: &str,
    of: &prompt::TemplatePositions,
    template: &str,
) -> Option<Result<Vec<PositionGroup>, NameFault>> {
    // `s.2` is a slot's second place, and `s.2.last` the last token there: the longest slot that the name begins with.
    let slots =
        of.slots.iter().filter_map(|(slot, span)| Some((slot.as_str(), span, name.strip_prefix(slot.as_str())?)));
    let (slot, span, part) = slots.max_by_key(|(slot, ..)| slot.len())?;
    let refused = |problem: String, advice: String| Some(Err((problem, advice)));
    if !span.own || part.is_empty() {
        let why = span.several.as_deref().unwrap_or("it shares a token with other text");
        let advice = match span.own {
            true => format!("write '{slot}.last', '{slot}.first', '{slot}.all' or '{slot}.each'"),
            false => "write a template with spaces or other text around the slot".to_string(),
        };
        let of_template = format!("(template '{template}')");
        return match part.is_empty() || part.starts_with(['.', '[']) {
            true => refused(format!("'{name}' is not one position: {why} {of_template}"), advice),
            false => None,
        };
    }
    let each = |from| {
        let one = |number: usize| single(span.label(slot, number, from), span.first + number);
        Some(Ok((0..span.count).map(one).collect()))
    };
    match part {
        ".first" => Some(Ok(vec![single(name.to_string(), span.first)])),
        ".last" => Some(Ok(vec![single(name.to_string(), span.first + span.count.saturating_sub(1))])),
        ".all" => {
            let positions = Positions::At(span.positions().collect());
            Some(Ok(vec![PositionGroup { label: name.to_string(), index: None, positions }]))
        }
        ".each" => each(CountedFrom::Start),
        ".each.end" => each(CountedFrom::End),
        part => {
            let number: i64 = part.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            let count = span.count as i64;
            match if number < 0 { number + count } else { number } {
                within if (0..count).contains(&within) => {
                    Some(Ok(vec![single(name.to_string(), span.first + within as usize)]))
                }
                _ => refused(
                    format!(
                        "there is no position '{name}': in some prompts of template '{template}' the slot has {count} tokens"
                    ),
                    format!("write '{slot}[{}]' to '{slot}[{}]', or '{slot}.each'", -count, count - 1),
                ),
            }
        }
    }
}

/// One position, under its own name.
pub fn at(of: &prompt::TemplatePositions, index: usize) -> PositionGroup {
    single(label(of, index), index)
}

fn single(label: String, index: usize) -> PositionGroup {
    PositionGroup { label, index: Some(index), positions: Positions::At(vec![index]) }
}

/// What a position is called among all of them.
pub fn label(of: &prompt::TemplatePositions, index: usize) -> String {
    of.label(index, CountedFrom::Start)
}

/// Several positions as one.
pub fn together(at: &[PositionGroup]) -> Positions {
    if at.iter().any(|at| at.positions == Positions::All) {
        return Positions::All;
    }
    let each = at.iter().filter_map(|at| match &at.positions {
        Positions::At(indices) => Some(indices.as_slice()),
        _ => None,
    });
    let mut indices: Vec<usize> = each.flatten().copied().collect();
    indices.sort_unstable();
    indices.dedup();
    Positions::At(indices)
}

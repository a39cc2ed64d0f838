//! The edits of a spec's interventions where texts are written: of the prompt, and of each new token.

use crate::Error;
use crate::context::Context;
use crate::intervene::{Change, Edit, Positions, Value};
use crate::model::hook::Site;
use crate::spec::step::{EditSpec, EditTokens, EditValue, Generate, GivenUse, MeanPositions};
use crate::spec::{HookPattern, Loaded, Parsed, PositionName, SitePattern, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::intervention::reads;
use crate::step::intervention::variations::Variation;
use crate::step::pairing::Other;
use std::sync::Arc;

/// Edits of one intervention, each with the number of the spec's edit that it is from.
#[derive(Debug, Default)]
pub struct SplitEdits {
    /// At positions of the prompt.
    pub prompt: Vec<(usize, Edit)>,
    /// At each new token.
    pub new: Vec<(usize, Edit)>,
}

/// The tokens that an edit is of.
pub fn tokens(edit: &EditSpec) -> EditTokens {
    edit.tokens.unwrap_or(EditTokens::All)
}

/// Edits as they are resolved at a prompt's positions, told apart by the tokens that they are of; `resolved` are those of each
/// variation.
///
/// # Errors
/// Values that differ between positions of the prompt, of which a new token has none, at their place in the spec.
pub fn split(
    step: &Generate,
    variations: &[Variation],
    resolved: Vec<Vec<(usize, Edit)>>,
    context: &Context,
) -> Result<Vec<SplitEdits>, Error> {
    let of = |(variation, edits): (&Variation, Vec<(usize, Edit)>)| {
        let intervention = &step.interventions[variation.of];
        let mut split = SplitEdits::default();
        for (number, edit) in edits {
            let spec = &intervention.edits[number];
            if tokens(spec).of_new() {
                let new = of_new(&edit, spec).ok_or_else(|| {
                    let number = number.to_string();
                    let path = ["step", &step.name, "interventions", &intervention.name, "edits", &number, "value"];
                    let problem =
                        "the value differs between positions of the prompt, and does not say what a new token gets";
                    let advice = "write tokens = \"prompt\", or a value that is the same at every position".to_string();
                    context.loaded.refuse(&path, problem, Some(advice))
                })?;
                let again = |(other, there): &(usize, Edit)| *other == number && *there == new;
                if !split.new.iter().any(again) {
                    split.new.push((number, new));
                }
            }
            if tokens(spec).of_prompt() {
                split.prompt.push((number, edit));
            }
        }
        Ok(split)
    };
    Error::each(variations.iter().zip(resolved).map(of))
}

/// An edit at positions of the prompt as one of new tokens; none where its value is of several positions.
fn of_new(edit: &Edit, spec: &EditSpec) -> Option<Edit> {
    let mut change = edit.change.clone();
    match &mut change {
        // No key: all before the new token, wherever it stands.
        Change::Cut { keys } if spec.to == [PositionName::before()] => *keys = Positions::At(Vec::new()),
        Change::Cut { .. } => {}
        Change::Replace { value, .. } | Change::Add { value, .. } | Change::Within { value, .. } => match value {
            Value::Source => return None,
            Value::Fixed(values) if values.positions.len() > 1 => return None,
            Value::Fixed(values) if !values.positions.is_empty() => Arc::make_mut(values).positions.clear(),
            Value::Fixed(_) | Value::Constant(_) => {}
        },
    }
    Some(Edit { positions: Positions::All, change, ..edit.clone() })
}

/// Refuses edits of new tokens whose values only a prompt's positions have.
///
/// # Errors
/// Those, at their place in the spec.
pub fn check(step: &Generate, loaded: &Loaded) -> Result<(), SpecErrors> {
    for intervention in &step.interventions {
        for (number, edit) in intervention.edits.iter().enumerate() {
            let number = number.to_string();
            let path = ["step", &step.name, "interventions", &intervention.name, "edits", &number, "value"];
            if edit.value.given().is_some_and(|given| given.class_of.is_some()) {
                let problem = "class_of reads the other prompt of a pair, and texts are generated from single prompts";
                return Err(loaded.refuse(&path, problem, Some("write class = \"NAME\"".to_string())));
            }
            if edit.site.is_none() || !tokens(edit).of_new() {
                continue;
            }
            let given = edit.value.given();
            let interchanged =
                given.and_then(|given| given.says()).is_some_and(|(_, used)| used == GivenUse::Interchange);
            if given.is_some_and(|given| given.noise.is_some()) {
                let problem = "noise is drawn for positions of the prompt, and not for new tokens";
                return Err(loaded.refuse(&path, problem, Some("write tokens = \"prompt\"".to_string())));
            }
            if interchanged || edit.value == EditValue::Counterfactual {
                let problem =
                    "values of the other prompt cannot be written into new tokens, which that prompt does not have";
                let advice = "write tokens = \"prompt\", or another value".to_string();
                return Err(loaded.refuse(&path, problem, Some(advice)));
            }
            let of_attention = |site: &Parsed<SitePattern>| {
                matches!(site.says().hooks, HookPattern::Layers(_, Site::AttnScores | Site::Pattern))
            };
            if edit.site.as_ref().is_some_and(of_attention) && !matches!(edit.value, EditValue::Constant(_)) {
                let problem = "attention values are known for positions of the prompt only, and a new token also attends to new ones";
                let advice = "write tokens = \"prompt\", or a number".to_string();
                return Err(loaded.refuse(&path, problem, Some(advice)));
            }
            if edit.value == EditValue::Mean && step.mean.positions != MeanPositions::Pooled {
                let problem = "means are taken position by position of the prompt, and new tokens have other positions";
                let advice = "write mean = { positions = \"pooled\" }, or tokens = \"prompt\"".to_string();
                return Err(loaded.refuse(&path, problem, Some(advice)));
            }
        }
    }
    Ok(())
}

/// Whether an edit asks for places of the prompt, which then must be the same in all prompts of a template.
pub fn reads_places(edit: &EditSpec) -> bool {
    let anywhere = |names: &[PositionName]| names == [PositionName::all()];
    let of_prompt = tokens(edit).of_prompt() && !anywhere(&edit.positions);
    let to = !edit.cut.is_empty() && !anywhere(&edit.to) && edit.to != [PositionName::before()];
    of_prompt || to || !matches!(edit.value, EditValue::Constant(_)) && edit.site.is_some()
}

/// The keys of an edit that change something only beside others, where texts are written.
pub fn dependent_keys(edit: &EditSpec) -> Vec<DependentKey> {
    let positions = edit.positions != [PositionName::all()];
    let advice = "leave it out, or write tokens = \"prompt\" or \"all\": edits of new tokens are made at each of them";
    vec![DependentKey::new("positions", positions, tokens(edit).of_prompt(), advice)]
}

/// Whether an edit writes the other prompt's values.
pub fn writes_others(step: &Generate) -> bool {
    reads(&step.as_intervention()) == Other::Run
}

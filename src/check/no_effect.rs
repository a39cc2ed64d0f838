//! Keys that are set and change nothing beside the others of their step: refused, for whoever set them expects a change.

use crate::measure::Property;
use crate::spec::step::{
    Ablation, AblationMode, AblationValue, AttributionPatching, AttributionTarget, Counterfactual,
    CounterfactualOperators, EditSpec, EditValue, Intervention, KnockoutValue, Listed, MeanOver,
};
use crate::spec::{Loaded, PositionName, Prompts, SpecErrors, Step};
use crate::step::prompts_of;
use indexmap::IndexMap;
use std::collections::HashSet;

/// A key that changes something only beside certain others.
struct Key {
    /// Keys from the step on.
    path: Vec<String>,
    /// Whether it is set to something else than its default: a spec with every default written out means the same.
    set: bool,
    /// Whether it changes anything.
    works: bool,
    /// What to write.
    advice: &'static str,
}

impl Key {
    fn new(key: &str, set: bool, works: bool, advice: &'static str) -> Self {
        Self { path: vec![key.to_string()], set, works, advice }
    }

    fn below(self, path: &[&str]) -> Self {
        let path = path.iter().map(ToString::to_string).chain(self.path).collect();
        Self { path, ..self }
    }

    /// What it would change: the innermost thing that it is a key of.
    fn of(&self) -> &'static str {
        match self.path.first().map(String::as_str) {
            Some("interventions") => "edit",
            Some("listed") => "table",
            _ => "step",
        }
    }
}

/// Refuses keys that are set and change nothing; of a spec with variants, those that change nothing in any: what one value of
/// an axis leaves idle, another needs.
pub fn check(loaded: &Loaded) -> Vec<SpecErrors> {
    let mut idle: IndexMap<(&str, Vec<String>), (Key, &Loaded)> = IndexMap::new();
    let mut working: HashSet<(&str, Vec<String>)> = HashSet::new();
    for variant in loaded.variants() {
        for step in &variant.spec.steps {
            for key in keys(step, variant) {
                let place = (step.name(), key.path.clone());
                if key.works {
                    working.insert(place);
                } else if key.set {
                    idle.entry(place).or_insert((key, variant));
                }
            }
        }
    }
    let refused = |((step, path), (key, variant)): ((&str, Vec<String>), (Key, &Loaded))| {
        let name = path.last().map_or("", String::as_str);
        let problem = format!("'{name}' changes nothing of this {}", key.of());
        let path: Vec<&str> = ["step", step].into_iter().chain(path.iter().map(String::as_str)).collect();
        variant.refuse(&path, problem, Some(key.advice.to_string()))
    };
    idle.into_iter().filter(|(place, _)| !working.contains(place)).map(refused).collect()
}

/// The keys of a step that change something only beside others.
fn keys(step: &Step, loaded: &Loaded) -> Vec<Key> {
    let words = prompts_of(step, loaded).is_some_and(Prompts::is_words);
    let mut keys = match step {
        Step::Ablation(step) => ablation(step, words),
        Step::AttributionPatching(step) => attribution(step),
        Step::Intervention(step) => intervention(step),
        Step::LogitAttribution(step) => vec![counterfactual(
            &step.counterfactual,
            step.target == AttributionTarget::Difference,
            "leave it out, or write target = \"difference\"",
        )],
        Step::HeuristicKnockout(step) => vec![mean(&step.mean, step.value == KnockoutValue::Mean)],
        Step::PromptKnockout(step) => vec![mean(&step.mean, step.value == KnockoutValue::Mean)],
        _ => Vec::new(),
    };
    if let Some(Counterfactual { operators, .. }) = step.counterfactual() {
        let advice = "leave it out: prompts of words have no operators";
        let key = Key::new("operators", *operators != CounterfactualOperators::All, !words, advice);
        keys.push(key.below(&["counterfactual"]));
    }
    keys
}

fn mean(mean: &MeanOver, works: bool) -> Key {
    Key::new("mean", *mean != MeanOver::default(), works, "leave it out, or write value = \"mean\"")
}

fn counterfactual(counterfactual: &Counterfactual, works: bool, advice: &'static str) -> Key {
    Key::new("counterfactual", *counterfactual != Counterfactual::default(), works, advice)
}

fn ablation(step: &Ablation, words: bool) -> Vec<Key> {
    let among = step.mode == AblationMode::Keep || step.measures.iter().any(|measure| measure.has(Property::EmptyRun));
    let mut keys = vec![
        mean(&step.mean, step.value == AblationValue::Mean),
        counterfactual(
            &step.counterfactual,
            step.value == AblationValue::Resample,
            "leave it out, or write value = \"resample\"",
        ),
        Key::new(
            "among",
            step.among != Ablation::default_among(),
            among,
            "leave it out, or write mode = \"keep\" or the measure \"faithfulness\"",
        ),
        Key::new("skip_zero_answers", step.skip_zero_answers, !words, "leave it out: words are no numbers"),
    ];
    for (number, Listed { top, share, by, per_layer, .. }) in step.listed.iter().enumerate() {
        let some = top.is_some() || share.is_some();
        let advice = "all rows count: leave it out, or write top = 10 or share = 0.01";
        let ordered = [Key::new("by", by != "mean", some, advice), Key::new("per_layer", *per_layer, some, advice)];
        keys.extend(ordered.map(|key| key.below(&["listed", &number.to_string()])));
    }
    keys
}

fn attribution(step: &AttributionPatching) -> Vec<Key> {
    let advice = "leave it out, or write compare = \"…\" with a step of exact patching";
    let compared = step.compare.is_some();
    vec![
        Key::new("compare_measure", step.compare_measure.is_some(), compared, advice),
        Key::new("top", step.top != AttributionPatching::default_top(), compared, advice),
    ]
}

fn intervention(step: &Intervention) -> Vec<Key> {
    let edits = || step.interventions.iter().flat_map(|one| one.edits.iter().enumerate().map(move |edit| (one, edit)));
    let means = edits().any(|(_, (_, edit))| edit.value == EditValue::Mean);
    let mut keys = vec![Key::new(
        "mean",
        step.mean != MeanOver::default(),
        means,
        "leave it out, or write value = \"mean\" in an edit",
    )];
    for (intervention, (number, edit)) in edits() {
        let number = number.to_string();
        let path = ["interventions", intervention.name.as_str(), "edits", &number];
        keys.extend(of_edit(edit).into_iter().map(|key| key.below(&path)));
    }
    keys
}

fn of_edit(edit: &EditSpec) -> Vec<Key> {
    let (of_site, of_attention) = (edit.site.is_some(), !edit.cut.is_empty());
    let advice = "edges are cut as they are: leave it out, or write site = \"…\"";
    // An edit of nothing is refused as such.
    let site = of_site || !of_attention;
    vec![
        Key::new(
            "to",
            edit.to != [PositionName::all()],
            of_attention || !of_site,
            "leave it out, or write cut = [\"L0H1\"]",
        ),
        Key::new("value", edit.value != EditValue::default(), site, advice),
        Key::new("strength", edit.strength != 1.0, site, advice),
        Key::new("add", edit.add, site, advice),
    ]
}

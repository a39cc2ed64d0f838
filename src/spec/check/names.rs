//! Names: each once, each reference to one that exists, and nothing waiting for itself.

use super::format;
use super::mend::Faults;
use super::place::{SpecPlace, wrong_part, wrong_value};
use super::structure::{ImpliedKey, Reference};
use crate::spec::error::SpecError;
use crate::spec::node::{Node, Origin, shortened};
use crate::spec::{FigureKind, Known, nearest, step};
use indexmap::{IndexMap, IndexSet};

/// Past so many errors nobody reads the advice.
const ADVISED: usize = 100;

/// Every error of the names in a spec.
pub(super) fn check(spec: &Node, references: &[Reference], absent: &[ImpliedKey], faults: &mut Faults) {
    let names = ReferenceNames::of(spec);
    let waits = waits(references);
    duplicates(spec, faults);
    for reference in references {
        names.resolve(reference, &waits, faults);
    }
    for absent in absent {
        names.default_of(absent, faults);
    }
    figures(spec, faults);
    facts(spec, faults);
    expectations(spec, faults);
    cycles(&waits, faults);
}

/// What each step and table waits for, with the reference that names it.
type Waits<'r> = IndexMap<&'r str, Vec<(&'r str, &'r Reference)>>;

/// What is named by a reference that makes its step or table wait.
const WAITED_FOR: [&str; 4] = ["step", "step-rows", "rows", "probe"];

fn waits(references: &[Reference]) -> Waits<'_> {
    let mut waits = Waits::new();
    for reference in references.iter().filter(|reference| WAITED_FOR.contains(&reference.to)) {
        if let Some(entry) = waiting(reference) {
            waits.entry(entry).or_default().push((step_of(&reference.name), reference));
        }
    }
    waits
}

/// The step or table that a reference stands in.
fn waiting(reference: &Reference) -> Option<&str> {
    match reference.place.0.as_slice() {
        [list, entry, ..] if list == "step" || list == "table" => Some(entry),
        _ => None,
    }
}

/// The step whose rows are named, or the table: `effects` of `effects.prompts`.
fn step_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// What a reference cannot name: the step or table that it stands in, and those that wait for that one.
fn behind<'r>(reference: &'r Reference, waits: &Waits<'r>) -> IndexSet<&'r str> {
    let entry = waiting(reference).filter(|_| WAITED_FOR.contains(&reference.to));
    let mut behind: IndexSet<&str> = entry.into_iter().collect();
    let mut next = 0;
    while let Some(name) = behind.get_index(next).copied() {
        let wait = |(_, targets): &(&&str, &Vec<(&str, &Reference)>)| targets.iter().any(|(target, _)| *target == name);
        behind.extend(waits.iter().filter(wait).map(|(waiter, _)| *waiter));
        next += 1;
    }
    behind
}

/// The names a reference may use.
struct ReferenceNames<'n> {
    /// By what a reference names.
    known: IndexMap<&'static str, KnownNames>,
    /// Steps that may be of any kind.
    of_any_kind: IndexSet<&'n str>,
    has_prompts: bool,
}

/// Names of one kind.
struct KnownNames {
    what: &'static str,
    names: IndexSet<String>,
    /// Something has a name that is not known, as what is written is none.
    open: bool,
}

impl<'n> ReferenceNames<'n> {
    fn of(spec: &'n Node) -> Self {
        let keys = |key: &str| spec.get(key).and_then(Node::table).into_iter().flat_map(IndexMap::keys).cloned();
        let named = |list: &str| spec.entries(list).iter().filter_map(|entry| Some(entry.name()?.to_string()));
        let is_unknown = |node: Option<&Node>| node.is_some_and(Node::is_unknown);
        let open_list = |list: &str| {
            let wrong = |entry: &Node| entry.is_unknown() || is_unknown(entry.get("name"));
            is_unknown(spec.get(list)) || spec.entries(list).iter().any(wrong)
        };
        let open_table =
            |table: &str| is_unknown(spec.get(table)) || keys(table).any(|name| format::check("name", &name).is_err());
        let kind = |step: &'n Node| step.get("kind").and_then(Node::text);
        let steps = spec.entries("step").iter();
        let probes = steps.clone().filter(|step| kind(step) == Some("probe"));
        let of_any_kind = steps.clone().filter(|step| step.get("kind").is_none_or(Node::is_unknown));
        let further = steps.filter_map(|step| {
            let (name, kind) = (step.name()?, kind(step)?);
            Some(step::further_rows(kind).iter().map(move |further| format!("{name}.{further}")))
        });
        let step_rows: IndexSet<String> = named("step").chain(further.flatten()).collect();
        let own = spec.get("model").map(|_| "model".to_string());
        let known = |what, names, open| KnownNames { what, names, open };
        let (open_steps, open_tables) = (open_list("step"), open_list("table"));
        Self {
            known: IndexMap::from([
                ("step", known("step", named("step").collect(), open_steps)),
                (
                    "probe",
                    known("step", probes.filter_map(|step| Some(step.name()?.to_string())).collect(), open_steps),
                ),
                (
                    "rows",
                    known(
                        "step or table",
                        step_rows.iter().cloned().chain(named("table")).collect(),
                        open_steps || open_tables,
                    ),
                ),
                ("step-rows", known("step", step_rows, open_steps)),
                ("model", known("model", own.into_iter().chain(keys("models")).collect(), open_table("models"))),
                ("known", known("known model", keys("known").collect(), open_table("known"))),
                ("prompts", known("prompt set", keys("prompt_sets").collect(), open_table("prompt_sets"))),
            ]),
            of_any_kind: of_any_kind.filter_map(Node::name).collect(),
            has_prompts: spec.get("prompts").is_some(),
        }
    }

    fn has(&self, to: &str, name: &str) -> bool {
        self.known.get(to).is_some_and(|known| known.names.contains(name))
    }

    /// Whether there is what a reference names, or may be.
    fn may_be(&self, reference: &Reference) -> bool {
        let of_any_kind = || WAITED_FOR.contains(&reference.to) && self.of_any_kind.contains(step_of(&reference.name));
        self.has(reference.to, &reference.name)
            || self.known.get(reference.to).is_some_and(|known| known.open)
            || of_any_kind()
    }

    fn resolve(&self, reference: &Reference, waits: &Waits, faults: &mut Faults) {
        let name = reference.name.as_str();
        if reference.to == "probe" {
            return self.resolve_probe(reference, waits, faults);
        }
        let Some(KnownNames { what, names, .. }) = self.known.get(reference.to).filter(|_| !self.may_be(reference))
        else {
            return;
        };
        let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
        if reference.to == "step-rows" && self.has("rows", name) {
            let message = format!("'{}' is a table, and tables are made after all steps", shortened(name));
            let advice = "write the name of a step, and put the table's conditions under 'where'";
            return faults.value(reference.place.clone(), wrong_value(&reference.node, message).advise(advice));
        }
        let error = wrong_value(&reference.node, format!("no {what} '{}'", shortened(name)));
        let any = !known.is_empty();
        let mut meant = None;
        let advice = (faults.len() < ADVISED).then(|| {
            let behind = behind(reference, waits);
            known.retain(|name| !behind.contains(step_of(name)));
            meant = nearest(name, known.iter().copied());
            match (meant, *what) {
                (Some(near), _) => format!("write \"{near}\""),
                (None, "prompt set") if known.is_empty() => format!("add [prompt_sets.{}]", shortened(name)),
                (None, "known model") if known.is_empty() => format!("add [known.{}]", shortened(name)),
                (None, "model") if known.is_empty() => format!("add [models.{}]", shortened(name)),
                (None, _) if known.is_empty() && any => format!("the spec has no {what} that can come before this one"),
                (None, _) if known.is_empty() => format!("the spec has no {what}"),
                (None, _) => format!("the spec has {}", some(&known)),
            }
        });
        let place = reference.place.clone();
        // Without the model or the prompts that it names, a step would run on others.
        let whole = if matches!(reference.to, "model" | "prompts") { place.entry() } else { place.clone() };
        faults.name(place, whole, meant, error.advise_option(advice));
    }

    /// `{NAME}` among layers: a step of kind `probe`.
    fn resolve_probe(&self, reference: &Reference, waits: &Waits, faults: &mut Faults) {
        let name = reference.name.as_str();
        if self.may_be(reference) {
            return;
        }
        let problem = match self.has("step", name) {
            true => format!("step '{}' finds no layers: only a step of kind \"probe\" does", shortened(name)),
            false => format!("no step '{}', whose layers are asked for", shortened(name)),
        };
        let advice = (faults.len() < ADVISED).then(|| {
            let behind = behind(reference, waits);
            let probes = self.known.get("probe").into_iter().flat_map(|known| &known.names).map(String::as_str);
            let probes: Vec<&str> = probes.filter(|probe| !behind.contains(probe)).collect();
            let known: Vec<String> = probes.iter().map(|probe| format!("{{{probe}}}")).collect();
            match (nearest(name, probes), known.as_slice()) {
                (Some(near), _) => format!("write {{{near}}}"),
                (None, []) => "add a [[step]] with kind = \"probe\", or write layers: *, 15, 16..32".into(),
                (None, known) => format!("write {}, or layers: *, 15, 16..32", known.join(" or ")),
            }
        });
        let error = wrong_part(&reference.node, &reference.part, problem).advise_option(advice);
        faults.value(reference.place.clone(), error);
    }

    /// A step that names no model or prompts takes the spec's own, which must then be there.
    fn default_of(&self, absent: &ImpliedKey, faults: &mut Faults) {
        let there = match absent.to {
            "prompts" => self.has_prompts,
            "model" => self.known.get("model").is_some_and(|known| known.open || !known.names.is_empty()),
            _ => true,
        };
        if !there {
            let (what, table) = if absent.to == "model" { ("model", "[model]") } else { ("prompts", "[prompts]") };
            let message = format!("{} has no {what} to run", absent.place.table());
            let error = wrong_value(&absent.entry, message).advise(format!("add {table}"));
            faults.lacks_elsewhere(&absent.place.entry(), SpecPlace::of([what]), error);
        }
    }
}

/// The first names of a list, for an error.
fn some(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown}, …") } else { shown }
}

/// Steps and tables share their names (`from` takes either); figures have theirs, and expectations, and the interventions of a step.
fn duplicates(spec: &Node, faults: &mut Faults) {
    let entries = |list: &'static str| (list, SpecPlace::of([list]), spec.entries(list));
    named_once(&[entries("step"), entries("table")], faults);
    named_once(&[entries("figure")], faults);
    named_once(&[entries("expect")], faults);
    for step in spec.entries("step") {
        let name = step.name().unwrap_or_default();
        let place = SpecPlace::of(["step", name, "interventions"]);
        named_once(&[("intervention", place, step.entries("interventions"))], faults);
    }
    if let Some(model) = spec.get("models").and_then(|models| models.get("model"))
        && spec.get("model").is_some()
    {
        let message = "[models.model] has the name of [model], which is 'model'; write another name".to_string();
        faults.key(SpecPlace::of(["models", "model"]), None, super::place::wrong_key(model, message));
    }
}

/// Refuses entries of these lists that have one name.
fn named_once(lists: &[(&str, SpecPlace, &[Node])], faults: &mut Faults) {
    let mut seen: IndexMap<&str, (&str, &Node)> = IndexMap::new();
    for (list, place, entries) in lists {
        for (index, entry) in entries.iter().enumerate() {
            let Some(name) = entry.get("name") else { continue };
            let Some(text) = name.text() else { continue };
            match seen.get(text) {
                Some((first_list, first)) => {
                    let of_list = if list == first_list { index.to_string() } else { text.to_string() };
                    faults.again(place.child(&of_list), duplicate(text, list, name, first_list, first));
                }
                None => drop(seen.insert(text, (list, name))),
            }
        }
    }
}

fn several(list: &str) -> String {
    if list == "expect" { "expectations".into() } else { format!("{list}s") }
}

fn duplicate(text: &str, list: &str, name: &Node, first_list: &str, first: &Node) -> SpecError {
    let what =
        if list == first_list { format!("two {}", several(list)) } else { format!("a {first_list} and a {list}") };
    let message = format!("{what} have the name '{}'", shortened(text));
    match (&name.origin, &first.origin) {
        (Origin::File { source, value, .. }, Origin::File { source: first_source, value: first_value, .. }) => {
            let error = SpecError::new(message).at(source, value.clone(), "the second");
            error.at(first_source, first_value.clone(), "the first")
        }
        _ => wrong_value(name, message),
    }
}

/// Where an entry of a list stands: by its name, or by its index where it has none.
fn place_of(list: &str, index: usize, entry: &Node) -> SpecPlace {
    let name = entry.name().map_or_else(|| index.to_string(), String::from);
    SpecPlace::of([list, &name])
}

/// Keys that a kind of figure cannot do without, and those that mean something to one kind alone.
fn figures(spec: &Node, faults: &mut Faults) {
    for (index, figure) in spec.entries("figure").iter().enumerate() {
        let written = figure.get("kind").and_then(Node::text);
        let facts = || FigureKind::ALL.iter().map(|kind| kind.facts());
        let Some(kind) = facts().find(|kind| Some(kind.name) == written) else { continue };
        let place = place_of("figure", index, figure);
        for (key, _) in kind.needs.iter().filter(|(key, _)| figure.get(key).is_none()) {
            let name = figure.name().unwrap_or_default();
            let message = format!("[[figure]] '{}' is a {}, which needs '{key}'", shortened(name), kind.name);
            faults.lacks(&place, key, wrong_value(figure, message).advise(format!("add {key} = \"a column\"")));
        }
        for other in facts().filter(|other| other.name != kind.name) {
            for (key, what) in other.own {
                let Some(node) = figure.get(key) else { continue };
                let error = super::place::wrong_key(node, format!("a figure of kind \"{}\" has no {what}", kind.name));
                let advice = format!("write kind = \"{}\", or leave it out", other.name);
                faults.key(place.child(key), None, error.advise(advice));
            }
        }
    }
}

/// A known model without a fact would be any model.
fn facts(spec: &Node, faults: &mut Faults) {
    for (name, known) in spec.get("known").and_then(Node::table).into_iter().flatten() {
        if known.table().is_some() && Known::FACTS.iter().all(|fact| known.get(fact).is_none()) {
            let message = format!("[known.{}] says nothing by which its model can be recognised", shortened(name));
            let error = wrong_value(known, message).advise(format!("write one or more of {}", Known::FACTS.join(", ")));
            faults.value(SpecPlace::of(["known", name]), error);
        }
    }
}

/// An expectation expects something, and only one thing.
fn expectations(spec: &Node, faults: &mut Faults) {
    const RIGHT: &str =
        "write is = 0.9 and tolerance = 0.05, or the bounds at_least = 0.85 and at_most = 0.95, or one of them";
    for (index, expected) in spec.entries("expect").iter().enumerate().filter(|(_, one)| one.table().is_some()) {
        let place = place_of("expect", index, expected);
        let name = shortened(expected.name().unwrap_or_default());
        let [is, tolerance, least, most] = ["is", "tolerance", "at_least", "at_most"].map(|key| expected.get(key));
        let fault = match (is, tolerance, least.or(most)) {
            (None, None, None) => Some((expected, format!("[[expect]] '{name}' expects nothing"), RIGHT)),
            (Some(is), None, None) => Some((
                is,
                "'is' needs a 'tolerance' beside it".into(),
                "write tolerance = 0.05, or 0 for exactly this number",
            )),
            (None, Some(tolerance), _) => {
                Some((tolerance, "'tolerance' needs the number 'is' beside it".into(), RIGHT))
            }
            (Some(_), _, Some(bound)) => {
                Some((bound, "'is' and the bounds 'at_least' and 'at_most' exclude each other".into(), RIGHT))
            }
            (Some(_), Some(_), None) | (None, None, Some(_)) => None,
        };
        if let Some((node, message, advice)) = fault {
            faults.value(place.clone(), wrong_value(node, message).advise(advice));
        }
        if let [Some(least), Some(most)] = [least, most].map(|bound| bound.and_then(Node::number))
            && least > most
            && let Some(bound) = expected.get("at_most")
        {
            let message = format!("'at_most' = {most} is below 'at_least' = {least}, so that no number fits");
            let error = wrong_value(bound, message).advise(format!("write {least} or more"));
            faults.value(place.child("at_most"), error);
        }
    }
}

/// Steps and tables that wait for each other, each circle once: what is left when everything that can run has run.
fn cycles(waits: &Waits, faults: &mut Faults) {
    let mut waiting: IndexMap<&str, usize> = waits
        .iter()
        .map(|(name, targets)| (*name, targets.iter().filter(|(target, _)| waits.contains_key(target)).count()))
        .collect();
    let mut needed_by: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (name, targets) in waits {
        for (target, _) in targets {
            needed_by.entry(target).or_default().push(name);
        }
    }
    let mut ready: Vec<&str> = waiting.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    while let Some(name) = ready.pop() {
        for waiter in needed_by.get(name).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(waiter) {
                *count -= 1;
                if *count == 0 {
                    ready.push(waiter);
                }
            }
        }
    }
    let stuck = |name: &str| waiting.get(name).is_some_and(|count| *count > 0);
    let mut told: IndexSet<&str> = IndexSet::new();
    for start in waits.keys().copied().filter(|name| stuck(name)) {
        let mut chain: IndexMap<&str, &Reference> = IndexMap::new();
        let mut at = start;
        while !told.contains(at) && !chain.contains_key(at) {
            let next = waits.get(at).and_then(|targets| targets.iter().find(|(target, _)| stuck(target)));
            let Some((target, reference)) = next else { break };
            chain.insert(at, reference);
            at = target;
        }
        if let Some(from) = chain.get_index_of(at) {
            let mut names: Vec<&str> = chain.keys().skip(from).map(|name| shorten(name)).collect();
            names.push(shorten(at));
            if let Some((_, reference)) = chain.get_index(from) {
                let message = format!("these need each other in a circle: {}", names.join(" -> "));
                let error = wrong_value(&reference.node, message).advise("let one of them read something else");
                faults.value(reference.place.clone(), error);
            }
        }
        told.extend(chain.keys().copied());
    }
}

fn shorten(name: &str) -> &str {
    name.char_indices().nth(60).map_or(name, |(end, _)| name.get(..end).unwrap_or(name))
}

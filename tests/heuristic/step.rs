//! Step `heuristics` on the built-in model: its rows against each other, against what `capture` keeps, and against the weights.

use crate::intervene::spec::{Ran, ran, refused};
use ablate::heuristic::{ArithmeticProblem, Heuristic};
use ablate::kernel::to_f32;
use ablate::model::{Lookup, Model};
use ablate::spec;
use ablate::spec::Operator;
use polars::prelude::*;
use safetensors::SafeTensors;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Prompts of a draw, which the step does not stop at: it looks at every legal one.
const SPEC: &str = r#"
[prompt_sets.few]
operators = ["+", "*"]
operands = { a = "0..30", b = "1..25" }
keep = "incorrect"
sample = 3

[prompt_sets.all]
operators = ["+", "*"]
operands = { a = "0..30", b = "1..25" }

[prompt_sets.quotients]
operators = ["/"]
operands = { a = "0..100", b = "0..60" }

[[step]]
name = "effects"
kind = "neuron-patching"
layers = "2..4"
bootstrap = 0

[[step]]
name = "rules"
kind = "heuristics"
prompts = "few"
ranked = { from = "effects", k = 6 }
examples = 2
patterns = 2
min_associated = 4

[[step]]
name = "quotients"
kind = "heuristics"
prompts = "quotients"
ranked = { from = "effects", k = 200, per_operator = false }
examples = 2

[[step]]
name = "kept"
kind = "capture"
prompts = "all"
sites = ["blocks.2..4.mlp.hook_post"]
"#;

/// A prompt with activation, logit and effective value.
type Cell = (ArithmeticProblem, [f64; 3]);

/// A row: a column's text, however it is kept.
type Row = BTreeMap<String, String>;

fn rows(ran: &Ran, name: &str) -> Vec<Row> {
    let frame = ran.rows(name);
    let columns: Vec<(String, Column)> = frame
        .columns()
        .iter()
        .map(|column| (column.name().to_string(), column.cast(&DataType::String).unwrap()))
        .collect();
    let text = |column: &Column, row: usize| column.str().unwrap().get(row).unwrap_or("").to_string();
    (0..frame.height())
        .map(|row| columns.iter().map(|(name, column)| (name.clone(), text(column, row))).collect())
        .collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

fn legal(operator: &str) -> Vec<ArithmeticProblem> {
    match operator {
        "+" => super::problems(Operator::Addition, 0..30, 1..25, 0..100),
        "*" => super::problems(Operator::Multiplication, 0..30, 1..25, 0..100),
        _ => super::problems(Operator::FloorDivision, 0..100, 0..60, 0..100),
    }
}

/// The share of the k prompts at one end that a heuristic holds for; values have no ties.
fn share(heuristic: &Heuristic, values: &[(ArithmeticProblem, f64)], low: bool) -> f64 {
    let mut sorted: Vec<&(ArithmeticProblem, f64)> = values.iter().collect();
    sorted.sort_by(|one, other| if low { one.1.total_cmp(&other.1) } else { other.1.total_cmp(&one.1) });
    let holds = |problem: &ArithmeticProblem| heuristic.holds(problem.a, problem.b, problem.result);
    let k = values.iter().filter(|(problem, _)| holds(problem)).count();
    sorted[..k].iter().filter(|(problem, _)| holds(problem)).count() as f64 / k as f64
}

#[test]
fn rows_agree_with_each_other_with_captured_activations_and_with_the_weights() {
    let ran = ran(SPEC);
    for step in ["rules", "quotients"] {
        check_counts(&ran, step);
    }
    check_ranking(&ran);
    let kept = Kept::read(&ran);
    let model = spec::parse("m", "title = \"m\"\n[model]\nsource = \"builtin:arith\"").unwrap().spec.model.unwrap();
    let model = Model::open(&model, Lookup { base: Path::new("."), checkpoint: None, quiet: true }).unwrap();
    let weights = Weights::of(&model);
    check_drawn(&ran);
    let examples = rows(&ran, "rules.examples");
    assert!(examples.len() > 4, "{examples:?}");
    let mut patterns: BTreeMap<[String; 3], Vec<Cell>> = BTreeMap::new();
    for row in rows(&ran, "rules.patterns") {
        let (a, b) = (number(&row, "a") as i64, number(&row, "b") as i64);
        let result = if row["operator"] == "+" { a + b } else { a * b };
        let values = ["activation", "logit", "effective"].map(|column| number(&row, column));
        let key = [&row["operator"], &row["type"], &row["component"]].map(String::clone);
        patterns.entry(key).or_default().push((ArithmeticProblem { a, b, result }, values));
    }
    assert_eq!(patterns.len(), examples.len());
    for example in &examples {
        let key = ["operator", "type", "component"].map(|column| example[column].clone());
        let pattern = &patterns[&key];
        let problems: BTreeSet<(i64, i64)> = pattern.iter().map(|(problem, _)| (problem.a, problem.b)).collect();
        assert_eq!(problems, legal(&example["operator"]).iter().map(|p| (p.a, p.b)).collect(), "every legal prompt");
        let (layer, neuron) = example["component"][1..].split_once('N').unwrap();
        let (layer, neuron): (usize, usize) = (layer.parse().unwrap(), neuron.parse().unwrap());
        for (problem, [activation, logit, effective]) in pattern {
            let captured = kept.at(layer, neuron, &example["operator"], problem);
            assert!((activation - captured).abs() < 1e-4, "{example:?}: {activation} is not {captured}");
            let read = weights.logit(layer, neuron, problem.result as usize);
            assert!((logit - read).abs() < 1e-4, "{example:?}: {logit} is not {read}");
            assert!((activation * logit - effective).abs() < 1e-5 * effective.abs().max(1.0));
        }
        let logits: Vec<f64> = (0..100).map(|integer| weights.logit(layer, neuron, integer)).collect();
        let top: Vec<usize> = example["top_integers"].split(", ").map(|text| text.parse().unwrap()).collect();
        assert_eq!(top.iter().collect::<BTreeSet<_>>().len(), 10);
        assert!(top.windows(2).all(|pair| logits[pair[0]] >= logits[pair[1]] - 1e-4), "{top:?}");
        let least = logits[top[9]];
        assert!((0..100).all(|integer| top.contains(&integer) || logits[integer] <= least + 1e-4), "{top:?}");

        if example["type"] == "none" {
            continue;
        }
        // The score, from the picture alone.
        let heuristic: Heuristic = example["heuristic"].parse().unwrap();
        let which = if heuristic.is_direct() { 2 } else { 0 };
        let values: Vec<(ArithmeticProblem, f64)> =
            pattern.iter().map(|(problem, values)| (*problem, values[which])).collect();
        let score = f64::max(share(&heuristic, &values, false), share(&heuristic, &values, true));
        assert!((score - number(example, "score")).abs() < 1e-12, "{example:?}: {score}");
    }
}

/// Of each type the best example alone is drawn, where the spec does not say how many.
fn check_drawn(ran: &Ran) {
    let components = |name: &str| -> Vec<[String; 2]> {
        rows(ran, name).into_iter().map(|row| ["type", "component"].map(|column| row[column].clone())).collect()
    };
    let mut best = components("quotients.examples");
    let all = best.len();
    best.dedup_by(|next, first| next[0] == first[0]);
    assert!(best.len() < all && best.len() > 2, "{best:?}");
    let mut drawn = components("quotients.patterns");
    drawn.dedup();
    assert_eq!(drawn, best);
}

/// Neurons, their heuristics, and the heuristics' neurons are the same matches.
fn check_counts(ran: &Ran, step: &str) {
    let (matches, neurons) = (rows(ran, step), rows(ran, &format!("{step}.neurons")));
    assert!(!matches.is_empty());
    let mut by_neuron: BTreeMap<[String; 2], Vec<&Row>> = BTreeMap::new();
    let mut by_heuristic: BTreeMap<[String; 2], Vec<&Row>> = BTreeMap::new();
    for row in &matches {
        assert!(number(row, "score") >= 0.6 && number(row, "score") <= 1.0, "{row:?}");
        let heuristic: Heuristic = row["heuristic"].parse().unwrap();
        assert_eq!((heuristic.kind().name(), heuristic.subject()), (row["type"].as_str(), row["subject"].as_str()));
        let holds = legal(&row["operator"]).iter().filter(|p| heuristic.holds(p.a, p.b, p.result)).count();
        assert_eq!(holds as f64, number(row, "associated"), "{row:?}");
        by_neuron.entry([row["operator"].clone(), row["component"].clone()]).or_default().push(row);
        by_heuristic.entry([row["operator"].clone(), row["heuristic"].clone()]).or_default().push(row);
    }
    let (mut counted, mut found, mut by_chance) = (0, 0, 0);
    for neuron in &neurons {
        let own = by_neuron.get(&[neuron["operator"].clone(), neuron["component"].clone()]);
        let own = own.map_or(&[][..], Vec::as_slice);
        counted += own.len();
        assert_eq!(number(neuron, "heuristics"), own.len() as f64, "{neuron:?}");
        assert_eq!(neuron["classified"], (!own.is_empty()).to_string());
        let direct = own.iter().filter(|row| row["subject"] == "result").count();
        assert_eq!(number(neuron, "direct"), direct as f64);
        found += own.len() - direct;
        by_chance += number(neuron, "control_operands") as usize;
        match own.first() {
            None => assert!(["best", "best_type", "best_score"].iter().all(|column| neuron[*column].is_empty())),
            Some(best) => {
                let most = own.iter().map(|row| number(row, "score")).fold(0.0, f64::max);
                assert_eq!(number(neuron, "best_score"), most);
                assert_eq!([&neuron["best"], &neuron["best_type"]], [&best["heuristic"], &best["type"]]);
            }
        }
    }
    assert_eq!(counted, matches.len());
    assert!(by_chance * 20 <= found, "{by_chance} on operands by chance, {found} found");
    let associated = rows(ran, &format!("{step}.associated"));
    assert_eq!(associated.len(), by_heuristic.len());
    for row in &associated {
        let own = &by_heuristic[&[row["operator"].clone(), row["heuristic"].clone()]];
        assert_eq!(number(row, "neurons"), own.len() as f64, "{row:?}");
        assert_eq!(row["associated"], own[0]["associated"]);
    }
}

/// The neurons are the best six of each layer by the effect on prompts of the operator.
fn check_ranking(ran: &Ran) {
    let effects = rows(ran, "effects");
    for operator in ["+", "*"] {
        for layer in ["2", "3"] {
            let mut own: Vec<&Row> =
                effects.iter().filter(|row| row["operator"] == operator && row["layer"] == layer).collect();
            own.sort_by(|one, other| number(other, "mean").total_cmp(&number(one, "mean")));
            let best: Vec<(String, f64)> =
                own[..6].iter().map(|row| (row["component"].clone(), number(row, "mean"))).collect();
            let neurons = rows(ran, "rules.neurons");
            let found: Vec<(String, f64)> = neurons
                .iter()
                .filter(|row| row["operator"] == operator && row["layer"] == layer)
                .map(|row| (row["component"].clone(), number(row, "effect")))
                .collect();
            assert_eq!(found, best);
        }
    }
}

/// What step `capture` kept.
struct Kept {
    /// By layer, `[prompt, neuron]`.
    layers: BTreeMap<usize, Vec<f32>>,
    prompts: BTreeMap<(String, i64, i64), usize>,
}

impl Kept {
    fn read(ran: &Ran) -> Self {
        let bytes = std::fs::read(ran.folder().join("activations/kept.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let floats = |name: &str| -> Vec<f32> {
            let view = file.tensor(name).unwrap();
            view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        let layers = [2, 3].map(|layer| (layer, floats(&format!("blocks.{layer}.mlp.hook_post")))).into();
        let key = |row: &Row| (row["operator"].clone(), number(row, "a") as i64, number(row, "b") as i64);
        let prompts = rows(ran, "kept.prompts").iter().enumerate().map(|(index, row)| (key(row), index)).collect();
        Self { layers, prompts }
    }

    fn at(&self, layer: usize, neuron: usize, operator: &str, problem: &ArithmeticProblem) -> f64 {
        let prompt = self.prompts[&(operator.to_string(), problem.a, problem.b)];
        let values = &self.layers[&layer];
        f64::from(values[prompt * (values.len() / self.prompts.len()) + neuron])
    }
}

/// The weights that a value vector's logits are made of, as lists of numbers.
struct Weights {
    /// By layer, `[neuron, d_model]`.
    down: Vec<Vec<f32>>,
    scale: Option<Vec<f32>>,
    /// `[d_model, token]`
    unembed: Vec<f32>,
    tokens: Vec<usize>,
    d_model: usize,
}

impl Weights {
    fn of(model: &Model) -> Self {
        let transformer = model.transformer();
        Self {
            down: transformer.blocks.iter().map(|block| to_f32(block.mlp.dense().unwrap().down.weight.val())).collect(),
            scale: transformer.ln_final.scale.as_ref().map(|scale| to_f32(scale.val())),
            unembed: to_f32(transformer.unembed.weight.val()),
            tokens: (0..100)
                .map(|integer| *model.tokens(&integer.to_string()).unwrap().last().unwrap() as usize)
                .collect(),
            d_model: model.facts().d_model,
        }
    }

    fn logit(&self, layer: usize, neuron: usize, integer: usize) -> f64 {
        let n_vocab = self.unembed.len() / self.d_model;
        (0..self.d_model)
            .map(|index| {
                let scale = self.scale.as_ref().map_or(1.0, |scale| scale[index]);
                let value = self.down[layer][neuron * self.d_model + index];
                f64::from(value) * f64::from(scale) * f64::from(self.unembed[index * n_vocab + self.tokens[integer]])
            })
            .sum()
    }
}

/// With little memory the neurons are taken in parts, each with a run of the prompts of its own.
#[test]
fn memory_changes_nothing() {
    let of = |memory: usize| {
        ran(&format!(
            "[run]\nmemory_mib = {memory}\n[prompt_sets.many]\noperators = [\"/\"]\noperands = {{ a = \"0..100\", b = \"1..70\" }}\n\
             [[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nmethod = \"attribution\"\nlayers = \"2..4\"\nbootstrap = 0\n\
             [[step]]\nname = \"rules\"\nkind = \"heuristics\"\nprompts = \"many\"\n\
             ranked = {{ from = \"effects\", per_operator = false, k = 256 }}\n"
        ))
    };
    let (little, much) = (of(16), of(1024));
    assert!(little.rows("rules.neurons").height() * 6900 * 4 > 8 << 20, "more than fits at once");
    for rows in ["rules", "rules.neurons", "rules.patterns", "rules.examples", "rules.associated"] {
        let (little, much) = (little.rows(rows), much.rows(rows));
        assert!(little.height() > 0 && little.equals_missing(&much), "{rows}: {little}\n{much}");
    }
}

/// The steps that read what is found take its rows as they are.
#[test]
fn what_is_found_can_be_knocked_out() {
    let ran = ran("[prompt_sets.all]\noperators = [\"+\", \"*\"]\noperands = { a = \"0..30\", b = \"0..30\" }\n\
         [[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"3\"\nbootstrap = 0\n\
         [[step]]\nname = \"rules\"\nkind = \"heuristics\"\nprompts = \"all\"\nranked = { from = \"effects\", k = 40 }\n\
         [[step]]\nname = \"by_rule\"\nkind = \"heuristic-knockout\"\nfrom = \"rules\"\nat_least = 4\nbootstrap = 0\n\
         [[step]]\nname = \"by_prompt\"\nkind = \"prompt-knockout\"\nfrom = \"rules\"\nk = [0, 20]\n");
    let names = |rows: Vec<Row>| -> BTreeSet<[String; 3]> {
        rows.into_iter().map(|row| ["operator", "heuristic", "neurons"].map(|column| row[column].clone())).collect()
    };
    let mut known = rows(&ran, "rules.associated");
    known.retain(|row| number(row, "neurons") >= 4.0);
    assert!(known.len() > 2, "{known:?}");
    assert_eq!(names(rows(&ran, "by_rule")), names(known));
    let accuracy = |k: &str| -> f64 {
        let of = |row: &&Row| row["k"] == k && row["group"] == "heuristics" && row["operator"] == "+";
        number(rows(&ran, "by_prompt").iter().find(of).unwrap(), "accuracy")
    };
    assert!(accuracy("0") > accuracy("20"), "{} and {}", accuracy("0"), accuracy("20"));
}

#[test]
fn what_can_not_be_ranked_is_refused_at_its_place() {
    let effects = "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\nlayers = \"3\"\nbootstrap = 0\n\
                   measures = [\"indirect-effect\", \"kl\"]\n";
    let heads =
        "[[step]]\nname = \"heads\"\nkind = \"activation-patching\"\nsites = [\"attn.hook_z[head]\"]\nbootstrap = 0\n";
    let with =
        |keys: &str| refused(&format!("{effects}{heads}[[step]]\nname = \"rules\"\nkind = \"heuristics\"\n{keys}\n"));
    for (keys, says) in [
        ("ranked = { from = \"effects\", by = \"men\" }", "no column 'men'; write 'mean'"),
        ("ranked = { from = \"efects\" }", "write \"effects\""),
        ("ranked = { from = \"effects\" }", "write measure = \"indirect-effect\""),
        (
            "ranked = { from = \"heads\" }",
            "ranks no neurons for operator '+'; write the name of a step of kind neuron-patching",
        ),
        ("ranked = { from = \"effects\", measure = \"kl\" }\nthreshold = 0.0", "threshold"),
        ("ranked = { from = \"effects\", measure = \"kl\" }\ntypes = []", "types"),
        ("ranked = { from = \"effects\", measure = \"kl\" }\ntypes = [\"ranges\"]", "write \"range\""),
        (
            "ranked = { from = \"effects\", measure = \"kl\" }\nexamples = 100000000\npatterns = 100000000",
            "write a smaller number",
        ),
    ] {
        let text = with(keys);
        assert!(text.contains(says), "{keys}\n{text}");
    }
}

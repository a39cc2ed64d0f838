//! Specs run on the built-in model, and the values of each prompt.

use crate::support::Sandbox;
use ablate::prelude::Experiment;
use ablate::spec;
use polars::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What stands before the steps.
pub const HEAD: &str = r#"
title = "ablations"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "1..9", b = "1..7" }
operators = ["+", "*"]
sample = 5
seeds = [1]
"#;

/// A finished run.
pub struct Results {
    folder: tempfile::TempDir,
}

/// The value of each prompt's measures: k, prompt, measure.
pub type Values = HashMap<(Option<u32>, u64, String), f64>;

impl Results {
    pub fn of(steps: &str) -> Self {
        Self::of_spec(&format!("{HEAD}{steps}"))
    }

    pub fn of_spec(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{text}\n[output]\ndir = {:?}\n", folder.path().join("out"));
        let loaded = spec::parse("spec.toml", &text)
            .unwrap_or_else(|errors| panic!("{}", errors.render(spec::ErrorStyle::Plain)));
        Experiment::from(loaded).without_store().run().unwrap_or_else(|error| panic!("{error}"));
        Self { folder }
    }

    pub fn rows(&self, name: &str) -> DataFrame {
        let file = std::fs::File::open(self.folder.path().join(format!("out/rows/{name}.parquet"))).unwrap();
        ParquetReader::new(file).finish().unwrap()
    }

    pub fn report(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out/report.md")).unwrap()
    }

    pub fn values(&self, name: &str) -> Values {
        values(&self.rows(&format!("{name}.prompts")))
    }

    /// Those of one intervention of a step.
    pub fn interventions(&self, name: &str, intervention: &str) -> Values {
        let rows = self.rows(&format!("{name}.prompts"));
        let of = rows.column("intervention").unwrap().str().unwrap().equal(intervention);
        values(&rows.filter(&of).unwrap())
    }
}

fn values(rows: &DataFrame) -> Values {
    let k: Vec<Option<u32>> = match rows.column("k") {
        Ok(column) => column.i64().unwrap().iter().map(|k| k.map(|k| k as u32)).collect(),
        Err(_) => vec![None; rows.height()],
    };
    let ids = rows.column("id").unwrap().i64().unwrap();
    let measures = rows.column("measure").unwrap().str().unwrap();
    let values = rows.column("value").unwrap().f64().unwrap();
    (0..rows.height())
        // No faithfulness where the empty circuit does as well as the model: 0/0.
        .filter_map(|row| Some(((k[row], ids.get(row)? as u64, measures.get(row)?.to_string()), values.get(row)?)))
        .collect()
}

/// Those of one measure.
pub fn of(values: &Values, measure: &str) -> BTreeMap<(Option<u32>, u64), f64> {
    values.iter().filter(|((.., name), _)| name == measure).map(|((k, id, _), value)| ((*k, *id), *value)).collect()
}

/// Fails unless both have the same keys and values.
pub fn close(one: &BTreeMap<(Option<u32>, u64), f64>, other: &BTreeMap<(Option<u32>, u64), f64>, tolerance: f64) {
    assert!(!one.is_empty() && one.keys().eq(other.keys()), "{one:?}\n{other:?}");
    for (key, value) in one {
        assert!((value - other[key]).abs() <= tolerance, "{key:?}: {value} and {}", other[key]);
    }
}

/// What the binary says of a spec that it refuses.
pub fn refused(steps: &str) -> String {
    let ran = Sandbox::with(&format!("{HEAD}{steps}")).run(&["run", "spec.toml", "--quiet"]);
    // 1 where other steps had run before it was found.
    assert!(matches!(ran.code, Some(1 | 2)), "{}", ran.text);
    ran.err
}

/// Logits that are not finite are no numbers of anything: not an accuracy, not a divergence of zero, and who reads the means is told.
#[test]
fn what_is_not_a_number_is_left_out_and_counted() {
    let results = Results::of(
        r#"
[[step]]
name = "broken"
kind = "intervention"
measures = ["accuracy", "kl", "logit-difference"]
interventions = [
    { name = "divided", edits = [{ site = "ln_final_scale", positions = ["last"], value = 0 }] },
    { name = "whole", edits = [{ site = "1.z[0]", positions = ["last"], value = 0 }] },
]
"#,
    );
    let rows = results.rows("broken");
    let text = |name: &str| rows.column(name).unwrap().str().unwrap().clone();
    let (names, n, mean) = (text("intervention"), rows.column("n").unwrap(), rows.column("mean").unwrap());
    for (row, name) in names.iter().enumerate() {
        let (n, mean) = (n.i64().unwrap().get(row).unwrap(), mean.f64().unwrap().get(row));
        match name {
            Some("divided") => assert_eq!((n, mean), (0, None), "row {row}"),
            _ => assert!(n == 5 && mean.is_some(), "row {row}"),
        }
    }
    let report = results.report();
    assert!(report.contains("10 of 20 values of accuracy are not numbers"), "{report}");
    assert!(report.contains("10 of 20 values of kl are not numbers"), "{report}");
}

/// Draws of few prompts have prompts in common: those are not as many prompts.
#[test]
fn a_prompt_of_several_draws_is_one_prompt() {
    let spec = |seeds: &str| {
        let head = HEAD.replace("sample = 5", "sample = 20").replace("seeds = [1]", seeds);
        let step = r#"
[[step]]
name = "heads"
kind = "activation-patching"
sites = ["0.z[1]"]
positions = ["last"]
measures = ["logit-difference"]
"#;
        Results::of_spec(&format!("{head}{step}"))
    };
    let note = "intervals are over the prompts";
    assert!(!spec("seeds = [1]").report().contains(note));
    let several = spec("seeds = [1, 2, 3, 4]").report();
    assert!(several.contains(note) && several.contains("n counts 160 values of"), "{several}");
}

/// An edit of some prompts is made on those and leaves the others as they are, whatever else its intervention does.
#[test]
fn an_edit_is_of_the_prompts_that_it_says() {
    let results = Results::of(
        r#"
[[step]]
name = "edits"
kind = "intervention"
measures = ["logit-difference"]
per_prompt = true
interventions = [
    { name = "all", edits = [{ site = "0.mlp_post", positions = ["="], value = 0 }] },
    { name = "sums", edits = [{ site = "0.mlp_post", positions = ["="], value = 0, where = { operator = "+" } }] },
    { name = "head", edits = [{ site = "1.z[0]", positions = ["="] }] },
    { name = "both", edits = [
        { site = "0.mlp_post", positions = ["="], value = 0, where = { operator = "+" } },
        { site = "1.z[0]", positions = ["="], where = { operator = "*", a = [1, 2, 3, 4, 5, 6, 7, 8] } },
    ] },
    { name = "none", edits = [{ site = "1.z[0]", positions = ["="], strength = 0 }] },
    { name = "large", edits = [{ site = "0.mlp_post", positions = ["="], value = 0, where = { a = ">= 5" } }] },
]
"#,
    );
    let prompts = results.rows("edits.prompts");
    let (ids, a) = (prompts.column("id").unwrap().i64().unwrap(), prompts.column("a").unwrap().cast(&DataType::Int64));
    let (a, operators) = (a.unwrap(), prompts.column("operator").unwrap().str().unwrap());
    let of = |name: &str| of(&results.interventions("edits", name), "logit-difference");
    let [all, sums, head, both, none, large] = ["all", "sums", "head", "both", "none", "large"].map(of);
    assert!(all.iter().all(|(prompt, value)| none[prompt] != *value), "the edit changes every prompt");
    for row in 0..prompts.height() {
        let prompt = (None, ids.get(row).unwrap() as u64);
        let sum = operators.get(row) == Some("+");
        assert_eq!(sums[&prompt], if sum { all[&prompt] } else { none[&prompt] });
        assert!((both[&prompt] - if sum { all[&prompt] } else { head[&prompt] }).abs() < 1e-5);
        let is_large = a.i64().unwrap().get(row).unwrap() >= 5;
        assert_eq!(large[&prompt], if is_large { all[&prompt] } else { none[&prompt] });
    }
}

#[test]
fn an_edit_of_no_prompts_is_refused() {
    let refused = |condition: &str| {
        super::spec::refused(&format!(
            "[[step]]\nname = \"edits\"\nkind = \"intervention\"\ninterventions = [{{ name = \"one\", edits = [{{ site = \"0.z[0]\", \
             where = {condition} }}] }}]\n"
        ))
    };
    for (condition, wanted) in [
        ("{ opertor = \"+\" }", "opertor"),
        ("{ operator = \"/\" }", "no prompt has the operator '/'; the prompts have '+', '*'"),
        ("{ a = \"x\" }", "numbers"),
        ("{ a = 70 }", "no prompt of step 'edits' meets this condition; the values of 'a' are"),
        ("{ a = \"< 3\", answer = \"> 90\" }", "no prompt of step 'edits' meets all of these conditions"),
    ] {
        let message = refused(condition);
        assert!(message.contains(wanted), "{condition}: {message}");
    }
}

/// Counterfactuals have the clean prompt's template, by its name: a set may have its templates in another order.
#[test]
fn counterfactuals_have_the_template_of_the_same_name() {
    let results = Results::of_spec(
        r#"
title = "templates"
[model]
source = "builtin:arith"
[prompts]
template = { forth = "{a}{op}{b}=", back = "{b}{op}{a}=" }
operands = { a = "1..5", b = "6..9" }
operators = ["+"]
[prompt_sets.other]
template = { back = "{b}{op}{a}=", forth = "{a}{op}{b}=" }
operands = { a = "1..5", b = "6..9" }
operators = ["+"]
[[step]]
name = "heads"
kind = "activation-patching"
sites = ["0.z[1]"]
positions = ["last"]
counterfactual = { prompts = "other" }
"#,
    );
    let pairs = results.rows("heads.pairs");
    let text = |column: &str| pairs.column(column).unwrap().str().unwrap().clone();
    let (templates, others) = (text("template"), text("other_text"));
    assert!(pairs.height() > 20);
    for (template, other) in templates.iter().zip(others.iter()) {
        let forth = other.is_some_and(|text| text.starts_with(|first: char| ('1'..='5').contains(&first)));
        assert_eq!(forth, template == Some("forth"), "{template:?} {other:?}");
    }
}

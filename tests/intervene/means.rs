//! Means over prompts as values of edits: against means by hand, and the two steps that take them against each other.

use super::results::{Results, close, of, refused};
use ablate::intervene::{Edit, EditedPrompt, HookPositions, Layout, Positions, Units, capture, run_edited};
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::Tokens;
use ablate::model::{Lookup, Model};
use ablate::spec;
use std::path::Path;
use std::sync::Arc;

/// Means over the prompts as a reader of the spec would write them down, division by zero included.
#[test]
fn means_are_those_of_every_prompt() {
    let operators = ["+", "/"];
    let prompts = r#"
        operands = { a = "0..4", b = "0..3" }
        operators = ["+", "/"]
    "#;
    let steps = |name: &str, mean: &str| {
        format!(
            r#"
            [[step]]
            name = "{name}"
            kind = "ablation"
            components = ["L1MLP", "L0H2"]
            positions = ["b", "last"]
            measures = ["logit"]
            mean = {mean}
            skip_zero_answers = true
            per_prompt = true
            "#
        )
    };
    let results = Results::of_spec(&format!(
        "title = \"means\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\n{prompts}{}{}{}{}",
        steps("every", "{}"),
        steps("same", "{ operators = \"same\" }"),
        steps("pooled", "{ positions = \"pooled\" }"),
        steps("own", "{ operators = \"same\", legality = \"legal\" }")
    ));
    assert!(
        results.report().contains("means are over 24 prompts, legal or not, 12 of each of + /"),
        "{}",
        results.report()
    );

    assert!(
        results.report().contains("means are over 20 legal prompts, 12 of +, 8 of /; each operator has its own"),
        "what is of one operator needs no balance: {}",
        results.report()
    );

    let model = spec::parse("m", "title = \"m\"\n[model]\nsource = \"builtin:arith\"").unwrap().spec.model.unwrap();
    let model = Model::open(&model, Lookup { base: Path::new("."), checkpoint: None, quiet: true }).unwrap();
    let ids = |text: &str| model.tokens(text).unwrap();
    let texts = |operator: &str| -> Vec<String> {
        (0..4).flat_map(|a| (0..3).map(move |b| (a, b))).map(|(a, b)| format!("{a}{operator}{b}=")).collect()
    };
    let hooks = [Hook::Block(1, Site::MlpPost), Hook::Block(0, Site::Z)];
    let at = || Positions::At(vec![2, 3]);
    let wanted: HookPositions = hooks.iter().map(|&hook| (hook, at())).collect();
    for name in ["every", "same", "pooled", "own"] {
        let rows = results.rows(&format!("{name}.prompts"));
        assert_eq!(rows.height(), 11 + 5, "no prompt with the answer 0");
        for row in 0..rows.height() {
            let text = rows.column("text").unwrap().str().unwrap().get(row).unwrap();
            let operator = rows.column("operator").unwrap().str().unwrap().get(row).unwrap();
            let own = ["same", "own"].contains(&name);
            let over = operators.into_iter().filter(|other| !own || *other == operator).flat_map(texts);
            let over: Vec<Vec<u32>> =
                over.filter(|text| name != "own" || !text.contains("/0")).map(|text| ids(&text)).collect();
            let over = Tokens::from_rows(&over.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
            let (activations, _) =
                capture(model.transformer(), &over, &wanted, 5, || Ok::<(), ablate::model::NotFinite>(())).unwrap();
            let edits: Vec<Edit> = hooks
                .iter()
                .map(|&hook| {
                    let mut mean = activations[&hook].clone();
                    let width = mean.data.len() / mean.rows;
                    let half = width / 2;
                    let column = |index: usize| -> f64 {
                        mean.data.chunks_exact(width).map(|row| f64::from(row[index])).sum::<f64>() / mean.rows as f64
                    };
                    let data = (0..width).map(|index| match name {
                        "pooled" => ((column(index % half) + column(index % half + half)) / 2.0) as f32,
                        _ => column(index) as f32,
                    });
                    mean.data = data.collect();
                    mean.rows = 1;
                    let units = if hook == hooks[1] { Units::Of(vec![2]) } else { Units::All };
                    Edit::set(hook, at(), units, Arc::new(mean))
                })
                .collect();
            let tokens = Tokens::from_rows(&[ids(text).as_slice()]).unwrap();
            let edited = EditedPrompt { prompt: 0, source: None, edits: Arc::from(edits) };
            let logits =
                ablate::kernel::to_f32(run_edited(model.transformer(), &tokens, &[edited], &Default::default()));
            let answer = rows.column("answer").unwrap().i64().unwrap().get(row).unwrap();
            let value = rows.column("value").unwrap().f64().unwrap().get(row).unwrap();
            let expected = f64::from(logits[answer as usize]);
            assert!((value - expected).abs() < 1e-3, "{name} {text}: {value}, by hand {expected}");
        }
    }
}

/// The step of edits written out and the one of ablations put the same means in the same places.
#[test]
fn edits_write_the_means_that_ablations_do() {
    let arms = [
        ("each", "{}"),
        ("same", "{ operators = \"same\", sample = 40, seed = 3 }"),
        ("pooled", "{ positions = \"pooled\", legality = \"legal\" }"),
    ];
    let mut steps = String::new();
    for (name, mean) in arms {
        let ablation = |part: &str, components: &str, positions: &str| {
            format!(
                r#"
                [[step]]
                name = "{name}-{part}"
                kind = "ablation"
                components = {components}
                positions = {positions}
                measures = ["kl", "accuracy"]
                mean = {mean}
                per_prompt = true
                "#
            )
        };
        steps += &ablation("mlp", r#"["L1MLP", "L2MLP"]"#, r#"["b", "last"]"#);
        steps += &ablation("heads", r#"["L0H1,3"]"#, r#"["all"]"#);
        steps += &format!(
            r#"
            [[step]]
            name = "{name}"
            kind = "intervention"
            measures = ["kl", "accuracy"]
            mean = {mean}
            per_prompt = true
            interventions = [
                {{ name = "mlp", edits = [{{ site = "1..3.mlp_post", positions = ["b", "last"], value = "mean" }}] }},
                {{ name = "heads", edits = [{{ site = "0.z[1,3]", value = "mean" }}] }},
                {{ name = "nowhere", edits = [{{ site = "0.z", value = "mean", strength = 0.0 }}] }},
                {{ name = "half", edits = [{{ site = "0.z", value = "mean", strength = 0.5 }}] }},
                {{ name = "steered", edits = [{{ site = "1.resid_mid", positions = ["last"], value = "mean", add = true }}] }},
            ]
            "#
        );
    }
    let results = Results::of(&steps);
    for (name, _) in arms {
        for measure in ["kl", "accuracy"] {
            for part in ["mlp", "heads"] {
                let ablated = of(&results.values(&format!("{name}-{part}")), measure);
                close(&of(&results.interventions(name, part), measure), &ablated, 1e-5);
                assert!(
                    measure != "kl" || ablated.values().any(|kl| *kl > 1e-3),
                    "{name} {part}: something is ablated"
                );
            }
        }
        let kl = |part: &str| of(&results.interventions(name, part), "kl");
        assert!(kl("nowhere").values().all(|kl| *kl < 1e-6), "{name}");
        assert!(["half", "steered"].iter().all(|part| kl(part).values().any(|kl| *kl > 1e-3)), "{name}");
    }
    let same = |name: &str| of(&results.interventions(name, "heads"), "kl");
    assert!(same("each") != same("same") && same("each") != same("pooled"), "means of other prompts are others");
    let note = "means are over 48 prompts, legal or not, 24 of each of + *";
    assert!(!results.report().contains(note), "{}", results.report());
    let report = results.report();
    let notes: Vec<&str> = report.lines().filter(|line| line.contains("legal prompts")).collect();
    assert_eq!(notes.len(), 1, "one note, of every step that takes them: {report}");
    assert!(notes[0].starts_with("> - pooled-mlp, pooled-heads, pooled: model: "), "{report}");
}

/// Means of several edits at other positions are of one run of their prompts, and those that each would take alone.
#[test]
fn means_at_several_positions_are_those_of_each() {
    let edits = [
        "{ site = \"1.mlp_post\", positions = [\"b\", \"last\"], value = \"mean\" }",
        "{ site = \"1.mlp_post\", positions = [\"last\"], value = \"mean\" }",
        "{ site = \"2.z\", positions = [\"a\", \"b\"], value = \"mean\" }",
        "{ site = \"2.pattern\", positions = [\"b\"], value = \"mean\" }",
        "{ site = \"2.pattern\", positions = [\"op\", \"last\"], value = \"mean\" }",
    ];
    let intervention = |(number, edit): (usize, &&str)| format!("{{ name = \"i{number}\", edits = [{edit}] }},");
    let step = |name: &str, interventions: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nkind = \"intervention\"\nmeasures = [\"kl\"]\nper_prompt = true\n\
             mean = {{ positions = \"pooled\", operators = \"same\" }}\ninterventions = [{interventions}]\n"
        )
    };
    let mut steps = step("together", &edits.iter().enumerate().map(intervention).collect::<String>());
    for (number, edit) in edits.iter().enumerate() {
        steps += &step(&format!("alone{number}"), &intervention((number, edit)));
    }
    let results = Results::of(&steps);
    for number in 0..edits.len() {
        let of = |step: &str| of(&results.interventions(step, &format!("i{number}")), "kl");
        let (together, alone) = (of("together"), of(&format!("alone{number}")));
        assert!(alone.values().any(|kl| *kl > 1e-6), "{number}: something is edited");
        close(&together, &alone, 1e-5);
    }
}

/// Every hook takes means, attention's too.
#[test]
fn every_hook_takes_means() {
    let model = Model::load("builtin:arith").unwrap();
    let of_final_norm = ["scale", "standardized", "normalized", "out"].map(|name| format!("ln_final.hook_{name}"));
    let sites = ["embed", "pos_embed"].map(String::from).into_iter().chain(of_final_norm);
    let of_blocks = ablate::model::hook::SITES
        .iter()
        .map(|(site, ..)| *site)
        .filter(|&site| Layout::of(Hook::Block(1, site), model.facts(), 4).is_some());
    let sites: Vec<String> = sites.chain(of_blocks.map(|site| format!("1.{}", site.name()))).collect();
    let of_site = |(number, site): (usize, &String)| {
        format!("{{ name = \"i{number}\", edits = [{{ site = \"{site}\", value = \"mean\", strength = 0.5 }}] }},")
    };
    let interventions: String = sites.iter().enumerate().map(of_site).collect();
    let results = Results::of(&format!(
        "[[step]]\nname = \"edits\"\nkind = \"intervention\"\nmeasures = [\"kl\"]\nper_prompt = true\ninterventions = [{interventions}]"
    ));
    for (number, site) in sites.iter().enumerate() {
        let kl = of(&results.interventions("edits", &format!("i{number}")), "kl");
        assert!(kl.len() == 10 && kl.values().all(|kl| kl.is_finite()), "{site}: {kl:?}");
        // The position embedding is the same in every prompt, and so is the mean.
        let changes = kl.values().any(|kl| *kl > 1e-9);
        assert_eq!(changes, site != "pos_embed", "{site}: {kl:?}");
    }
}

#[test]
fn means_that_can_not_be_had_are_refused_at_their_place() {
    let step = |mean: &str, value: &str| {
        refused(&format!(
            "[[step]]\nname = \"edits\"\nkind = \"intervention\"\nmean = {mean}\n\
             interventions = [{{ name = \"one\", edits = [{{ site = \"0.z\", value = \"{value}\" }}] }}]\n\
             [prompt_sets.other]\noperators = [\"-\"]\n"
        ))
    };
    let cases = [
        (step("{ prompts = \"othre\" }", "mean"), "write \"other\""),
        (
            step("{ prompts = \"other\", operators = \"same\" }", "mean"),
            "there are no prompts with operator '+' over which its mean could be taken",
        ),
        (step("{}", "maen"), "write \"mean\""),
    ];
    for (text, says) in cases {
        assert!(text.contains(says) && text.contains("spec.toml:"), "{says}: {text}");
    }
}

//! What a spec can say, as it is explained: complete, current, and its examples true.

use crate::support::{Sandbox, flowing, repository, says};
use ablate::experiment::{Experiment, Specs};
use ablate::reference::{Referent, Topic, TopicKind, example, find, markdown, page, rows, topics};
use ablate::spec::{parse, step as step_kinds};
use ablate::step;
use ablate::table::Frames;
use polars::prelude::{ParquetReader, SerReader};

fn of(group: TopicKind) -> impl Iterator<Item = &'static Topic> {
    topics().iter().filter(move |topic| topic.group == group)
}

#[test]
fn the_page_checked_in_is_current() {
    let path = repository("docs/spec.md");
    let current = markdown();
    if std::env::var_os("ABLATE_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == current, "write it: ablate explain --all > docs/spec.md");
}

#[test]
fn every_step_says_what_it_is_where_it_is_from_and_how_it_is_written() {
    for topic in of(TopicKind::Step) {
        let about = &topic.about;
        assert!(!about.line().is_empty() && about.line().chars().count() <= 130, "{}: '{}'", topic.name, about.line());
        assert!(about.source.is_some(), "the doc comment of {} has no paragraph 'Source: …'", topic.name);
        assert!(about.example.is_some(), "the doc comment of {} has no block of TOML", topic.name);
        assert!(!rows(topic).is_empty() || topic.name == "capture", "{}: no rows", topic.name);
    }
    for topic in of(TopicKind::Measure) {
        let about = &topic.about;
        assert!(about.formula.is_some() && about.source.is_some(), "{}: no formula or source", topic.name);
    }
}

#[test]
fn every_key_is_explained() {
    for topic in topics() {
        for key in &topic.keys {
            assert!(!key.about.summary.is_empty(), "{}.{} has no doc comment", topic.name, key.name);
            for choice in &key.choices {
                assert!(!choice.about.summary.is_empty(), "{}.{} = {}", topic.name, key.name, choice.name);
            }
        }
    }
}

#[test]
fn every_column_of_every_row_is_explained() {
    let mut missing = Vec::new();
    for topic in of(TopicKind::Step) {
        for rows in rows(topic) {
            for column in rows.columns {
                let explained = of(TopicKind::Column).find(|topic| topic.name == column.name);
                if explained.is_none_or(|topic| topic.about.summary.is_empty()) {
                    missing.push(format!("{} of {}", column.name, rows.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "write what they mean where they are declared (rows!): {missing:#?}");
}

/// What a spec may name as `STEP.PART` before a step has said its columns.
#[test]
fn every_part_of_a_steps_rows_is_in_the_list_of_kinds() {
    for topic in of(TopicKind::Step) {
        let listed = step_kinds::further_rows(&topic.name);
        let parts: Vec<&str> = rows(topic).iter().map(|rows| rows.part).filter(|part| !part.is_empty()).collect();
        assert!(parts.iter().all(|part| listed.contains(part)), "{}: {parts:?}, {listed:?}", topic.name);
    }
}

/// The example of every kind of step, run: its files of rows are those that are declared, with their columns and types.
#[test]
fn every_kind_keeps_the_rows_that_it_declares() {
    for topic in of(TopicKind::Step) {
        let sandbox = Sandbox::empty();
        let text = format!("{}\n[output]\ndir = {:?}\n", example(topic).unwrap(), sandbox.at("results"));
        // Prompts that a model is trained on are asked of none.
        let text = if topic.name == "train" { text.replace("keep     = \"correct\"\n", "") } else { text };
        let loaded = parse("example.toml", &text).unwrap();
        // What a probe has found may be too little for the step that takes its layers.
        let done = Experiment::from(loaded.clone()).without_store().run();
        let kept = std::fs::read_dir(sandbox.at("results/rows"))
            .unwrap_or_else(|error| panic!("{}: {error}: {done:?}", topic.name));
        let kept: Vec<String> = kept.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let mut frames = Frames::default();
        for step in &loaded.spec.steps {
            let declared = step::empty_frames(step, &loaded, &frames).unwrap();
            if step.kind() == topic.name {
                let own = |file: &&String| file.split('.').next() == Some(step.name());
                assert_eq!(kept.iter().filter(own).count(), declared.len(), "rows of {}: {done:?}", topic.name);
            }
            for (name, empty) in declared {
                if step.kind() == topic.name {
                    let file = std::fs::File::open(sandbox.at(format!("results/rows/{name}.parquet"))).unwrap();
                    let rows = ParquetReader::new(file).finish().unwrap();
                    assert_eq!(rows.schema(), empty.schema(), "{name} of {}", topic.name);
                }
                frames.insert(name, empty);
            }
        }
    }
}

/// Every example is a spec that can be run, but for what needs a model with checkpoints.
#[test]
fn every_example_passes_all_checks() {
    let sandbox = Sandbox::empty();
    let mut checked = 0;
    for topic in topics() {
        let Some(text) = example(topic) else { continue };
        let path = sandbox.at(format!("{}.toml", topic.name));
        sandbox.write(&path, text);
        let mut specs = Specs::read(&[path], &[], true).unwrap();
        specs.plan(true).unwrap_or_else(|error| panic!("{}:\n{}", topic.name, error.render(false)));
        checked += 1;
    }
    assert!(checked >= of(TopicKind::Step).count() + of(TopicKind::Figure).count(), "{checked}");
}

/// Each name leads to a page, and every page says what it is about.
#[test]
fn what_is_listed_is_found() {
    for topic in topics() {
        for name in std::iter::once(&topic.name).chain(&topic.also) {
            let found = find(name).unwrap_or_else(|unknown| panic!("{unknown}"));
            assert!(found.iter().any(|found| matches!(found, Referent::Topic(_))), "{name}");
            assert!(found.iter().all(|found| !page(found).is_empty()), "{name}");
        }
        for key in &topic.keys {
            let path = if topic.name == "spec" { key.name.clone() } else { format!("{}.{}", topic.name, key.name) };
            assert!(find(&path).is_ok(), "{path}");
        }
    }
}

fn explained(name: &str) -> String {
    let found = find(name).unwrap_or_else(|unknown| panic!("{unknown}"));
    found.iter().map(page).collect()
}

#[test]
fn names_are_found_as_they_are_written_in_specs() {
    for (name, told) in [
        ("activation-patching", "sites  list of sites, required"),
        ("indirect-effect", "½ · [ (P*(r') − P(r')) / P(r')"),
        ("heatmap", "One cell per `x` and `y`"),
        ("[prompts]", "template"),
        ("[[figure]]", "value_range"),
        ("prompts.sample", "How many prompts to draw per operator and template"),
        ("ablation.mean.sample", "= 1000"),
        ("step.ablation.mode", "keep: All but the named ones."),
        ("hook_z", "[batch, pos, head, d_head]"),
        ("blocks.3.attn.hook_z[head]", "[batch, pos, head, d_head]"),
        ("noising", "activation-patching.direction"),
        ("bootstrap", "Resamples"),
        ("floor division", "a ÷ b"),
        ("builtin:arith", "four-layer"),
        ("llama", "SmolLM2"),
        ("paper/fig02-effects", "ablate new NAME --from paper/fig02-effects"),
    ] {
        let page = explained(name);
        assert!(page.contains(told), "{name}:\n{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 120), "{name}:\n{page}");
    }
    // A step and two measures.
    assert!(find("accuracy").unwrap().len() >= 2);
    assert!(find("kl").unwrap().len() == 1, "the same measure of several steps is one");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    says(Sandbox::empty().run(&["explain", "activation-pathcing"]).refused(), ["write 'activation-patching'"]);
}

#[test]
fn a_part_of_a_name_leads_to_those_that_have_it() {
    let told = find("patchin").unwrap_err().to_string();
    for name in ["activation-patching", "neuron-patching", "attribution-patching", "path-patching"] {
        assert!(told.contains(&format!("'{name}'")), "{told}");
    }
    assert!(find("xyzzy").unwrap_err().to_string().contains("`ablate list steps`"));
}

/// What the field calls it, several words of one thing among them.
#[test]
fn words_of_the_field_say_what_they_are_here() {
    let sandbox = Sandbox::empty();
    for (asked, told) in [
        (&["steering"][..], "'intervention' with add = true"),
        (&["EAP"], "'attribution-patching'"),
        (&["edge", "attribution"], "'path-patching'"),
        (&["causal", "tracing"], "'activation-patching'"),
        (&["causal-mediation"], "'indirect-effect'"),
        (&["Interchange_Intervention"], "'activation-patching'"),
        (&["ROME"], "not there"),
        (&["r"], "first token of the prompt's own answer"),
        (&["r'"], "contrast"),
        (&["sae"], "not there"),
        (&["bloom"], "not read yet"),
        (&["gemma"], "Gemma 2 and the language model of Gemma 3"),
        (&["generation"], "'generate'"),
        (&["DLA"], "'logit-attribution'"),
        (&["tuned-lens"], "'logit-lens'"),
        (&["last"], "\"last\" is the last one, whose logits say the answer"),
        (&["hooks"], "`ablate list hooks`"),
        (&["braces"], "the end of a range is excluded"),
        // How sites, components and layers are written stands where they are explained.
        (
            &["sites"],
            "written a hook (`ablate list hooks`), behind layers: `z` or `*.z` (all), `3.z`, `24..30.z` (24 to 29: the end of a range is excluded)",
        ),
        (&["ablation.components"], "`L24..30MLP` (24 to 29: the end of a range is excluded)"),
        (&["neuron-patching.layers"], "`24..30` (24 to 29: the end of a range is excluded)"),
        (&["hook_mlp_out"], "`24..30.mlp_out` (24 to 29: the end of a range is excluded)"),
    ] {
        says(flowing(&sandbox.run(&[&["explain"], asked].concat()).ok().out), [told]);
    }
    for synonym in ablate::reference::SYNONYMS {
        for name in synonym.names() {
            assert!(find(name).is_ok(), "{name}");
        }
        for name in synonym.see() {
            let found = find(name).unwrap_or_else(|unknown| panic!("{}: {unknown}", synonym.about));
            assert!(!found.iter().any(|found| matches!(found, Referent::Synonym(_))), "{name}");
        }
    }
}

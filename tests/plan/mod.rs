//! What a plan counts before anything runs is what a run then does.

use crate::support::{Sandbox, numbers, texts};
use ablate::cost::Workload;
use ablate::experiment::{Specs, execute};
use ablate::model::Model;
use ablate::plan::{Force, Forecast, ForecastMemory, Plan, Recall, Session, Speed, Why, forecast};
use ablate::run::RunOptions;
use ablate::spec::Devices;
use ablate::system::progress::Progress;
use burn::tensor::{DType, Device};

const HEAD: &str = r#"
title = "planned"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..12", b = "1..7" }
operators = ["+", "*"]
sample = 5
seeds = [1, 2]
"#;

/// Steps that replay edited prompts, of one measure each.
const EDITS: &str = r#"
[[step]]
name = "heads"
kind = "activation-patching"
sites = ["z[head]", "mlp_post"]
positions = ["op", "last"]
[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "3"
bootstrap = 10
[[step]]
name = "gradients"
kind = "attribution-patching"
sites = ["z[head]"]
[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H*", "L1MLP"]
receivers = ["L2H*.q", "logits"]
[[step]]
name = "edits"
kind = "intervention"
measures = ["accuracy"]
interventions = [
    { name = "zero", edits = [{ site = "3.mlp_post", positions = ["last"], value = 0 }] },
    { name = "swap", edits = [{ site = "3.resid_post", positions = ["last"] }] },
]
[[step]]
name = "circuit"
kind = "ablation"
mode = "keep"
components = ["L*MLP"]
ranked = { from = "heads", k = [0, 2] }
value = "zero"
measures = ["accuracy"]
"#;

/// Steps that read the prompts' own runs.
const READINGS: &str = r#"
[[step]]
name = "answers"
kind = "accuracy"
per_prompt = true
[[step]]
name = "lens"
kind = "logit-lens"
sites = ["3.resid_post"]
per_prompt = true
[[step]]
name = "direct"
kind = "logit-attribution"
components = ["L3MLP"]
per_prompt = true
[[step]]
name = "acts"
kind = "capture"
sites = ["0.resid_post[0]"]
format = "rows"
"#;

/// The plan of the spec, with these keys over it.
#[track_caller]
fn plan<T>(sandbox: &Sandbox, sets: &[&str], of: impl FnOnce(&Plan) -> T) -> T {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    let mut specs = Specs::read(&[sandbox.at("spec.toml")], &sets, true).unwrap();
    let plans = specs.plan(true).unwrap_or_else(|error| panic!("{}", error.render(false)));
    of(&plans[0])
}

/// A step on a model, as it is planned.
struct Planned {
    step: String,
    kind: &'static str,
    model: String,
    work: Workload,
    /// What asking the model for its prompts takes.
    asking: Workload,
}

#[track_caller]
fn planned(spec: &str, sets: &[&str]) -> Vec<Planned> {
    plan(&Sandbox::with(spec), sets, |plan| {
        let steps = plan.variants()[0].steps().iter();
        let each = steps.flat_map(|step| step.models.iter().map(move |model| (step.step, model)));
        each.map(|(step, model)| Planned {
            step: step.name().to_string(),
            kind: step.kind(),
            model: model.name.to_string(),
            work: model.workload.unwrap_or_else(|| panic!("{}: nothing is counted", step.name())),
            asking: model.prompts.asking,
        })
        .collect()
    })
}

/// Rows of replays and whole passes of a step.
#[track_caller]
fn counts(planned: &[Planned], step: &str) -> (u64, u64) {
    let of = planned.iter().find(|planned| planned.step == step).unwrap_or_else(|| panic!("no step {step}"));
    (of.work.rows, of.work.naive)
}

#[test]
fn every_step_is_planned_in_order_on_its_model() {
    let spec = format!("{HEAD}{READINGS}{EDITS}");
    let found: Vec<(String, &str, String)> =
        planned(&spec, &[]).into_iter().map(|planned| (planned.step, planned.kind, planned.model)).collect();
    let kinds = [
        ("answers", "accuracy"),
        ("lens", "logit-lens"),
        ("direct", "logit-attribution"),
        ("acts", "capture"),
        ("heads", "activation-patching"),
        ("neurons", "neuron-patching"),
        ("gradients", "attribution-patching"),
        ("paths", "path-patching"),
        ("edits", "intervention"),
        ("circuit", "ablation"),
    ];
    assert_eq!(found, kinds.map(|(step, kind)| (step.to_string(), kind, "model".to_string())));
    let two = spec.replace("[prompts]", "[models.half]\ndtype = \"bf16\"\n[prompts]");
    assert_eq!(planned(&two, &[]).len(), 2 * kinds.len(), "each on both models");
}

/// A row of a step is a mean over n prompts: all of them are the edited prompts that were planned.
#[test]
fn as_many_edited_prompts_are_run_as_are_planned() {
    let sandbox = Sandbox::with(&format!("{HEAD}{EDITS}"));
    sandbox.ran();
    let planned = planned(&format!("{HEAD}{EDITS}"), &[]);
    for step in ["heads", "neurons", "gradients", "paths", "edits", "circuit"] {
        let rows = sandbox.rows(step);
        let measures = texts(&rows, "measure");
        assert!(measures.iter().all(|measure| *measure == measures[0]), "{step}: one measure");
        let draws = match rows.column("control_draws") {
            Ok(_) => numbers(&rows, "control_draws"),
            Err(_) => vec![f64::NAN; rows.height()],
        };
        // Each draw of a control is a run of each prompt, too.
        let times = |draws: f64| if draws.is_nan() { 1.0 } else { 1.0 + draws };
        let run: f64 = numbers(&rows, "n").iter().zip(draws).map(|(n, draws)| n * times(draws)).sum();
        let (rows, passes) = counts(&planned, step);
        assert_eq!(rows as f64, run, "{step}");
        // The prompts' own runs: of the other prompt of each pair too, where there are pairs.
        let pairs = format!("{step}.pairs");
        let own = match sandbox.has(format!("results/spec/rows/{pairs}.parquet")) {
            true => 2 * sandbox.rows(&pairs).height() as u64,
            false => 2 * 2 * 5,
        };
        assert_eq!(passes, rows + own, "{step}");
    }
}

#[test]
fn as_many_prompts_are_read_as_are_planned() {
    let sandbox = Sandbox::with(&format!("{HEAD}{READINGS}"));
    sandbox.ran();
    let planned = planned(&format!("{HEAD}{READINGS}"), &[]);
    for (step, rows) in [("lens", "lens.prompts"), ("direct", "direct.prompts"), ("acts", "acts.prompts")] {
        let rows = sandbox.rows(rows);
        let mut prompts: Vec<(u64, u64)> =
            numbers(&rows, "seed").into_iter().zip(numbers(&rows, "id")).map(|(s, id)| (s as u64, id as u64)).collect();
        prompts.sort();
        prompts.dedup();
        assert_eq!(counts(&planned, step), (0, prompts.len() as u64), "{step}");
    }
}

/// Prompts that are kept by their answers are asked once for all steps on them.
#[test]
fn prompts_are_asked_once_for_all_steps_on_them() {
    let sandbox = Sandbox::with(&format!(
        "{HEAD}{READINGS}{EDITS}[prompt_sets.few]
sample = 2
"
    ));
    let same = |sets: &[&str], one: &str, other: &str| {
        plan(&sandbox, sets, |plan| {
            let steps = plan.variants()[0].steps();
            let of = |name: &str| &steps.iter().find(|step| step.step.name() == name).expect(name).models[0].prompts;
            of(one).is_made_with(of(other))
        })
    };
    assert!(same(&[], "lens", "acts") && same(&[], "lens", "heads"));
    assert!(!same(&["step.acts.prompts=few"], "lens", "acts"), "of another set");
    assert!(!same(&["step.acts.prompts=few"], "heads", "acts"), "of another set");
    let asking = |keep: &str| {
        let each = planned(&format!("{HEAD}{READINGS}{EDITS}"), &[&format!("prompts.keep={keep}"), "run.batch=64"]);
        each.iter().filter(|planned| planned.step != "answers").map(|planned| planned.asking.naive).collect::<Vec<_>>()
    };
    assert!(asking("all").iter().all(|passes| *passes == 0), "{:?}", asking("all"));
    // A batch of each operator's.
    assert!(asking("correct").iter().all(|passes| *passes >= 2 * 10), "{:?}", asking("correct"));
}

#[test]
fn memory_keeps_to_what_a_run_may_take() {
    let of = |mebibytes: u64| {
        let run = format!("[run]\nmemory_mib = {mebibytes}\n");
        let each = planned(&format!("{HEAD}{run}{READINGS}{EDITS}"), &[]);
        each.iter().map(|planned| planned.work.memory).collect::<Vec<u64>>()
    };
    let (little, more, much) = (of(1), of(8), of(1024));
    // What is read of a batch comes on top of its run.
    assert!(little.iter().all(|bytes| (1..=2 << 20).contains(bytes)), "{little:?}");
    assert!(more.iter().all(|bytes| *bytes <= 16 << 20), "{more:?}");
    assert!(little.iter().zip(&more).all(|(less, more)| less <= more), "{little:?} {more:?}");
    assert!(more.iter().zip(&much).all(|(less, more)| less <= more), "{more:?} {much:?}");
    assert!(much.iter().any(|bytes| *bytes > 16 << 20), "{much:?}");
}

/// A replay computes no more than every row on its own would.
#[test]
fn no_more_is_computed_than_whole_passes() {
    for planned in planned(&format!("{HEAD}{READINGS}{EDITS}"), &[]) {
        let work = planned.work;
        // Gradients are a pass forth and back, for all rows of a prompt at once.
        let most = work.naive as f64 * if planned.kind == "attribution-patching" { 3.0 } else { 1.0 };
        let computed = work.forward_equivalents();
        assert!(computed > 0.0 && computed <= most, "{}: {computed} of {most}", planned.step);
        assert!(work.operations > 0, "{}", planned.step);
    }
}

/// A training has no model before it runs, and what it takes is counted all the same.
#[test]
fn a_step_without_a_model_is_planned_by_itself() {
    let training = "[[step]]\nname = \"train\"\nkind = \"train\"\nnumbers = 100\nlayers = 1\nd_model = 8\nheads = 2\nd_mlp = 8\n\
        steps = 20\nbatch = 8\noptimizer = { lr = 0.001 }\n";
    let sandbox = Sandbox::with(&format!("{HEAD}{training}"));
    let of = |steps: &str| {
        plan(&sandbox, &[&format!("step.train.steps={steps}")], |plan| {
            let variant = &plan.variants()[0];
            let [train] = variant.steps() else { panic!("one step") };
            assert!(train.models.is_empty());
            variant.workload_alone(train.step).unwrap().expect("it is timed").seconds
        })
    };
    assert!(of("20000") > of("20"));
}

/// Of each step it is said whether the store has it, and if not, why.
#[test]
fn what_the_store_has_is_foreseen() {
    let run_in_store = "[run]\nstore = \"mine\"\n";
    let sandbox = Sandbox::with(&format!("{HEAD}{READINGS}{run_in_store}"));
    let dir = format!("output.dir={}", sandbox.at("results").display());
    let foreseen = |sets: &[&str]| {
        plan(&sandbox, &[&[dir.as_str()], sets].concat(), |plan| {
            let (session, variant) = (Session::default(), &plan.variants()[0]);
            let store = session.store(plan.loaded()).expect("a store");
            let recall = Recall::new(variant.loaded(), variant.models(), &session, Some(&store)).unwrap();
            let each = forecast(variant, Some(&recall), &mut ForecastMemory::default()).unwrap();
            each.into_iter().map(|(step, forecast)| (step.step.name().to_string(), forecast)).collect::<Vec<_>>()
        })
    };
    let why = |forecast: &Forecast| match forecast {
        Forecast::Computed { why, left: 0 } => Some(why.clone()),
        _ => None,
    };
    let steps = ["answers", "lens", "direct", "acts"];
    let before = foreseen(&[]);
    assert_eq!(before.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>(), steps);
    assert!(before.iter().all(|(_, forecast)| why(forecast) == Some(Why::New)), "{before:?}");
    plan(&sandbox, &[&dir], |plan| {
        let options = RunOptions { progress: &Progress::quiet(), command: String::new() };
        execute(plan, &Session::default(), &options).unwrap();
    });
    let after = foreseen(&[]);
    assert!(after.iter().all(|(_, forecast)| matches!(forecast, Forecast::Stored { .. })), "{after:?}");
    let changed = foreseen(&["step.lens.sites=[\"2.resid_post\"]"]);
    let computed: Vec<&str> =
        changed.iter().filter(|(_, forecast)| why(forecast).is_some()).map(|(step, _)| step.as_str()).collect();
    assert_eq!(computed, ["lens"], "{changed:?}");
    let Some(Why::Changed { changes, unlike: None }) = why(&changed[1].1) else { panic!("{changed:?}") };
    assert_eq!(changes, ["sites [\"3.resid_post\"] → [\"2.resid_post\"]"]);
}

/// Which steps a run of the spec would resolve.
fn resolved(sandbox: &Sandbox, sets: &[&str], session: &Session) -> Vec<String> {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    let mut specs = Specs::read(&[sandbox.at("spec.toml")], &sets, true).unwrap();
    let plans = specs.plan_to_run(true, session).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let steps = plans[0].variants()[0].steps().iter();
    steps.filter(|step| !step.models.is_empty()).map(|step| step.step.name().to_string()).collect()
}

/// A run asks no model for what the store has; what is forced, or changed, is resolved as ever, with what it refuses.
#[test]
fn steps_in_the_store_are_not_resolved_again() {
    let sandbox = Sandbox::with(&format!("{HEAD}{READINGS}[run]\nstore = \"mine\"\n"));
    let dir = format!("output.dir={}", sandbox.at("results").display());
    let of = |sets: &[&str], force: Force| {
        resolved(&sandbox, &[&[dir.as_str()], sets].concat(), &Session::new(force, false))
    };
    let all = ["answers", "lens", "direct", "acts"];
    assert_eq!(of(&[], Force::Nothing), all);
    plan(&sandbox, &[&dir], |plan| {
        let options = RunOptions { progress: &Progress::quiet(), command: String::new() };
        execute(plan, &Session::default(), &options).unwrap();
    });
    assert!(of(&[], Force::Nothing).is_empty());
    assert_eq!(of(&[], Force::All), all);
    assert_eq!(of(&[], Force::Steps(vec!["lens".into()])), ["lens"]);
    assert_eq!(of(&["step.lens.sites=[\"2.resid_post\"]"], Force::Nothing), ["lens"]);
    assert_eq!(of(&["prompts.sample=4"], Force::Nothing), all);
    assert_eq!(resolved(&sandbox, &[&dir], &Session::new(Force::Nothing, true)), all);
    // A site that the model has not.
    let set = "step.lens.sites=[\"9.resid_post\"]".to_string();
    let mut specs = Specs::read(&[sandbox.at("spec.toml")], &[dir.clone(), set], true).unwrap();
    let refused = specs.plan_to_run(true, &Session::default()).map(drop).unwrap_err().render(false);
    assert!(refused.contains("9.resid_post"), "{refused}");
}

/// What is remembered of models is believed only as it was written.
#[test]
fn remembered_models_are_those_that_were_seen() {
    let sandbox = Sandbox::with(&format!("{HEAD}{READINGS}[run]\nstore = \"mine\"\n"));
    sandbox.run(&["run", "spec.toml"]).ok();
    let manifest = sandbox.read("results/spec/manifest.json");
    let memory = sandbox.read("mine/models.json");
    assert!(memory.contains("276416"), "{memory}");
    let report = |memory: &str| {
        sandbox.write("mine/models.json", memory);
        sandbox.run(&["run", "spec.toml", "--force=lens"]).ok();
        sandbox.read("results/spec/report.md")
    };
    for memory in [memory.clone(), memory.replace("276416", "276417"), "{}".into(), "nothing".into()] {
        let report = report(&memory);
        assert!(report.contains("276416 parameters") && !report.contains("276417"), "{report}");
    }
    assert!(manifest.contains("276416"));
}

/// Rows are shared by devices; forward passes, gradients and paths run on the first one.
#[test]
fn devices_divide_the_seconds_of_rows_and_of_nothing_else() {
    let facts = Model::load("builtin:arith").unwrap().facts().clone();
    let speed = Speed::of(&facts, &Device::flex(), DType::F32);
    let planned = planned(&format!("{HEAD}{READINGS}{EDITS}"), &[]);
    for Planned { step, work, .. } in &planned {
        let shares = ["heads", "neurons", "edits", "circuit"].contains(&step.as_str());
        let (shared, whole) = (work.shared, work.of_models());
        assert_eq!(shared.operations > 0, shares, "{step}");
        assert!(shared.operations <= whole.operations && shared.positions <= whole.positions, "{step}");
        let rows = Workload {
            positions: shared.positions,
            unembedded: shared.unembedded,
            operations: shared.operations,
            ..Workload::default()
        };
        let (alone, rows) = (speed.seconds(work), speed.seconds(&rows));
        for devices in [1, 2, 4] {
            let (found, saved) = (speed.of_each(devices).seconds(work), rows * (1.0 - 1.0 / devices as f64));
            assert!((found - (alone - saved)).abs() <= 1e-9 * alone, "{step} on {devices}: {found} s of {alone} s");
        }
    }
}

#[test]
fn a_device_that_is_listed_twice_is_no_faster() {
    let different = |list: &str| serde_json::from_str::<Devices>(list).unwrap().different();
    assert_eq!(different("\"gpu:1\""), 1);
    assert_eq!(different("[\"cpu\", \"cpu\"]"), 1);
    assert_eq!(different("[\"gpu:0\", \"gpu:1\", \"gpu:0\"]"), 2);
}

//! Every number in the README of the paper's results is in a table beside it: each claim is written here as it follows from
//! the tables, and must be there word by word.

use super::rows::{Results, Rows};

/// `.91`, `1.00`, `−.11`
fn share(decimals: usize, number: f64) -> String {
    // A half is rounded up, as readers do: 149 of 200 are .75.
    let text = format!("{:.decimals$}", number + number.signum() * 1e-9);
    let text = text.replacen("-", "−", 1);
    match text.strip_prefix("0.").or(text.strip_prefix("−0.")) {
        Some(digits) if text.starts_with('−') => format!("−.{digits}"),
        Some(digits) => format!(".{digits}"),
        None => text,
    }
}

fn two(number: f64) -> String {
    share(2, number)
}

fn each(numbers: &[f64], shown: impl Fn(f64) -> String) -> String {
    numbers.iter().map(|&number| shown(number)).collect::<Vec<_>>().join(" ")
}

fn whole(number: f64) -> String {
    number.to_string()
}

fn least(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Whatever the README does not say of these, all at once.
fn missing(results: &Results, claims: &[String]) {
    let readme = results.text("README.md");
    let missing: Vec<&String> = claims.iter().filter(|claim| !readme.contains(claim.as_str())).collect();
    assert!(missing.is_empty(), "the README does not say what the tables do:\n{missing:#?}");
}

/// The numbers of a note in a spec's report: those of `of 162 neurons`, in the order of the operators.
fn in_notes(results: &Results, spec: &str, before: &str, after: &str) -> Vec<String> {
    let report = results.text(&format!("{spec}/report.md"));
    let mut found = Vec::new();
    for note in report.split("template 'default', operator '").skip(1) {
        let end = note.find(after).unwrap_or_else(|| panic!("no '{after}' in {note}"));
        let start = note[..end].rfind(before).unwrap_or_else(|| panic!("no '{before}' in {note}")) + before.len();
        found.push(note[start..end].trim().to_string());
    }
    found.truncate(4);
    found
}

fn related(means: &Rows, operator: &str) -> [f64; 2] {
    ["related", "unrelated"]
        .map(|group| means.of(&[&format!("operator={operator}"), &format!("group={group}")]).number("accuracy"))
}

#[test]
fn of_the_built_in_model() {
    let results = Results::of("paper");
    let rows = |spec: &str, table: &str| results.rows(spec, table);
    let mut claims = Vec::new();
    let mut claim = |text: String| claims.push(text);

    let rates = rows("table03-accuracy", "rates").by_operator("rate");
    claim(format!("| {} (+ − × ÷), all legal prompts", each(&rates, |rate| share(3, rate))));

    let reads = rows("fig14-attention", "patterns_found").of(&["component=L0H1", "query=="]);
    let minus = rows("fig14-attention", "at_the_end").of(&["component=L0H1", "operator=-"]);
    let operator = reads.of(&["key=op"]).number("attention");
    claim(format!("L0H1 reads the operator ({}; for − {})", two(operator), two(minus.number("op"))));

    let cut = rows("appendix-b2-attention", "accuracy");
    let early: Vec<f64> = ["into_operator", "into_op2"]
        .iter()
        .flat_map(|edge| cut.of(&[&format!("intervention={edge}")]).numbers("mean"))
        .collect();
    claim(format!("accuracy falls to {} to {}", two(least(&early)), two(most(&early))));

    let heads = rows("table01-faithfulness", "circuits_found").by_operator("k");
    let [a, b, c, d] = heads.map(whole);
    let accuracy = rows("fig11-circuits", "accuracy");
    let then: Vec<f64> = ["+", "-", "*", "/"]
        .iter()
        .zip(heads)
        .map(|(operator, k)| accuracy.of(&[&format!("k={k}")]).number(operator))
        .collect();
    claim(format!("{a}, {b}, {c} and {d} of 16 heads for 95 % of the best; accuracy is then {}", each(&then, two)));

    let probes = rows("fig03-probes", "accuracy");
    let last = probes.of(&["position=="]).numbers("accuracy");
    let elsewhere: Vec<f64> = ["a", "op", "b"]
        .iter()
        .flat_map(|position| probes.of(&[&format!("position={position}")]).numbers("accuracy"))
        .collect();
    let (early, late) = last.split_at(last.len() - 1);
    claim(format!("{} {} over the layers at `=`", each(early, two), each(late, |rate| share(3, rate))));
    claim(format!("{} to {} elsewhere", two(least(&elsewhere)), two(most(&elsewhere))));

    let enough = rows("fig04-neurons", "enough").by_operator("k");
    let [first, .., final_one] = enough.map(|k| format!("{:.0}", 100.0 * k / 256.0));
    claim(format!("{} of 256 ({first} to {final_one} %) for 95 %", enough.map(whole).join(", ")));

    let agreement = rows("neuron-importance", "agreement_log");
    for layer in ["2", "3"] {
        let at = agreement.of(&[&format!("layer={layer}"), "k=50"]);
        let (rank, top) = (each(&at.by_operator("spearman"), two), each(&at.by_operator("overlap"), two));
        claim(format!("layer {layer}: rank correlation {rank}, {top} of the top 50"));
    }

    let first_mlp = rows("fig12-first-mlp", "faithfulness");
    let (some, none) = (first_mlp.of(&["k=16"]).by_operator("mean"), first_mlp.of(&["k=0"]).by_operator("mean"));
    claim(format!("16 of 256 give {}; at 0 it is {} to {}", each(&some, two), two(least(&none)), two(most(&none))));

    let overlap = rows("fig15-overlap", "iou");
    let shared: Vec<f64> = overlap.numbers("iou").into_iter().filter(|&iou| iou < 1.0).collect();
    let k = overlap.numbers("k")[0];
    let (low, high, chance) = (two(least(&shared)), two(most(&shared)), two(k / (512.0 - k)));
    claim(format!("{low} to {high} of the best {k} of each layer; by chance {chance}"));

    let classified = rows("fig05-heuristics", "classified").by_operator("share");
    let overall = rows("fig05-heuristics", "classified_overall");
    let percent = (100.0 * overall.number("share")).round();
    claim(format!("{percent} % ({}), n = {}", each(&classified, two), overall.number("n")));
    let direct = in_notes(&results, "fig05-heuristics", "; ", " neurons match a heuristic on the result");
    let control = in_notes(&results, "fig05-heuristics", "on the result, ", " would with their value vectors'");
    let [a, b, c, d] = [0, 1, 2, 3].map(|index| format!("{} of {}", control[index], direct[index]));
    claim(format!("{a} (+), {b} (−), {c} (×) and {d} (÷) would"));
    let indirect = in_notes(&results, "fig05-heuristics", "; ", " match one on operands");
    let disordered = in_notes(&results, "fig05-heuristics", "on operands, ", " would with their activations");
    claim(format!(
        "{} match one on operands; with their activations shuffled {}",
        indirect.join(", "),
        disordered.join(", ")
    ));

    let means = rows("fig07-knockout-by-heuristic", "means");
    let [plus, minus, times, over] = ["+", "-", "*", "/"].map(|operator| related(&means, operator).map(two));
    claim(format!(
        "+ {} against {}, − {} against {}; × {}, {} and ÷ {}, {}",
        plus[0], plus[1], minus[0], minus[1], times[0], times[1], over[0], over[1]
    ));

    let knocked = rows("fig08-knockout-by-prompt", "accuracy");
    let at = |operator: &str| -> [String; 2] {
        let of = |group: &str| knocked.of(&["k=25", &format!("operator={operator}"), &format!("group={group}")]);
        ["heuristics", "random"].map(|group| two(of(group).number("accuracy")))
    };
    let n = knocked.of(&["k=25", "operator=*", "group=random"]).number("n");
    let [plus, minus, times, over] = ["+", "-", "*", "/"].map(at);
    claim(format!(
        "+ {} against {}, − {} against {}, × {} against {} ({n} prompts); ÷ {} against {}",
        plus[0], plus[1], minus[0], minus[1], times[0], times[1], over[0], over[1]
    ));

    let pairs = rows("fig10-training", "pairs_shared");
    let at = |step: &str| each(&pairs.of(&[&format!("step={step}")]).by_operator("share"), two);
    claim(format!("{} at step 600, {} at 1600, {} at 2000", at("600"), at("1600"), at("2000")));
    let ratio = rows("fig10-training", "average_ratio").number("ratio");
    claim(format!("{} of the faithfulness of all its heuristic neurons", two(ratio)));

    let support = rows("fig09-failures", "supports").of(&["measure=logit"]);
    let of = |operator: &str, group: &str| {
        let row = support.of(&[&format!("operator={operator}"), &format!("group={group}")]);
        (two(row.number("mean")), row.number("n"))
    };
    let [plus, times, over] = ["+", "*", "/"].map(|operator| (of(operator, "incorrect"), of(operator, "correct")));
    claim(format!(
        "+ {} against {}, × {} against {}, but there are {} and {} failures; ÷ ({}) {} against {}",
        plus.0.0, plus.1.0, times.0.0, times.1.0, plus.0.1, times.0.1, over.0.1, over.0.0, over.1.0
    ));
    missing(&results, &claims);
}

#[test]
fn of_smollm2() {
    let results = Results::of("paper-smollm2");
    let rows = |spec: &str, table: &str| results.rows(spec, table);
    let mut claims = Vec::new();
    let rates = rows("table03-accuracy", "rates").of(&["decode=first-token"]).by_operator("rate");
    claims.push(format!("it answers {} after two worked examples", each(&rates, two)));
    let found = rows("table01-faithfulness", "circuits_found");
    let of = |operator: &str| found.of(&[&format!("operator={operator}")]);
    claims.push(format!(
        "{} heads of 270 for +, {} for × (faithfulness {} and {})",
        of("+").number("k"),
        of("*").number("k"),
        two(of("+").number("mean")),
        two(of("*").number("mean"))
    ));
    let classified = rows("fig05-heuristics", "classified").by_operator("share");
    claims.push(format!("{} of the ranked neurons match something", each(&classified, two)));
    let knocked = rows("fig08-knockout-by-prompt", "accuracy");
    let at = |operator: &str, group: &str| {
        let row = knocked.of(&["k=25", &format!("operator={operator}"), &format!("group={group}")]);
        two(row.number("accuracy"))
    };
    claims.push(format!(
        "{} against {} at random (+), {} against {} (−), 20 prompts each",
        at("+", "heuristics"),
        at("+", "random"),
        at("-", "heuristics"),
        at("-", "random")
    ));
    missing(&results, &claims);
}

//! Step `direction` on the built-in model.

use crate::intervene::spec::{Ran, ran, refused};
use crate::support::says;
use ablate::direction::{Directions, Subspace};

fn directions(ran: &Ran, step: &str) -> Directions {
    Directions::read(&ran.folder().join("directions").join(format!("{step}.safetensors"))).unwrap()
}

/// Rows of a measure: place, value, and the means of controls.
fn measured(ran: &Ran, step: &str, measure: &str) -> Vec<(String, f64, Option<f64>, Option<f64>)> {
    let measures = ran.texts(step, "measure");
    let [value, random, shuffled] = ["value", "random", "shuffled"].map(|name| ran.numbers(step, name));
    let [component, position] = ["component", "position"].map(|name| ran.texts(step, name));
    let of = |row: usize| {
        let place = format!("{}@{}", component[row].as_deref().unwrap(), position[row].as_deref().unwrap());
        (place, value[row].unwrap(), random[row], shuffled[row])
    };
    (0..measures.len()).filter(|&row| measures[row].as_deref() == Some(measure)).map(of).collect()
}

/// The rows of a capture have each position's own name: the last of these prompts is at "=".
fn own_name(position: &str) -> &str {
    if position == "last" { "=" } else { position }
}

fn orthonormal(subspace: &Subspace) {
    for (number, row) in subspace.rows().enumerate() {
        for (other, beside) in subspace.rows().enumerate() {
            let along: f64 = row.iter().zip(beside).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            assert!((along - f64::from(u8::from(number == other))).abs() < 1e-5);
        }
    }
}

/// The law: what is found of all prompts is the difference of the means of what a capture keeps.
#[test]
fn a_difference_of_means_is_that_of_the_captured_activations() {
    let ran = ran(r#"
[[step]]
name = "plus"
kind = "direction"
method = "difference-of-means"
sites = ["1.resid_post", "2.z[1]"]
positions = ["op", "last"]
of = { where = { operator = "+" } }
train = 1.0
controls = 5

[[step]]
name = "kept"
kind = "capture"
sites = ["1.resid_post", "2.z[1]"]
positions = ["op", "last"]
format = "rows"
"#);
    let found = directions(&ran, "plus");
    assert_eq!(found.subspaces.len(), 4);
    let kept = ran.rows("kept");
    let [operator, component, position] = ["operator", "component", "position"].map(|name| ran.texts("kept", name));
    let value = ran.numbers("kept", "value");
    let mut checked = 0;
    for subspace in &found.subspaces {
        assert_eq!((subspace.dimensions(), subspace.means.len()), (1, 2));
        let layer = if subspace.unit.is_some() { "L2H1" } else { "L1.hook_resid_post[" };
        let width = subspace.width();
        let mean = |wanted: &str| -> Vec<f64> {
            let of: Vec<usize> = (0..kept.height())
                .filter(|&row| {
                    operator[row].as_deref() == Some(wanted)
                        && position[row].as_deref() == Some(own_name(&subspace.position))
                        && component[row].as_deref().unwrap().starts_with(layer)
                })
                .collect();
            // The rows of a place are value by value, each on every prompt in turn.
            let prompts = of.len() / width;
            of.chunks_exact(prompts)
                .map(|rows| rows.iter().map(|&row| value[row].unwrap()).sum::<f64>() / prompts as f64)
                .collect()
        };
        let (plus, times) = (mean("+"), mean("*"));
        for index in 0..width {
            assert!((f64::from(subspace.vector[index]) - (plus[index] - times[index])).abs() < 1e-4);
            assert!((f64::from(subspace.means["of"][index]) - plus[index]).abs() < 1e-4);
            checked += 1;
        }
    }
    assert!(checked > 64);
    // At the operator its own token tells them apart: all of it, and by chance far less.
    let accuracies = measured(&ran, "plus", "accuracy");
    let at_operator = accuracies.iter().find(|(place, ..)| place == "L1.hook_resid_post@op").unwrap();
    assert_eq!(at_operator.1, 1.0);
    assert!(ran.texts("plus", "split").iter().all(|split| split.as_deref() == Some("train")));
}

#[test]
fn held_out_prompts_are_told_apart_and_shuffled_labels_are_not() {
    let ran = ran(r#"
[[step]]
name = "plus"
kind = "direction"
method = "difference-of-means"
sites = ["resid_post"]
minus = { where = { operator = "*" } }

[[step]]
name = "answers"
kind = "direction"
method = "mean"
by = "operator"
sites = ["3.resid_post"]

[[step]]
name = "read"
kind = "direction"
method = "probe"
of = { where = { operator = "+" } }
sites = ["1.resid_post"]
lr = 0.01
controls = 3
"#);
    let areas = measured(&ran, "plus", "auc");
    assert_eq!(areas.len(), 4);
    let (_, area, random, shuffled) = &areas[2];
    assert!(*area > 0.9, "{areas:?}");
    assert!(random.unwrap() < *area && shuffled.unwrap() < *area, "{areas:?}");
    assert_eq!(measured(&ran, "answers", "accuracy").len(), 1);
    let means = &directions(&ran, "answers").subspaces[0].means;
    assert_eq!(means.keys().map(String::as_str).collect::<Vec<_>>(), ["+", "*"]);
    assert!(measured(&ran, "read", "auc")[0].1 > 0.9);
    // 49 prompts of each operator, four fifths of them learned.
    assert_eq!(ran.numbers("plus", "made_of")[0], Some(78.0));
    assert_eq!(ran.numbers("plus", "n")[0], Some(20.0));
}

/// At the operator's embedding a class has one value: as many of both in each shuffled class, and these have the same mean, which is no direction.
#[test]
fn shuffled_classes_of_one_mean_are_no_draw() {
    // Twenty prompts of each operator are learned from, and about a quarter of their shuffles are even.
    let ran = ran(r#"
[[step]]
name = "plus"
kind = "direction"
method = "difference-of-means"
of = { where = { operator = "+" } }
sites = ["embed"]
positions = ["op"]
train = 0.4
controls = 40
"#);
    let (_, accuracy, _, shuffled) = measured(&ran, "plus", "accuracy").remove(0);
    assert_eq!(ran.numbers("plus", "made_of")[0], Some(40.0));
    assert_eq!(accuracy, 1.0);
    // Uneven shuffles have the direction of the operators, or its opposite: all of the other prompts are told apart rightly, or none.
    let shuffled = shuffled.unwrap();
    assert!(0.0 < shuffled && shuffled < 1.0, "{shuffled}");
}

#[test]
fn components_and_helices() {
    let ran = ran(r#"
[[step]]
name = "components"
kind = "direction"
method = "pca"
dimensions = 3
sites = ["1.resid_post"]

[[step]]
name = "helix"
kind = "direction"
method = "fourier"
number = "a"
positions = ["a"]
sites = ["embed"]
periods = [2, 5]
train = 1
"#);
    let found = directions(&ran, "components");
    orthonormal(&found.subspaces[0]);
    for row in found.subspaces[0].rows() {
        let largest = row
            .iter()
            .copied()
            .fold(0.0f32, |largest, value| if value.abs() > largest.abs() { value } else { largest });
        assert!(largest > 0.0);
    }
    let shares = measured(&ran, "components", "share");
    assert_eq!(shares.len(), 4);
    assert!((shares[..3].iter().map(|share| share.1).sum::<f64>() - shares[3].1).abs() < 1e-9);
    assert!(shares[0].1 > shares[0].2.unwrap(), "{shares:?}");

    orthonormal(&directions(&ran, "helix").subspaces[0]);
    // Four waves fit seven numbers in any order: four of the six dimensions that they span, on average.
    let (_, explained, _, shuffled) = measured(&ran, "helix", "r2").remove(0);
    let shuffled = shuffled.unwrap();
    assert!((0.5..0.8).contains(&shuffled) && explained < 1.0, "{explained} {shuffled}");
    // The numbers 2 to 8, of which each period and the number itself say something.
    assert_eq!(ran.rows("helix.points").height(), 7 * 3);
    let power: f64 = ran.numbers("helix.spectrum", "power").into_iter().flatten().sum();
    assert!((power - 1.0).abs() < 1e-9);
    assert_eq!(ran.rows("helix.spectrum").height(), 3);
}

/// The class that the other prompt names is, prompt by prompt, what the same class is where it is written out.
#[test]
fn the_other_prompts_number_is_written_from_the_helix() {
    let written = |number: i64| {
        format!(
            "  {{ name = \"{number}\", edits = [{{ site = \"0.resid_pre\", positions = [\"a\"], value = {{ class = \"{number}\", of = \"helix\" }} }}] }},\n"
        )
    };
    let each: String = (2..9).map(written).collect();
    let ran = ran(&format!(
        r#"
[[step]]
name = "helix"
kind = "direction"
method = "fourier"
number = "a"
positions = ["a"]
sites = ["0.resid_pre"]
periods = [5]
train = 1

[[step]]
name = "written"
kind = "intervention"
measures = ["normalized-logit-difference"]
control = {{ draws = 0 }}
per_prompt = true
interventions = [
{each}
  {{ name = "other", edits = [{{ site = "0.resid_pre", positions = ["a"], value = {{ class_of = "a", of = "helix" }} }}] }},
]
"#
    ));
    let means = &directions(&ran, "helix").subspaces[0].means;
    assert_eq!(means.keys().map(String::as_str).collect::<Vec<_>>(), ["2", "3", "4", "5", "6", "7", "8"]);
    let [names, texts] = ["intervention", "text"].map(|column| ran.texts("written.prompts", column));
    let values = ran.numbers("written.prompts", "value");
    let value = |name: &str, text: &str| {
        let at =
            (0..names.len()).find(|&row| names[row].as_deref() == Some(name) && texts[row].as_deref() == Some(text));
        values[at.unwrap()].unwrap()
    };
    let [clean, other] = ["text", "other_text"].map(|column| ran.texts("written.pairs", column));
    assert!(clean.len() > 90);
    for (clean, other) in clean.iter().flatten().zip(other.iter().flatten()) {
        assert_eq!(value("other", clean), value(&other[..1], clean), "{clean} {other}");
    }
    let largest = clean.iter().flatten().map(|text| value("other", text)).fold(0.0, f64::max);
    assert!(largest > 0.1, "{largest}");
}

/// After the last block the last position decides alone: what is exchanged there is the answer, and a subspace of few dimensions that is
/// learned gives more of it than a random one.
#[test]
fn a_subspace_that_is_learned_exchanges_the_answer() {
    let ran = ran(r#"
[[step]]
name = "answer"
kind = "direction"
method = "das"
dimensions = 8
sites = ["3.resid_post"]
epochs = 15
lr = 0.02
controls = 4
"#);
    orthonormal(&directions(&ran, "answer").subspaces[0]);
    let (_, learned, random, _) = measured(&ran, "answer", "interchange-accuracy").remove(0);
    let whole = measured(&ran, "answer", "patched-accuracy")[0].1;
    assert!(whole > 0.8, "{whole}");
    assert!(learned > random.unwrap() + 0.2, "{learned} {random:?}");
    assert!(ran.rows("answer.pairs").height() > 90);
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let with = |keys: &str| refused(&format!("[[step]]\nname = \"d\"\nkind = \"direction\"\n{keys}\n"));
    says(with("method = \"difference-of-means\""), ["needs 'of' or 'minus'"]);
    says(with("method = \"pca\"\nnumber = \"a\""), ["'number' has no effect in this step"]);
    says(with("method = \"fourier\""), ["needs the column with the number"]);
    says(with("method = \"fourier\"\nnumber = \"a\"\nperiods = []\ndegree = 0"), ["nothing would be fitted"]);
    says(with("method = \"pca\"\npositions = [\"all\"]"), ["a direction is found at one position"]);
    says(with("method = \"mean\"\nby = \"colour\""), ["no column 'colour'"]);
    says(
        with("method = \"difference-of-means\"\nof = { where = { a = 2 } }\nminus = { where = { b = 2 } }"),
        ["is in both 'of' and 'minus'"],
    );
    says(with("method = \"mean\"\nof = { where = { a = 77 } }"), ["no prompt of class 'of'"]);
    // "=" has one embedding, and the operator's has, of each number, as many of the one as of the other.
    for position in ["last", "op"] {
        let helix = format!(
            "method = \"fourier\"\nnumber = \"a\"\nsites = [\"embed\"]\npositions = [\"{position}\"]\ntrain = 1"
        );
        says(with(&helix), ["the activations do not vary with the number"]);
    }
    let class_of = |column: &str| {
        let helix = "method = \"fourier\"\nnumber = \"a\"\npositions = [\"a\"]\nsites = [\"1.resid_post\"]";
        let value = format!("{{ class_of = \"{column}\", of = \"d\" }}");
        let edits = format!("[{{ site = \"1.resid_post\", positions = [\"a\"], value = {value} }}]");
        with(&format!(
            "{helix}\n[[step]]\nname = \"e\"\nkind = \"intervention\"\ninterventions = [{{ name = \"i\", edits = {edits} }}]"
        ))
    };
    says(class_of("colour"), ["prompts have no column 'colour'"]);
    says(class_of("op"), ["has no class", "its classes are '2', '3'"]);
    let sum = "0".repeat(64);
    says(
        with(&format!("method = \"file\"\nfile = {{ path = \"none.safetensors\", sha256 = \"{sum}\" }}")),
        ["none.safetensors"],
    );
}

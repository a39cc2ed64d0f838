//! `docs/gallery.md`: made from the specs in `experiments/` and the pictures in `results/`.

use crate::support::{files_below, repository};
use ablate::reference::{TopicKind, topics};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const HEAD: &str = "\
# Gallery

Pictures that specs have made, each with the lines of its spec that draw it. First [the kinds of figure](#kinds-of-figure), then [the experiments](#experiments). What the keys mean is in
[tables and figures](figures.md); `ablate new mine --from NAME` copies a spec for you to change.

<!-- made from experiments/ and results/: ABLATE_UPDATE_SCHEMA=1 cargo test --release -- checked_in -->
";

/// Of each kind of figure the results and the figure that show it.
const KINDS: [(&str, &str, &str); 5] = [
    ("heatmap", "induction/induction", "prefix_matching"),
    ("heatmap-grid", "quickstart", "errors"),
    ("lines", "paper/fig11-circuits", "accuracy"),
    ("bars", "ioi-smollm2", "attention"),
    ("scatter", "induction/induction", "matching_and_copying"),
];

/// The beginnings of names of results, with what these experiments ask.
const EXPERIMENTS: [(&str, &str, &str); 10] = [
    (
        "ioi-",
        "Indirect objects",
        "Which heads carry a name to the end of a sentence? [The guide](guide-ioi.md) builds the first of these specs line by line.",
    ),
    (
        "greater-than/",
        "Greater-than",
        "Which years does the model write after *The war lasted from the year 1745 to the year 17*? [What it shows](../experiments/greater-than/README.md).",
    ),
    (
        "causal-tracing/",
        "Causal tracing of facts",
        "Where is a fact read from? [What it shows](../experiments/causal-tracing/README.md).",
    ),
    (
        "induction/",
        "Induction heads",
        "Which heads look at what followed the same word before? [What it shows](../experiments/induction/README.md).",
    ),
    (
        "language-direction/",
        "The language of an answer",
        "Is one direction enough to turn English answers into French ones? [What it shows](../experiments/language-direction/README.md).",
    ),
    (
        "helix/",
        "Numbers on a helix",
        "Does the model hold numbers as a line and circles? [What it shows](../experiments/helix/README.md).",
    ),
    (
        "modular-addition/",
        "Modular addition",
        "Which frequencies does a transformer use that was trained on sums modulo 59? [What it shows](../experiments/modular-addition/README.md).",
    ),
    (
        "paper/",
        "A bag of heuristics",
        "Every figure of *Arithmetic Without Algorithms*, on the built-in model. [What it shows](../results/paper/README.md).",
    ),
    ("quickstart", "Accuracy of models on arithmetic", "How often is the model right, and on which problems?"),
    ("", "Other specs", "Several methods in one spec, variants of one spec, and the training of the built-in model."),
];

/// The figure that is shown of an experiment, where it is not the first one of its spec.
const SHOWN: [(&str, &str); 12] = [
    ("ioi-smollm2", "streams"),
    ("ioi-gemma3", "streams"),
    ("greater-than/decade", "probabilities"),
    ("greater-than/year", "probabilities"),
    ("induction/induction", "prefix_matching"),
    ("language-direction/language", "sweep"),
    ("helix/addition", "explained"),
    ("helix/digits", "explained"),
    ("quickstart", "errors"),
    ("paper/fig05-heuristics", "types"),
    ("paper/fig07-knockout-by-heuristic", "means"),
    ("sweep", "heads"),
];

/// A run whose results are kept.
struct Run {
    title: String,
    command: String,
    /// Its spec and what that extends, the spec first.
    specs: Vec<String>,
}

/// Every run with figures, by its folder below `results/`, but for those of the paper's specs on other models.
fn runs() -> BTreeMap<String, Run> {
    let root = repository("results");
    let mut runs = BTreeMap::new();
    for path in files_below(&root).into_iter().filter(|path| path.ends_with("manifest.json")) {
        let folder = path.parent().expect("a folder");
        let name = folder.strip_prefix(&root).expect("below it").to_string_lossy().replace('\\', "/");
        if name.starts_with("paper-") || !folder.join("figures").is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a manifest");
        let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
        let specs = manifest["spec"]["files"].as_array().expect("files of the spec").iter();
        let specs = specs.filter(|file| file["role"] != "profile").map(|file| text(&file["path"])).collect();
        runs.insert(name, Run { title: text(&manifest["title"]), command: text(&manifest["command"]), specs });
    }
    runs
}

impl Run {
    /// The names of the figures that its files write, in their order.
    fn figures(&self) -> Vec<String> {
        let text: String =
            self.specs.iter().map(|spec| fs::read_to_string(repository(spec)).expect("a spec")).collect();
        let blocks = text.split("[[figure]]\n").skip(1);
        blocks.filter_map(|block| block.lines().next()?.split('"').nth(1).map(str::to_string)).collect()
    }

    /// The lines that draw a figure, and the file they are in.
    fn drawn_by(&self, figure: &str) -> (String, &str) {
        for spec in &self.specs {
            let text = fs::read_to_string(repository(spec)).expect("a spec");
            for block in text.split("[[figure]]\n").skip(1) {
                if block.lines().next().is_some_and(|name| name.split('"').nth(1) == Some(figure)) {
                    let own = block.lines().take_while(|line| !line.starts_with('[') && !line.starts_with('#'));
                    let own = own.collect::<Vec<_>>().join("\n");
                    return (format!("[[figure]]\n{}\n", own.trim_end()), spec);
                }
            }
        }
        panic!("no figure '{figure}' in {:?}", self.specs)
    }
}

/// A picture and the lines that draw it.
fn shown(text: &mut String, results: &str, run: &Run, figure: &str) {
    let picture = format!("results/{results}/figures/{figure}.svg");
    assert!(repository(&picture).is_file(), "no {picture}");
    let (lines, spec) = run.drawn_by(figure);
    let _ = write!(
        text,
        "\n![{}: {figure}](../{picture})\n\n```toml\n{lines}```\n\nSpec [`{spec}`](../{spec}), [report](../results/{results}/report.md), `{}`.\n",
        run.title, run.command
    );
}

fn gallery() -> String {
    let runs = runs();
    let mut text = format!("{HEAD}\n## Kinds of figure\n");
    for topic in topics().iter().filter(|topic| topic.group == TopicKind::Figure) {
        let example = KINDS.iter().find(|(kind, ..)| *kind == topic.name);
        let (_, results, figure) = example.unwrap_or_else(|| panic!("no picture of the kind '{}'", topic.name));
        let _ = write!(text, "\n### {}\n\n{}\n", topic.name, topic.about.summary);
        shown(&mut text, results, &runs[*results], figure);
    }
    text += "\n## Experiments\n";
    let mut left: Vec<&String> = runs.keys().collect();
    for (beginning, title, about) in EXPERIMENTS {
        let (these, others) = left.into_iter().partition(|name| name.starts_with(beginning));
        left = others;
        let _ = write!(text, "\n### {title}\n\n{about}\n");
        let these: Vec<&String> = these;
        for name in these {
            let run = &runs[name];
            let first = || run.figures().first().cloned().unwrap_or_else(|| panic!("no figure in {:?}", run.specs));
            let figure = SHOWN.iter().find(|(of, _)| of == name).map_or_else(first, |(_, figure)| figure.to_string());
            let _ = write!(text, "\n#### {}\n", run.title);
            shown(&mut text, name, run, &figure);
        }
    }
    text
}

#[test]
fn the_gallery_checked_in_is_current() {
    let path = repository("docs/gallery.md");
    let current = gallery();
    if std::env::var_os("ABLATE_UPDATE_SCHEMA").is_some() {
        fs::write(&path, &current).expect("the page is written");
    }
    let stored = fs::read_to_string(Path::new(&path)).unwrap_or_default();
    assert!(stored == current, "write it anew: ABLATE_UPDATE_SCHEMA=1 cargo test --release -- checked_in");
}

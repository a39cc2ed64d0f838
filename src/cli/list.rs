//! `ablate list`: what there is, one line each.

use crate::Error;
use crate::model::gguf;
use crate::model::source::ModelSource;
use crate::reference::{TopicKind, named};
use clap::{Args, ValueEnum};
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate list steps
  ablate list specs     # for `ablate new NAME --from SPEC`
  ablate list models    # the built-in one, the families, and what is in the folder models/

`ablate explain NAME` says more about each.")]
pub(super) struct ListArguments {
    /// What to list. Left out: print how many of each there are
    #[arg(value_enum)]
    what: Option<What>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Steps,
    Figures,
    Measures,
    Hooks,
    Models,
    Operators,
    Specs,
    Tables,
}

impl What {
    fn group(self) -> TopicKind {
        match self {
            What::Steps => TopicKind::Step,
            What::Figures => TopicKind::Figure,
            What::Measures => TopicKind::Measure,
            What::Hooks => TopicKind::Hook,
            What::Models => TopicKind::Model,
            What::Operators => TopicKind::Operator,
            What::Specs => TopicKind::Spec,
            What::Tables => TopicKind::Table,
        }
    }
}

pub(super) fn run(arguments: ListArguments) -> Result<(), Error> {
    let Some(what) = arguments.what else { return super::print::print(&aligned(&counts())) };
    let mut lines: Vec<(String, String)> = Vec::new();
    for (name, topics) in named(what.group()) {
        let Some(topic) = topics.first() else { continue };
        let about = topic.about.line().replace('`', "");
        let about = match (what, topic.facts.first()) {
            (What::Hooks, Some((_, shape))) => format!("{shape}  {about}"),
            // The first meaning; `explain` has all.
            _ => about,
        };
        lines.push((name.to_string(), about));
    }
    if let What::Models = what {
        let architectures = gguf::architectures().collect::<Vec<_>>().join(", ");
        lines.push(("*.gguf".into(), format!("a file of one of the architectures {architectures}")));
        lines.push((
            "hf:OWNER/NAME".into(),
            "a model of these families on the Hugging Face hub, or in its cache".into(),
        ));
        lines.push(("random:CONFIG.json#SEED".into(), "random weights for a configuration".into()));
        lines.extend(here(Path::new("models")));
    }
    super::print::print(&aligned(&lines))
}

/// What can be listed, how many there are, and the first of them.
fn counts() -> Vec<(String, String)> {
    let line = |what: &What| {
        let name = what.to_possible_value()?.get_name().to_string();
        let all = named(what.group());
        let first: Vec<&str> = all.keys().copied().take(3).collect();
        Some((name, format!("{:>3}  {}, …", all.len(), first.join(", "))))
    };
    What::value_variants().iter().filter_map(line).collect()
}

/// Models that lie in a folder: GGUF files, and folders with a configuration.
fn here(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let model = |path: PathBuf| {
        let about = match ModelSource::parse(&path.to_string_lossy(), Path::new(""), None).ok()? {
            ModelSource::Gguf(file) => {
                let size = std::fs::metadata(file).map_or(0, |about| about.len());
                format!("here: a GGUF file of {:.0} MB", size as f64 / 1e6)
            }
            ModelSource::Folder(_) => "here: a Hugging Face folder".into(),
            _ => return None,
        };
        Some((path.display().to_string(), about))
    };
    paths.into_iter().filter_map(model).collect()
}

fn aligned(lines: &[(String, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, about) in lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:width$}  {about}");
    }
    text
}

//! `ablate new`: a spec to start from.

use super::names::NameParser;
use crate::model::{Card, Lookup, Model};
use crate::spec::{self, Loaded, Origin};
use crate::{Error, bundled, check, reference};
use clap::Args;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate new mine                                     # mine.toml, on the built-in model
  ablate new mine --model models/SmolLM2-135M-Instruct.Q4_1.gguf
  ablate new names --words --model models/SmolLM2-135M-Instruct.Q4_1.gguf   # on sentences
  ablate new heads --from paper/fig02                 # a copy of a paper's spec, in one file
  ablate new experiments/other --from mine.toml       # a copy of yours, in one file

`ablate list specs` lists the specs that come with the program. The new file explains each
key where it first occurs. No file is overwritten.")]
pub(super) struct NewArguments {
    /// Name of the experiment, or the path of the file to write: `mine` writes mine.toml
    name: PathBuf,
    /// Spec to copy, with the files that it extends: one of `ablate list specs`, or a file
    #[arg(long, value_name = "SPEC", default_value = STARTER, value_parser = NameParser(names), hide_possible_values = true)]
    from: String,
    /// Start from sentences with slots, and words that fill them, instead of sums; needs --model
    #[arg(long, conflicts_with = "from")]
    words: bool,
    /// Model to run on: a folder, a .gguf file, hf:owner/name, … Left out: that of the spec that is copied
    #[arg(long, value_name = "SOURCE")]
    model: Option<String>,
}

/// The spec that is copied where none is named.
const STARTER: &str = "starter";

/// That on sentences.
const OF_WORDS: &str = "starter-words";

impl NewArguments {
    /// The spec to copy.
    fn from(&self) -> &str {
        if self.words { OF_WORDS } else { &self.from }
    }
}

fn names() -> Vec<&'static str> {
    bundled::specs().map(|(name, _)| name).collect()
}

pub(super) fn run(arguments: NewArguments) -> Result<(), Error> {
    let path = file(&arguments.name)?;
    let about = path.display().to_string();
    let unpacked = tempfile::tempdir().map_err(Error::failed("a temporary folder"))?;
    // A folder of this name: paths in these specs then start where they do in the repository.
    let (from, name) = original(arguments.from(), &unpacked.path().join("experiments"))?;
    let sets = sets(&arguments)?;
    let loaded = settled(&from, &sets, arguments.model.is_some())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let moved = |origin: &Origin, source: &str| moved(origin, source, unpacked.path(), folder);
    let text = loaded.to_one_file(&reference::sentence, &moved);
    let text = format!("{}\n{text}", head(&path, &name, &loaded));
    std::fs::create_dir_all(folder).map_err(Error::failed(&about))?;
    let mut file = std::fs::File::create_new(&path).map_err(Error::failed(&about))?;
    file.write_all(text.as_bytes()).map_err(Error::failed(&about))?;
    super::print::print(&format!("{about} written; run it: ablate run {}\n", super::print::quoted(&about)))
}

/// The file to write.
fn file(name: &Path) -> Result<PathBuf, Error> {
    let about = name.display().to_string();
    let Some(own) = name.file_name().map(|own| own.to_string_lossy()) else {
        return Err(Error::refused(format!("'{about}'"))("this is not the name of a file; write `ablate new mine`"));
    };
    // What stands behind another point in a name is part of it.
    let path = if own.ends_with(".toml") { name.to_path_buf() } else { name.with_file_name(format!("{own}.toml")) };
    match path.exists() {
        true => Err(Error::refused(path.display())("this file exists already; write another name, or remove it first")),
        false => Ok(path),
    }
}

/// The spec to copy, as a file, and the name it goes by.
fn original(from: &str, folder: &Path) -> Result<(PathBuf, String), Error> {
    if Path::new(from).is_file() {
        return Ok((PathBuf::from(from), from.to_string()));
    }
    let name = bundled::find(from).map_err(Error::refused("--from"))?;
    Ok((bundled::unpack(name, folder).map_err(Error::failed(folder.display()))?, name.to_string()))
}

/// What is laid over the copied spec: the model, and of the starter what the model asks for.
fn sets(arguments: &NewArguments) -> Result<Vec<String>, Error> {
    let Some(source) = &arguments.model else {
        return match arguments.words {
            true => Err(no_words("no built-in model knows words")),
            false => Ok(Vec::new()),
        };
    };
    let mut sets = vec![format!("model.source={}", toml::Value::String(source.clone()))];
    match arguments.from() {
        STARTER => sets.extend(for_model(&card(source)?)),
        OF_WORDS => sets.extend(for_words(&card(source)?)?),
        _ => {}
    }
    Ok(sets)
}

fn no_words(problem: &str) -> Error {
    let advice =
        "write --model models/SmolLM2-135M-Instruct.Q4_1.gguf (scripts/fetch-smollm2.sh), or --model hf:OWNER/NAME";
    Error::refused("--words")(format!("{problem}; {advice}"))
}

/// Fewer runs on a model of usual size.
fn for_words(card: &Card) -> Result<Vec<String>, Error> {
    if card.facts.family == "ablate" {
        return Err(no_words("the built-in model knows only numbers"));
    }
    let sets: &[&str] = if is_small(card) { &[] } else { &["step.effects.positions=[\"last\"]"] };
    Ok(sets.iter().map(ToString::to_string).collect())
}

/// A model of usual size has hundreds of components, or few with many weights: a first run of it is a minute and not an hour.
fn is_small(card: &Card) -> bool {
    card.facts.n_layers * (card.facts.n_heads + 1) < 100 && card.parameters < 100_000_000
}

/// Operands that are one token each, and examples for a model that was not trained on bare sums.
fn for_model(card: &Card) -> Vec<String> {
    let sets: &[&str] = match card.largest_single_token_integer {
        _ if card.facts.family == "ablate" => &[],
        Some(largest) if largest < 99 => &[
            "prompts.template=\"{a} {op} {b} = \"",
            "prompts.operands={ a = \"0..10\", b = \"0..10\" }",
            "prompts.shots=[{ a = 5, op = \"+\", b = 3 }, { a = 7, op = \"-\", b = 3 }]",
        ],
        _ => &["prompts.shots=[{ a = 25, op = \"+\", b = 13 }, { a = 37, op = \"-\", b = 13 }]"],
    };
    let few: &[&str] = match is_small(card) {
        true => &[],
        false => &["prompt_sets.solved.sample=20", "step.effects.positions=[\"last\"]"],
    };
    sets.iter().chain(few).map(ToString::to_string).collect()
}

fn card(source: &str) -> Result<Card, Error> {
    let model = spec::Model::of(source);
    let here = Lookup { base: Path::new(""), checkpoint: None, quiet: false };
    Model::card(&model, here).map_err(Error::refused(format!("model '{source}'")))
}

/// The spec with the profile of its model, where that is a known one. A spec whose own model is not here is copied as it is.
fn settled(path: &Path, sets: &[String], asked: bool) -> Result<Loaded, Error> {
    let loaded = spec::load(path, sets, std::iter::empty())?;
    match check::with_profile(&loaded, true) {
        Err(Error::Interrupted(interrupted)) => Err(interrupted.into()),
        Err(error) if asked => Err(error),
        Err(_) => Ok(loaded),
        Ok(settled) => Ok(settled),
    }
}

/// Comments that say where the file is from.
fn head(path: &Path, from: &str, loaded: &Loaded) -> String {
    let known = loaded.recognised().map(|known| format!(", with the settings for {}", known.name)).unwrap_or_default();
    let copy =
        if [STARTER, OF_WORDS].contains(&from) { String::new() } else { format!("# A copy of {from}{known}.\n") };
    let run = super::print::quoted(&path.display().to_string());
    format!("{copy}# Run it: ablate run {run}\n# More about a key, a kind of step, a measure: ablate explain NAME\n")
}

/// A model's source for a file in another folder.
fn moved(origin: &Origin, source: &str, unpacked: &Path, folder: &Path) -> String {
    let (scheme, path, rest) = match source.split_once(':') {
        Some(("random", rest)) => match rest.rsplit_once('#') {
            Some((path, seed)) => ("random:", path, format!("#{seed}")),
            None => ("random:", rest, String::new()),
        },
        Some((scheme, _)) if !scheme.contains(['/', '\\', '.']) => return source.to_string(),
        _ => ("", source, String::new()),
    };
    let base = match origin {
        Origin::File { source, .. } => source.directory(),
        _ => Path::new(""),
    };
    if Path::new(path).is_absolute() {
        return source.to_string();
    }
    let whole = spec::normal(&base.join(path));
    let whole = whole.strip_prefix(unpacked).unwrap_or(&whole);
    format!("{scheme}{}{rest}", relative(whole, folder).display())
}

/// The way to a path from a folder.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let (Ok(path), Ok(folder)) = (std::path::absolute(path), std::path::absolute(Path::new(".").join(folder))) else {
        return path.to_path_buf();
    };
    let (path, folder) = (spec::normal(&path), spec::normal(&folder));
    let (to, from): (Vec<Component>, Vec<Component>) = (path.components().collect(), folder.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.iter().skip(shared).copied()).collect()
}

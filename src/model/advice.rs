//! What to write instead of a source that is no model.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::builtin;
use super::content::{self, FileContent};

/// Names without an owner that the hub's own libraries know, and where the models are.
const OLD_NAMES: [(&str, &str); 5] = [
    ("gpt2", "openai-community/gpt2"),
    ("gpt2-medium", "openai-community/gpt2-medium"),
    ("gpt2-large", "openai-community/gpt2-large"),
    ("gpt2-xl", "openai-community/gpt2-xl"),
    ("distilgpt2", "distilbert/distilgpt2"),
];

/// The model of an old name without an owner.
pub(super) fn of_old_name(name: &str) -> Option<&'static str> {
    OLD_NAMES.iter().find(|(old, _)| old.eq_ignore_ascii_case(name)).map(|(_, known)| *known)
}

/// The model that an address at the hub is of; `rest` is what comes after its scheme.
pub(super) fn of_address(rest: &str) -> Option<String> {
    let path = rest.strip_prefix("//")?.strip_prefix("huggingface.co/")?;
    let mut parts = path.split(['/', '?', '#']).filter(|part| !part.is_empty());
    let (owner, model) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{model}"))
}

/// The folder from which a path that leads nowhere was looked for: sources in a spec start from the spec's folder, those of a command
/// line from the current one.
pub(super) fn looked_from(text: &str, base: &Path) -> String {
    match base.to_str() {
        _ if Path::new(text).is_absolute() => "this machine".into(),
        _ if text.starts_with("~/") && std::env::var_os("HOME").is_some() => "your home folder".into(),
        Some("" | ".") => "the current folder".into(),
        _ => format!("the spec's folder, '{}',", base.display()),
    }
}

/// The subfolders of a model's folder that hold models, after a semicolon; empty where there is none.
pub(super) fn checkpoints(folder: &Path) -> String {
    const SHOWN: usize = 8;
    let Ok(entries) = fs::read_dir(folder) else { return String::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("config.json").is_file())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("; write one of {}", names.join(", ")),
        (false, _) => format!("; write one of {} (and {more} more)", names.join(", ")),
    }
}

/// For a path that leads nowhere, after a semicolon; empty where nothing is known.
pub(super) fn for_missing(text: &str, base: &Path) -> String {
    let expanded = text.starts_with("~/") && std::env::var_os("HOME").is_some();
    if text.starts_with('~') && !expanded {
        return "; the shell replaces '~' only at the start of a word: write the whole path".into();
    }
    if Path::new(text).is_relative() && !base.as_os_str().is_empty() && Path::new(text).exists() {
        let there = from(base, Path::new(text));
        return format!(
            "; it is in the current folder, but paths in a spec start from the spec's folder: write \"{}\"",
            there.display()
        );
    }
    let (name, revision) = text.split_once('@').map_or((text, ""), |(name, _)| (name, &text[name.len()..]));
    if let Some(known) = of_old_name(name) {
        return format!("; write hf:{known}{revision}");
    }
    if builtin::described().any(|(source, _)| source == format!("builtin:{name}")) {
        return format!("; write builtin:{name}");
    }
    let plain = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
    };
    match name.split_once('/') {
        Some((owner, model)) if plain(owner) && plain(model) && !model.ends_with(".gguf") => {
            format!("; for a model of that name on the Hugging Face hub, write hf:{text}")
        }
        _ => String::new(),
    }
}

/// For a file that is no model by itself, after a colon; empty where nothing is known.
pub(super) fn for_file(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = folder.join("config.json").is_file();
    match content::of(path) {
        Some(FileContent::LfsPointer | FileContent::Page) => {
            content::misnamed(path).map(|told| format!(": it is {told}")).unwrap_or_default()
        }
        _ if whole => format!("; give the folder, '{}'", folder.display()),
        Some(FileContent::Safetensors | FileContent::Zip | FileContent::Pickle) => {
            ": it holds weights only; give a folder that has config.json and the tokenizer's files beside them".into()
        }
        _ => String::new(),
    }
}

/// What a folder without a config.json is, and what to do.
pub(super) fn for_folder(folder: &Path) -> Option<String> {
    if let Some(adapter) = adapter(folder) {
        return Some(adapter);
    }
    let entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let named = |wanted: &dyn Fn(&Path) -> bool| {
        let mut names: Vec<String> = entries
            .iter()
            .filter(|path| wanted(path))
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        names.sort();
        names
    };
    let files = named(&|path| path.extension().is_some_and(|extension| extension == "gguf"));
    if let Some(first) = files.first() {
        let path = folder.join(first);
        return Some(format!(
            "this folder holds GGUF files and no config.json: give one of the files, such as '{}'",
            path.display()
        ));
    }
    let folders = named(&|path| path.join("config.json").is_file());
    if let Some(first) = folders.first() {
        let path = folder.join(first);
        return Some(format!(
            "config.json is not here, but in {} of its subfolders: give one of them, such as '{}'",
            folders.len(),
            path.display()
        ));
    }
    None
}

/// What to do with a folder that holds an adapter and no weights.
pub(super) fn adapter(folder: &Path) -> Option<String> {
    let settings = fs::read(folder.join("adapter_config.json")).ok()?;
    let settings: serde_json::Value = serde_json::from_slice(&settings).unwrap_or_default();
    let kind = settings.get("peft_type").and_then(|kind| kind.as_str()).unwrap_or("PEFT");
    let base = settings.get("base_model_name_or_path").and_then(|base| base.as_str());
    let of = base.map(|base| format!(" of '{base}'")).unwrap_or_default();
    Some(format!(
        "this is an adapter ({kind}){of} and not a model: merge it into its base model first (peft: \
         AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload().save_pretrained(other)), and give that folder"
    ))
}

/// `target`, which is relative to the current folder, as a path that is relative to `base`.
fn from(base: &Path, target: &Path) -> PathBuf {
    let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (base, target) = (absolute(base), absolute(target));
    let common = base.components().zip(target.components()).take_while(|(a, b)| a == b).count();
    let up = base.components().skip(common).map(|_| Component::ParentDir);
    up.chain(target.components().skip(common)).collect()
}

//! The crate's files and what each takes from others, read from their `use` lines and paths.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module's path below the crate: `["store", "key"]`.
pub type Module = Vec<String>;

/// One file of `src/`.
pub struct Source {
    pub module: Module,
    /// The first paragraph of its `//!` comment, empty where it has none.
    pub about: String,
    /// The names of the types that it defines.
    pub types: Vec<String>,
    /// What it imports or names, as it is written, and whether it hands that on (`pub use`).
    paths: Vec<(Vec<String>, bool)>,
}

impl Source {
    /// The room that it is in: its folder below `src/`, or itself.
    pub fn room(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }
}

/// All files of the library.
pub struct Sources(BTreeMap<Module, Source>);

impl Sources {
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        collect(&root, &mut files);
        let source = |file: PathBuf| {
            let text = std::fs::read_to_string(&file).unwrap();
            let module = module(file.strip_prefix(&root).unwrap());
            let about = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
            let about = about.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
            let tokens = tokens(&text);
            let (types, paths) = (types(&tokens), paths(&tokens));
            (module.clone(), Source { module, about, types, paths })
        };
        Self(files.into_iter().filter(|file| !file.ends_with("main.rs")).map(source).collect())
    }

    pub fn each(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    /// The files that each takes something from; what a door hands on counts for who takes it there, not for the door.
    pub fn takes(&self) -> BTreeMap<&Module, BTreeSet<&Module>> {
        let of = |source: &Source| -> BTreeSet<&Module> {
            let used = source.paths.iter().filter(|(_, handed_on)| !handed_on).map(|(path, _)| path);
            let found = used.filter_map(|path| self.defined(&absolute(source, path, self)?, 0));
            let found = found.filter_map(|module| self.0.get_key_value(&module).map(|(module, _)| module));
            found.filter(|module| **module != source.module).collect()
        };
        self.0.iter().map(|(module, source)| (module, of(source))).collect()
    }

    /// The file that has what a path names, doors followed.
    fn defined(&self, path: &[String], depth: usize) -> Option<Module> {
        let length = (0..=path.len()).rev().find(|&length| self.0.contains_key(&path[..length]))?;
        let (module, rest) = path.split_at(length);
        let source = &self.0[module];
        let Some(name) = rest.first().filter(|_| depth < 9) else { return Some(module.to_vec()) };
        let hands_on = |(other, _): &&(Vec<String>, bool)| other.last() == Some(name) && other.len() > 1;
        match source.paths.iter().find(hands_on).and_then(|(other, _)| absolute(source, other, self)) {
            Some(other) if other != path => self.defined(&other, depth + 1),
            _ => Some(module.to_vec()),
        }
    }
}

/// A path from the crate's root; none where it is of another crate.
fn absolute(source: &Source, path: &[String], sources: &Sources) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut module = source.module.clone();
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([module, rest.to_vec()].concat()),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            module.truncate(module.len().checked_sub(up)?);
            Some([module, path[up..].to_vec()].concat())
        }
        _ => {
            module.push(first.clone());
            sources.0.contains_key(&module).then(|| [module, rest.to_vec()].concat())
        }
    }
}

pub fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            false => {}
        }
    }
}

fn module(file: &Path) -> Module {
    let mut parts: Module = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.pop_if(|last| last == "mod" || last == "lib");
    parts
}

/// Words and signs, without comments, texts and letters.
fn tokens(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
    let (mut tokens, mut index) = (Vec::new(), 0);
    while index < letters.len() {
        let letter = at(index);
        let raw = (letter == 'r').then(|| (index + 1..).take_while(|&next| at(next) == '#').count());
        if letter == '/' && at(index + 1) == '/' {
            index += (index..letters.len()).take_while(|&next| at(next) != '\n').count();
        } else if let Some(signs) = raw.filter(|signs| at(index + 1 + signs) == '"') {
            let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', signs)).collect();
            index += 2 + signs;
            while index < letters.len() && !letters[index..].starts_with(&end) {
                index += 1;
            }
            index += end.len();
        } else if letter == '"' {
            index += 1;
            while index < letters.len() && at(index) != '"' {
                index += if at(index) == '\\' { 2 } else { 1 };
            }
            index += 1;
        } else if letter == '\'' && (at(index + 1) == '\\' || at(index + 2) == '\'') {
            index += 2;
            while index < letters.len() && at(index) != '\'' {
                index += 1;
            }
            index += 1;
        } else if letter.is_alphanumeric() || letter == '_' {
            let word: String = letters[index..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
            index += word.chars().count();
            tokens.push(word);
        } else if letter == ':' && at(index + 1) == ':' {
            tokens.push("::".to_string());
            index += 2;
        } else {
            if !letter.is_whitespace() {
                tokens.push(letter.to_string());
            }
            index += 1;
        }
    }
    tokens
}

/// The types that are defined outside of functions and `impl`s; those that `step!` and `rows!` make begin with their names.
fn types(tokens: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut makes, mut begins) = (0, false, false);
    for (index, token) in tokens.iter().enumerate() {
        let before = |by: usize| index.checked_sub(by).map_or("", |at| tokens[at].as_str());
        match token.as_str() {
            "{" | "(" | "[" => {
                if depth == 0 {
                    makes = token == "{" && before(1) == "!" && ["step", "rows"].contains(&before(2));
                    begins = makes;
                }
                depth += 1;
            }
            "}" | ")" | "]" => {
                depth -= 1;
                begins |= depth == 1 && token == "}";
            }
            "struct" | "enum" | "trait" | "type" if depth == 0 => found.extend(tokens.get(index + 1).cloned()),
            word if makes && begins && depth == 1 && word.starts_with(char::is_uppercase) => {
                found.push(word.to_string());
                begins = false;
            }
            _ => {}
        }
    }
    found
}

/// The leaves of all `use` lines, and the paths in the code that begin with a module.
fn paths(tokens: &[String]) -> Vec<(Vec<String>, bool)> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let token = tokens[index].as_str();
        let before = index.checked_sub(1).map_or("", |before| tokens[before].as_str());
        if token == "use" && ["", ";", "}", "]", ")", "pub", "{"].contains(&before) {
            let handed_on = ["pub", ")"].contains(&before);
            let mut leaves = Vec::new();
            index = tree(tokens, index + 1, &[], &mut leaves);
            found.extend(leaves.into_iter().map(|leaf| (leaf, handed_on)));
        } else if !["::", "in"].contains(&before)
            && begins_a_path(token)
            && tokens.get(index + 1).is_some_and(|next| next == "::")
        {
            let mut path = vec![token.to_string()];
            while tokens.get(index + 1).is_some_and(|next| next == "::")
                && tokens.get(index + 2).is_some_and(|next| next.starts_with(|c: char| c.is_alphabetic() || c == '_'))
            {
                path.push(tokens[index + 2].clone());
                index += 2;
            }
            found.push((path, false));
            index += 1;
        } else {
            index += 1;
        }
    }
    found
}

/// Whether a path may begin with this word: the crate, a module above, a module of the file.
fn begins_a_path(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_')
}

/// Reads one tree of a `use` line from `index` on; where it ends.
fn tree(tokens: &[String], mut index: usize, above: &[String], leaves: &mut Vec<Vec<String>>) -> usize {
    let mut path = above.to_vec();
    while let Some(token) = tokens.get(index) {
        match token.as_str() {
            "::" => index += 1,
            "{" => {
                index += 1;
                while tokens.get(index).is_some_and(|token| token != "}") {
                    index = tree(tokens, index, &path, leaves);
                    if tokens.get(index).is_some_and(|token| token == ",") {
                        index += 1;
                    }
                }
                return index + 1;
            }
            "as" => index += 2,
            "," | "}" | ";" => break,
            "self" if !path.is_empty() => index += 1,
            name => {
                path.push(name.to_string());
                index += 1;
            }
        }
    }
    leaves.push(path);
    index
}

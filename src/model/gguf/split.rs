//! Models in several files, as llama.cpp's gguf-split writes them: `NAME-00001-of-00003.gguf` and so on.

use std::path::{Path, PathBuf};

use super::metadata::Metadata;

/// llama.cpp counts parts in 16 bits.
const MOST_PARTS: u64 = 1 << 16;

/// The parts of a model beside the first, and what its header says of them.
pub(super) struct GgufSplit {
    pub others: Vec<PathBuf>,
    count: u64,
    tensors: Option<u64>,
}

impl GgufSplit {
    /// Of the file at `path`, whose header is the first that was read.
    pub fn of(metadata: &Metadata, path: &Path) -> Result<Self, String> {
        let count = metadata.count("split.count")?.unwrap_or(1);
        if count <= 1 {
            return Ok(Self { others: vec![], count: 1, tensors: None });
        }
        let number = metadata.count("split.no")?.unwrap_or(0);
        let named = PartName::of(path).filter(|named| named.count == count);
        let first = named.as_ref().map(|named| named.part(1));
        let shown = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if number > 0 {
            let first = first.map_or_else(|| "its first part".to_string(), |first| format!("'{}'", shown(&first)));
            return Err(format!(
                "part {} of a model in {count} parts: give {first} as the source",
                number.saturating_add(1)
            ));
        }
        let Some(named) = named.filter(|named| named.number == 1 && count <= MOST_PARTS) else {
            return Err(format!(
                "the first of a model's {count} parts, whose names must end in -00001-of-{count:05}.gguf and so on; rename this \
                 file back"
            ));
        };
        let others: Vec<PathBuf> = (2..=count).map(|number| named.part(number)).collect();
        let missing: Vec<String> =
            others.iter().filter(|path| !path.is_file()).map(|path| format!("'{}'", shown(path))).collect();
        if !missing.is_empty() {
            return Err(format!(
                "the first of a model's {count} parts; missing beside it: {}",
                missing.iter().take(10).cloned().collect::<Vec<_>>().join(", ")
                    + &if missing.len() > 10 { format!(" and {} more", missing.len() - 10) } else { String::new() }
            ));
        }
        Ok(Self { others, count, tensors: metadata.count("split.tensors.count")? })
    }

    /// Whether the header of the part at `index` says that it is that part.
    pub fn check(&self, index: usize, metadata: &Metadata) -> Result<(), String> {
        let (number, count) = (metadata.count("split.no")?, metadata.count("split.count")?);
        if number != Some(index as u64) || count != Some(self.count) {
            let said = |number: Option<u64>| number.map_or_else(|| "none".to_string(), |number| number.to_string());
            return Err(format!(
                "should be part {} of {}, but its header has split.no {} and split.count {}",
                index + 1,
                self.count,
                said(number),
                said(count)
            ));
        }
        Ok(())
    }

    /// Whether all parts have as many tensors together as the first says.
    pub fn check_tensors(&self, found: usize) -> Result<(), String> {
        match self.tensors {
            Some(tensors) if tensors != found as u64 => {
                Err(format!("{} parts with {tensors} tensors are announced, but they hold {found}", self.count))
            }
            _ => Ok(()),
        }
    }
}

/// Every file that a GGUF model at `path` is read from, by their names: `path` first.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let others = PartName::of(path).filter(|named| named.number == 1 && named.count <= MOST_PARTS).into_iter();
    let others = others.flat_map(|named| (2..=named.count).map(move |number| named.part(number)));
    [path.to_owned()].into_iter().chain(others.filter(|path| path.is_file())).collect()
}

/// `NAME-00001-of-00003.gguf`, taken apart.
struct PartName {
    /// `NAME`, in its folder.
    stem: PathBuf,
    number: u64,
    count: u64,
}

impl PartName {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
        let (rest, count) = name.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let digits = |text: &str| (text.len() == 5).then(|| text.parse().ok()).flatten();
        Some(Self { stem: path.with_file_name(stem), number: digits(number)?, count: digits(count)? })
    }

    fn part(&self, number: u64) -> PathBuf {
        let stem = self.stem.file_name().unwrap_or_default().to_string_lossy();
        self.stem.with_file_name(format!("{stem}-{number:05}-of-{:05}.gguf", self.count))
    }
}

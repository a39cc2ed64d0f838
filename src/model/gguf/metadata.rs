//! The settings of a GGUF file: names and values.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::bytes::ByteReader;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum MetadataValue {
    /// A number, widened (null where it is not finite), a text, true or false.
    One(Json),
    Texts(Vec<String>),
    Numbers(MetadataNumbers),
    /// A list of lists: read past, not kept.
    Nested,
}

/// A list of numbers as it lies in the file: widened one by one when read, so that it takes no more memory than there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MetadataNumbers {
    kind: u32,
    bytes: Vec<u8>,
}

/// Values of the format's type tags, in the order of the tags: bytes of each, and its name.
const KINDS: [(u64, &str); 13] = [
    (1, "u8"),
    (1, "i8"),
    (2, "u16"),
    (2, "i16"),
    (4, "u32"),
    (4, "i32"),
    (4, "f32"),
    (1, "bool"),
    (8, "text"),
    (12, "list"),
    (8, "u64"),
    (8, "i64"),
    (8, "f64"),
];
const TEXT: u32 = 8;
const LIST: u32 = 9;

/// Lists of lists of lists occur nowhere.
const DEEPEST: usize = 4;

impl MetadataValue {
    pub fn read(bytes: &mut ByteReader) -> Result<Self, String> {
        let kind = bytes.u32()?;
        Self::read_kind(kind, bytes, 0)
    }

    fn read_kind(kind: u32, bytes: &mut ByteReader, depth: usize) -> Result<Self, String> {
        let at = bytes.position();
        match kind {
            TEXT => bytes.text().map(|text| MetadataValue::One(text.into())),
            LIST => {
                let kind = bytes.u32()?;
                let count = bytes.u64()?;
                let (size, name) = *known_kind(kind, at)?;
                let count = bytes.expect(count, size, &format!("values of type {name}"))?;
                match kind {
                    TEXT => (0..count).map(|_| bytes.text()).collect::<Result<_, _>>().map(MetadataValue::Texts),
                    LIST if depth == DEEPEST => Err(format!("byte {at}: lists within lists within lists")),
                    LIST => {
                        (0..count).try_for_each(|_| Self::read_kind(LIST, bytes, depth + 1).map(drop))?;
                        Ok(MetadataValue::Nested)
                    }
                    _ => Ok(MetadataValue::Numbers(MetadataNumbers {
                        kind,
                        bytes: bytes.take(count as u64 * size, "bytes")?,
                    })),
                }
            }
            _ => {
                let (size, _) = *known_kind(kind, at)?;
                let number = number(kind, &bytes.take(size, "bytes")?);
                number.map(MetadataValue::One).ok_or_else(|| format!("byte {at}: value type {kind}"))
            }
        }
    }

    /// What it is, for messages.
    fn describe(&self) -> String {
        match self {
            MetadataValue::One(Json::String(text)) => format!("'{}'", text.chars().take(60).collect::<String>()),
            MetadataValue::One(value) => value.to_string(),
            MetadataValue::Texts(_) => "a list of texts".into(),
            MetadataValue::Numbers(numbers) => format!("a list of {} numbers", numbers.len()),
            MetadataValue::Nested => "a list of lists".into(),
        }
    }
}

impl MetadataNumbers {
    fn len(&self) -> usize {
        self.bytes.len() / self.size()
    }

    fn size(&self) -> usize {
        KINDS.get(self.kind as usize).map_or(1, |(size, _)| *size as usize)
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.size())
    }

    fn iter(&self) -> impl Iterator<Item = Json> {
        self.pieces().filter_map(|bytes| number(self.kind, bytes))
    }
}

fn known_kind(kind: u32, at: u64) -> Result<&'static (u64, &'static str), String> {
    KINDS.get(kind as usize).ok_or_else(|| format!("byte {at}: unknown value type {kind}"))
}

/// Bytes as many as are wanted.
fn of<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

/// The number in `bytes` as a float, finite or not.
fn float(kind: u32, bytes: &[u8]) -> Option<f64> {
    match kind {
        6 => of(bytes).map(|bytes| f32::from_le_bytes(bytes).into()),
        12 => of(bytes).map(f64::from_le_bytes),
        _ => number(kind, bytes)?.as_f64(),
    }
}

/// The number in `bytes`, which are as many as its type has.
fn number(kind: u32, bytes: &[u8]) -> Option<Json> {
    Some(match kind {
        0 => u8::from_le_bytes(of(bytes)?).into(),
        1 => i8::from_le_bytes(of(bytes)?).into(),
        2 => u16::from_le_bytes(of(bytes)?).into(),
        3 => i16::from_le_bytes(of(bytes)?).into(),
        4 => u32::from_le_bytes(of(bytes)?).into(),
        5 => i32::from_le_bytes(of(bytes)?).into(),
        6 | 12 => float(kind, bytes)?.into(),
        7 => (of::<1>(bytes)? != [0]).into(),
        10 => u64::from_le_bytes(of(bytes)?).into(),
        11 => i64::from_le_bytes(of(bytes)?).into(),
        _ => return None,
    })
}

/// All settings of a file. Getters return `None` for a missing key, and an error for a value of another type.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata(IndexMap<String, MetadataValue>);

impl Metadata {
    /// Adds a setting; one of the same name must not be there.
    pub fn insert(&mut self, key: String, value: MetadataValue) -> Result<(), String> {
        match self.0.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(format!("duplicate metadata key '{}'", self.0.last().map_or("", |(key, _)| key))),
        }
    }

    pub fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub fn text(&self, key: &str) -> Result<Option<&str>, String> {
        self.one(key, "a text", Json::as_str)
    }

    pub fn texts(&self, key: &str) -> Result<Option<&[String]>, String> {
        self.get(key, "a list of texts", |value| match value {
            MetadataValue::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    pub fn bool(&self, key: &str) -> Result<Option<bool>, String> {
        self.one(key, "true or false", Json::as_bool)
    }

    /// A whole number that is not negative, of any width.
    pub fn count(&self, key: &str) -> Result<Option<u64>, String> {
        self.one(key, "a whole number", Json::as_u64)
    }

    /// A number of any kind.
    pub fn number(&self, key: &str) -> Result<Option<f64>, String> {
        self.one(key, "a number", Json::as_f64)
    }

    /// A whole number that is not negative, or a list of one for each layer that are all the same.
    pub fn uniform(&self, key: &str) -> Result<Option<u64>, String> {
        self.get(key, "a whole number, the same for all layers", |value| match value {
            MetadataValue::Numbers(numbers) => {
                let mut all = numbers.iter().map(|value| value.as_u64());
                let first = all.next()??;
                all.all(|number| number == Some(first)).then_some(first)
            }
            MetadataValue::One(value) => value.as_u64(),
            _ => None,
        })
    }

    /// A single value as JSON: a number, a text, true or false. A list of a number for each layer is that number where they
    /// are all the same.
    pub fn json(&self, key: &str) -> Result<Option<Json>, String> {
        if matches!(self.0.get(key), Some(MetadataValue::Numbers(_))) {
            return Ok(self.uniform(key)?.map(Into::into));
        }
        self.one(key, "a single value", |value| Some(value.clone()))
    }

    /// A list of whole numbers that are not negative.
    pub fn counts(&self, key: &str) -> Result<Option<Vec<u64>>, String> {
        self.get(key, "a list of whole numbers", |value| match value {
            MetadataValue::Numbers(numbers) => numbers.iter().map(|value| value.as_u64()).collect(),
            _ => None,
        })
    }

    /// A list of truth values, or of numbers that stand for them; `None` too for a value that is no list.
    pub fn flags(&self, key: &str) -> Result<Option<Vec<bool>>, String> {
        if !matches!(self.0.get(key), Some(MetadataValue::Numbers(_))) {
            return Ok(None);
        }
        let flag = |value: Json| value.as_bool().or_else(|| value.as_u64().map(|number| number != 0));
        self.get(key, "a list of true and false", |value| match value {
            MetadataValue::Numbers(numbers) => numbers.iter().map(flag).collect(),
            _ => None,
        })
    }

    /// A list of numbers of any kind.
    pub fn floats(&self, key: &str) -> Result<Option<Vec<f64>>, String> {
        self.get(key, "a list of numbers", |value| match value {
            MetadataValue::Numbers(numbers) => numbers.pieces().map(|bytes| float(numbers.kind, bytes)).collect(),
            _ => None,
        })
    }

    fn one<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a Json) -> Option<T>,
    ) -> Result<Option<T>, String> {
        self.get(key, expected, |value| match value {
            MetadataValue::One(value) => read(value),
            _ => None,
        })
    }

    fn get<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a MetadataValue) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        match read(value) {
            Some(read) => Ok(Some(read)),
            None => Err(format!("metadata '{key}' must be {expected}, found {}", value.describe())),
        }
    }
}

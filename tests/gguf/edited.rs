//! GGUF fixtures with settings and tensors added, changed or taken away.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::fixture;

const ALIGNMENT: usize = 32;

/// A value of a setting.
#[derive(Clone, Copy)]
pub enum Setting<'a> {
    Count(u32),
    Float(f32),
    Bool(bool),
    Text(&'a str),
    /// One for each layer.
    Counts(&'a [u32]),
    /// One for each layer.
    Bools(&'a [bool]),
}

/// A file taken apart.
#[derive(Clone)]
pub struct Edited {
    /// Names and values with their types.
    settings: Vec<(String, Vec<u8>)>,
    /// Names and the rest of their descriptions.
    tensors: Vec<(String, Vec<u8>)>,
    data: Vec<u8>,
}

impl Edited {
    pub fn of(name: &str) -> Self {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let mut input = Input { bytes: &bytes, at: 8 };
        let (tensors, settings) = (input.u64(), input.u64());
        let settings = (0..settings).map(|_| (input.text(), input.value())).collect();
        let tensor = |input: &mut Input| {
            let name = input.text();
            let start = input.at;
            let dimensions = input.u32() as usize;
            input.at += dimensions * 8 + 4 + 8;
            (name, bytes[start..input.at].to_vec())
        };
        let tensors = (0..tensors).map(|_| tensor(&mut input)).collect();
        Self { settings, tensors, data: bytes[input.at.next_multiple_of(ALIGNMENT).min(bytes.len())..].to_vec() }
    }

    /// With settings, in place of those of the same names.
    pub fn with(mut self, settings: &[(&str, Setting)]) -> Self {
        for (key, setting) in settings {
            self = self.without(key);
            let mut value = Vec::new();
            match setting {
                Setting::Count(n) => value.extend([4u32.to_le_bytes(), n.to_le_bytes()].concat()),
                Setting::Float(n) => value.extend([6u32.to_le_bytes(), n.to_le_bytes()].concat()),
                Setting::Bool(b) => value.extend([&7u32.to_le_bytes()[..], &[u8::from(*b)]].concat()),
                Setting::Text(text) => value.extend([&8u32.to_le_bytes()[..], &text_bytes(text)].concat()),
                Setting::Counts(all) => {
                    value.extend([9u32.to_le_bytes(), 4u32.to_le_bytes()].concat());
                    value.extend((all.len() as u64).to_le_bytes());
                    all.iter().for_each(|n| value.extend(n.to_le_bytes()));
                }
                Setting::Bools(all) => {
                    value.extend([9u32.to_le_bytes(), 7u32.to_le_bytes()].concat());
                    value.extend((all.len() as u64).to_le_bytes());
                    value.extend(all.iter().map(|b| u8::from(*b)));
                }
            }
            self.settings.push((key.to_string(), value));
        }
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.settings.retain(|(name, _)| name != key);
        self
    }

    /// Names of all settings.
    pub fn keys(&self) -> Vec<String> {
        self.settings.iter().map(|(name, _)| name.clone()).collect()
    }

    /// With a tensor of any type, whose values are the first of the file's.
    pub fn tensor(mut self, name: &str, extents: &[u64], kind: u32) -> Self {
        let mut rest = (extents.len() as u32).to_le_bytes().to_vec();
        extents.iter().for_each(|extent| rest.extend(extent.to_le_bytes()));
        rest.extend([&kind.to_le_bytes()[..], &0u64.to_le_bytes()].concat());
        self.tensors.push((name.into(), rest));
        self
    }

    /// With `values` as a tensor of single precision.
    pub fn floats(mut self, name: &str, values: &[f32]) -> Self {
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        let mut rest = [&1u32.to_le_bytes()[..], &(values.len() as u64).to_le_bytes(), &0u32.to_le_bytes()].concat();
        rest.extend((self.data.len() as u64).to_le_bytes());
        values.iter().for_each(|value| self.data.extend(value.to_le_bytes()));
        self.tensors.push((name.into(), rest));
        self
    }

    /// With each tensor of block `from` once more, as one of block `to`.
    pub fn block_again(mut self, from: usize, to: usize) -> Self {
        let (from, to) = (format!("blk.{from}."), format!("blk.{to}."));
        let again = self.tensors.iter().filter_map(|(name, rest)| Some((name.strip_prefix(&from)?, rest.clone())));
        let again: Vec<_> = again.map(|(name, rest)| (format!("{to}{name}"), rest)).collect();
        self.tensors.extend(again);
        self
    }

    /// With matrices of half precision that follow each other's rows as one of that name, in place of them.
    pub fn joined(mut self, name: &str, parts: [String; 3]) -> Self {
        let number = |rest: &[u8], at: usize| u64::from_le_bytes(rest[at..at + 8].try_into().unwrap());
        let (mut data, mut width, mut rows) = (Vec::<u8>::new(), 0, 0);
        for part in &parts {
            let (_, rest) = self.tensors.iter().find(|(name, _)| name == part).unwrap();
            assert_eq!((rest[0], rest[20]), (2, 1), "two extents, half precision");
            let (here, offset) = (number(rest, 12), number(rest, 24) as usize);
            (width, rows) = (number(rest, 4), rows + here);
            data.extend(&self.data[offset..offset + (2 * width * here) as usize]);
        }
        self.tensors.retain(|(name, _)| !parts.contains(name));
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        let mut rest =
            [&2u32.to_le_bytes()[..], &width.to_le_bytes(), &rows.to_le_bytes(), &1u32.to_le_bytes()].concat();
        rest.extend((self.data.len() as u64).to_le_bytes());
        self.data.extend(data);
        self.tensors.push((name.into(), rest));
        self
    }

    /// With a tensor under another name.
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        self.tensors.iter_mut().filter(|(name, _)| name == from).for_each(|(name, _)| *name = to.into());
        self
    }

    /// Only the tensors that `keep` says, by their number.
    pub fn only(mut self, keep: impl Fn(usize) -> bool) -> Self {
        let mut number = 0;
        self.tensors.retain(|_| {
            number += 1;
            keep(number - 1)
        });
        self
    }

    pub fn n_tensors(&self) -> usize {
        self.tensors.len()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend([(self.tensors.len() as u64).to_le_bytes(), (self.settings.len() as u64).to_le_bytes()].concat());
        for (name, rest) in self.settings.iter().chain(&self.tensors) {
            bytes.extend(text_bytes(name));
            bytes.extend(rest);
        }
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes.extend(&self.data);
        bytes
    }

    pub fn file(&self) -> NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(".gguf").tempfile().unwrap();
        file.write_all(&self.bytes()).unwrap();
        file
    }
}

fn text_bytes(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn u32(&mut self) -> u32 {
        self.at += 4;
        u32::from_le_bytes(self.bytes[self.at - 4..self.at].try_into().unwrap())
    }

    fn u64(&mut self) -> u64 {
        u64::from(self.u32()) | u64::from(self.u32()) << 32
    }

    fn text(&mut self) -> String {
        let length = self.u64() as usize;
        self.at += length;
        String::from_utf8(self.bytes[self.at - length..self.at].to_vec()).unwrap()
    }

    /// A value with its type.
    fn value(&mut self) -> Vec<u8> {
        let start = self.at;
        let kind = self.u32();
        self.skip(kind);
        self.bytes[start..self.at].to_vec()
    }

    fn skip(&mut self, kind: u32) {
        match kind {
            0 | 1 | 7 => self.at += 1,
            2 | 3 => self.at += 2,
            4..=6 => self.at += 4,
            8 => drop(self.text()),
            9 => {
                let (kind, count) = (self.u32(), self.u64());
                (0..count).for_each(|_| self.skip(kind));
            }
            _ => self.at += 8,
        }
    }
}

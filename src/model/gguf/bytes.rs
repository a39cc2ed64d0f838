//! Little-endian numbers and strings from the front of a file, none of them longer than the file.

use std::fs::File;
use std::io::{BufReader, Read};

/// No header of a real model is longer: a vocabulary of 256,000 tokens with merges takes about 20 MB.
const LONGEST_HEADER: u64 = 1 << 28;

/// Reads a file from its start.
pub(super) struct ByteReader<R = BufReader<File>> {
    input: R,
    position: u64,
    end: u64,
}

impl ByteReader {
    /// From the start of `file`, which is `size` bytes long.
    pub fn new(file: File, size: u64) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, file), position: 0, end: size.min(LONGEST_HEADER) }
    }
}

impl<R: Read> ByteReader<R> {
    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Checks that `count` things of at least `size` bytes each can still follow; `what` names them.
    pub fn expect(&self, count: u64, size: u64, what: &str) -> Result<usize, String> {
        let left = self.end - self.position;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= left => usize::try_from(count).map_err(|_| format!("{count} {what}")),
            _ => Err(format!(
                "byte {}: {count} {what} should follow, and only {left} bytes are left: was the file fully downloaded?",
                self.position
            )),
        }
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: u64, what: &str) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; self.expect(count, 1, what)?];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.expect(bytes.len() as u64, 1, "bytes")?;
        self.input.read_exact(bytes).map_err(|e| format!("byte {}: {e}", self.position))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    pub fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length of 64 bits and as many bytes of UTF-8.
    pub fn text(&mut self) -> Result<String, String> {
        let at = self.position;
        let length = self.u64()?;
        let bytes = self.take(length, "bytes of text")?;
        String::from_utf8(bytes).map_err(|_| format!("byte {at}: a text that is not UTF-8"))
    }
}

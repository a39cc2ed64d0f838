//! Values as bytes and back, to the bit: numbers that are not finite and negative zeros included.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// What a block of work can give.
pub trait Bits: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Bits for T {}

/// A value as bytes.
///
/// # Errors
/// A value that such bytes cannot be of.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(io::Error::other)
}

/// The value that the bytes are of, if they are of one and nothing is left.
pub fn from_bytes<T: Bits>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

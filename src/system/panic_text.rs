//! What a panic said.

use std::any::Any;

/// The text that a panic was raised with, where it was a text.
pub fn panic_text(payload: &(dyn Any + Send)) -> Option<String> {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.map(|text| text.trim().to_string())
}

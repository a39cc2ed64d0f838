//! The page around a body: style and behaviour are in it, and a policy that lets a browser follow nothing else.

use super::{Html, escaped};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};

const STYLE: &str = concat!("\n", include_str!("style.css"));
const SCRIPT: &str = concat!("\n", include_str!("sort.js"));

/// Where the pictures of a page are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// In the page itself, be they drawings or images in base 64.
    Within,
    /// In files beside the page.
    Beside,
}

/// A whole page.
pub fn page(title: &str, body: &Html, pictures: Pictures) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"ablate {version}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}<script>{SCRIPT}</script>\n</body>\n</html>\n",
        policy = policy(pictures),
        version = env!("CARGO_PKG_VERSION"),
        title = escaped(title),
        body = body.as_str(),
    )
}

/// The page's own style and script, its pictures, and nothing else: neither a script that got into it by some text, nor
/// anything from a network.
fn policy(pictures: Pictures) -> String {
    let digest = |text: &str| format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text)));
    let images = match pictures {
        Pictures::Within => "data:",
        // A page that is opened from a disk is of no origin, in some browsers not even its own.
        Pictures::Beside => "'self' file:",
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src {images}; base-uri 'none'; form-action 'none'",
        digest(SCRIPT),
        digest(STYLE)
    )
}

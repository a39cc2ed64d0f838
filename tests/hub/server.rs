//! A hub that answers what the real one does to its client: the list of files, and files by range, small ones itself
//! and weights by way of a redirect to another address.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What it does wrong.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// Ends each answer with weights after this many bytes, as a lost connection does.
    CutsWeightsAt(usize),
    /// The same, without having said how many there would be.
    CutsWeightsUnsaid(usize),
    /// Answers everything with this status.
    Status(u16),
}

/// Path and authorisation of each request.
type Requests = Arc<Mutex<Vec<(String, Option<String>)>>>;

pub struct Server {
    pub address: String,
    /// The requests so far: path, and token if one was sent.
    pub requests: Requests,
}

impl Server {
    pub fn start(files: BTreeMap<String, Vec<u8>>, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, own) = (Arc::clone(&requests), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that hangs up early is what some tests are about.
                let _ = answer(stream, &own, &files, fault, &seen);
            }
        });
        Self { address, requests }
    }

    pub fn paths(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }
}

fn answer(
    stream: TcpStream,
    own: &str,
    files: &BTreeMap<String, Vec<u8>>,
    fault: Fault,
    seen: &Mutex<Vec<(String, Option<String>)>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_string());
    }
    let header = |name: &str| {
        let found =
            lines.iter().skip(1).filter_map(|line| line.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_string())
    };
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_string();
    seen.lock().unwrap().push((path.clone(), header("authorization")));
    let mut out = stream;
    if let Fault::Status(status) = fault {
        return write!(out, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let lists =
        ["/api/models/owner/name/revision/main".to_string(), format!("/api/models/owner/name/revision/{COMMIT}")];
    if lists.contains(&path) {
        let siblings: Vec<_> = files.keys().map(|name| serde_json::json!({ "rfilename": name })).collect();
        let body = serde_json::json!({ "sha": COMMIT, "siblings": siblings }).to_string();
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
        return write!(out, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
    }
    let resolve = format!("/owner/name/resolve/{COMMIT}/");
    let (name, elsewhere) = match path.strip_prefix("/elsewhere/") {
        Some(name) => (name, true),
        None => (path.strip_prefix(&resolve).unwrap_or_default(), false),
    };
    let Some(content) = files.get(name) else {
        return write!(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let etag = format!("etag-of-{name}");
    let is_weights = name.ends_with(".safetensors") || name.ends_with(".bin");
    if is_weights && !elsewhere {
        let about = format!("X-Repo-Commit: {COMMIT}\r\nX-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {}", content.len());
        let to = format!("Location: {own}/elsewhere/{name}\r\nContent-Length: 0\r\nConnection: close");
        return write!(out, "HTTP/1.1 302 Found\r\n{about}\r\n{to}\r\n\r\n");
    }
    let range = header("range").unwrap_or_default();
    let (start, end) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let start: usize = start.parse().unwrap_or(0);
    let end = end.parse().map_or(content.len(), |end: usize| (end + 1).min(content.len()));
    if start >= content.len() {
        return write!(out, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let mut body = &content[start..end];
    let mut length = format!("Content-Length: {}\r\n", body.len());
    match fault {
        Fault::CutsWeightsAt(bytes) if is_weights => body = &body[..bytes.min(body.len())],
        Fault::CutsWeightsUnsaid(bytes) if is_weights => {
            body = &body[..bytes.min(body.len())];
            length.clear();
        }
        _ => {}
    }
    let about = format!("X-Repo-Commit: {COMMIT}\r\nETag: \"{etag}\"");
    let which = format!("Content-Range: bytes {start}-{}/{}", end - 1, content.len());
    write!(out, "HTTP/1.1 206 Partial Content\r\n{about}\r\n{which}\r\n{length}Connection: close\r\n\r\n")?;
    out.write_all(body)
}

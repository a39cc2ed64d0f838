//! Entries to and from a store on another machine, by `ssh` and `tar`, which are there on any.

use super::ExchangeSummary;
use crate::store::entry::{ABOUT, CHECKSUM};
use crate::store::{OWN, Store};
use crate::system::digests::of_bytes;
use crate::system::shell::path_word;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// A store on another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteStore {
    /// What ssh calls the machine.
    pub host: String,
    /// The store's folder there.
    pub folder: String,
}

/// The checksums that go with entries, for `sha256sum -c`.
const SUMS: &str = "SHA256SUMS";

impl RemoteStore {
    /// The keys of its entries; `None` where the folder is no store.
    ///
    /// # Errors
    /// A machine that cannot be reached; a folder of something else, which is no place for a store either.
    pub fn keys(&self) -> io::Result<Option<Vec<String>>> {
        // By the shell itself: the names of many entries are too long for a command.
        let listing = format!(
            "[ -e {folder} ] || exit 0; cd {folder} || exit 1; if [ -d entries ]; then echo store; for entry in entries/*/*; do echo \
             \"$entry\"; done; else echo other; ls; fi",
            folder = path_word(&self.folder)
        );
        let text = run(self.command(&listing).stdin(Stdio::null()), &self.host)?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines();
        match lines.next() {
            Some("store") => {
                let keys = lines.filter_map(|line| Some(line.rsplit_once('/')?.1.to_string()));
                Ok(Some(keys.filter(|key| is_key(key)).collect()))
            }
            Some(_) => only_of_a_store(lines).map(|()| None),
            None => Ok(None),
        }
    }

    /// Hands the entries with these keys on to it, those that it has not. Their checksums are compared here before and there after.
    ///
    /// # Errors
    /// A machine that cannot be reached, and a checksum that is another there.
    pub fn push(&self, store: &Store, keys: &[String]) -> io::Result<ExchangeSummary> {
        let there: HashSet<String> = self.keys()?.into_iter().flatten().collect();
        let mut summary = ExchangeSummary::default();
        let (mut names, mut sums) = (String::new(), String::new());
        for key in keys {
            if there.contains(key) {
                summary.present += 1;
                continue;
            }
            let entry = match store.find(key) {
                Ok(Some(entry)) => entry,
                Ok(None) => continue,
                Err(damage) => {
                    summary.damaged.push((key.clone(), damage.to_string()));
                    continue;
                }
            };
            if let Err(damage) = store.check(&entry) {
                summary.damaged.push((key.clone(), damage.to_string()));
                continue;
            }
            let name = format!("{}/{key}", &key[..2]);
            let contents =
                entry.frames.iter().map(|frame| &frame.content).chain(entry.files.iter().map(|file| &file.content));
            let contents = contents.map(|content| (content.file.clone(), content.sha256.clone()));
            let folder = store.entry(key);
            let own = [ABOUT, CHECKSUM]
                .map(|file| fs::read(folder.join(file)).map(|bytes| (file.to_string(), of_bytes(&bytes))));
            for (file, sum) in contents.chain(own.into_iter().collect::<io::Result<Vec<_>>>()?) {
                // Writing to a string does not fail.
                let _ = writeln!(sums, "{sum}  {name}/{file}");
            }
            names += &(name + "\n");
            (summary.copied, summary.bytes) = (summary.copied + 1, summary.bytes + entry.bytes());
        }
        if summary.copied == 0 {
            return Ok(summary);
        }
        let lists = tempfile::tempdir()?;
        fs::write(lists.path().join(SUMS), sums)?;
        let list = lists.path().join("names");
        fs::write(&list, names)?;
        let mut packed = Command::new("tar");
        packed.arg("-cf").arg("-").arg("-C").arg(lists.path()).arg(SUMS);
        packed.arg("-C").arg(store.entries().canonicalize()?).arg("-T").arg(&list);
        let mut packed =
            packed.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| named("tar", error))?;
        let out = packed.stdout.take().map_or_else(Stdio::null, Stdio::from);
        let unpacking = format!(
            "set -e; umask 022; mkdir -p {folder}/parts {folder}/entries; cd {folder}; part=$PWD/$(mktemp -d parts/push-XXXXXX); trap 'rm -rf \
             \"$part\"' EXIT; tar -C \"$part\" -xf -; cd \"$part\"; if command -v sha256sum >/dev/null; then sha256sum --quiet -c {SUMS}; \
             else shasum -a 256 -c {SUMS} >/dev/null; fi; for entry in */*/; do entry=${{entry%/}}; mkdir -p \
             ../../entries/${{entry%/*}}; [ -e ../../entries/$entry ] || mv $entry ../../entries/$entry; done; cd ../..",
            folder = path_word(&self.folder)
        );
        let unpacked = run(self.command(&unpacking).stdin(out), &self.host);
        let packed = packed.wait_with_output()?;
        unpacked?;
        match packed.status.success() {
            true => Ok(summary),
            false => Err(io::Error::other(format!("tar: {}", String::from_utf8_lossy(&packed.stderr).trim()))),
        }
    }

    /// Takes the entries with these keys over from it; see [`Store::take_over`].
    ///
    /// # Errors
    /// A machine that cannot be reached, and folders that cannot be written.
    pub fn pull(&self, store: &Store, keys: &[String]) -> io::Result<ExchangeSummary> {
        let (present, missing): (Vec<&String>, Vec<&String>) = keys.iter().partition(|key| store.has_whole(key));
        let mut summary = ExchangeSummary { present: present.len(), ..ExchangeSummary::default() };
        if missing.is_empty() {
            return Ok(summary);
        }
        fs::create_dir_all(store.parts())?;
        let folder = tempfile::Builder::new().prefix("pull-").tempdir_in(store.parts())?;
        crate::system::interrupt::goes_with_the_process(folder.path());
        let arrived = Store::at(folder.path().to_path_buf());
        fs::create_dir_all(arrived.entries())?;
        let packing = format!("tar -C {}/entries -cf - -T -", path_word(&self.folder));
        let mut packed = self.command(&packing);
        packed.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut packed = packed.spawn().map_err(|error| named("ssh", error))?;
        if let Some(mut names) = packed.stdin.take() {
            let list: String = missing.iter().map(|key| format!("{}/{key}\n", &key[..2])).collect();
            // Names go first and are read whole before anything comes: they fit into a pipe, or are written beside.
            std::thread::spawn(move || names.write_all(list.as_bytes()));
        }
        let out = packed.stdout.take().map_or_else(Stdio::null, Stdio::from);
        let mut unpacking = Command::new("tar");
        let unpacked = run(unpacking.arg("-C").arg(arrived.entries()).arg("-xf").arg("-").stdin(out), "tar");
        let packed = packed.wait_with_output()?;
        if !packed.status.success() {
            return Err(io::Error::other(format!("{}: {}", self.host, String::from_utf8_lossy(&packed.stderr).trim())));
        }
        unpacked?;
        let missing: Vec<String> = missing.into_iter().cloned().collect();
        let ExchangeSummary { copied, bytes, damaged, .. } = store.take_over(&arrived, &missing)?;
        (summary.copied, summary.bytes, summary.damaged) = (copied, bytes, damaged);
        Ok(summary)
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("ssh");
        command.arg(&self.host).arg(script);
        command
    }
}

/// What a program prints.
fn run(command: &mut Command, who: &str) -> io::Result<Vec<u8>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().and_then(std::process::Child::wait_with_output);
    let ended = ended.map_err(|error| named(&program, error))?;
    match ended.status.success() {
        true => Ok(ended.stdout),
        false => Err(io::Error::other(format!("{who}: {}", String::from_utf8_lossy(&ended.stderr).trim()))),
    }
}

fn named(program: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{program}: {error}"))
}

/// Refuses names that are in no store before its first entry.
fn only_of_a_store<'n>(mut names: impl Iterator<Item = &'n str>) -> io::Result<()> {
    match names.find(|name| !name.starts_with('.') && !OWN.contains(name)) {
        Some(other) => Err(io::Error::other(format!("it is no store, and has other things in it, such as '{other}'"))),
        None => Ok(()),
    }
}

/// Whether a name is that of an entry: SHA-256 in hex. Others are nobody's, and name no file on another machine.
fn is_key(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Store {
    /// The keys of all entries that are whole as far as their descriptions say.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn keys(&self) -> io::Result<Vec<String>> {
        Ok(self.list()?.into_iter().map(|listed| listed.key).filter(|key| is_key(key)).collect())
    }

    /// Refuses a folder of something else: it is no store, and no place for one.
    ///
    /// # Errors
    /// That, and a folder that cannot be read.
    pub fn check_place(&self) -> io::Result<()> {
        if self.exists() {
            return Ok(());
        }
        match fs::read_dir(self.root()) {
            Ok(found) => {
                let names = found.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
                only_of_a_store(names.collect::<io::Result<Vec<_>>>()?.iter().map(String::as_str))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether a store is there.
    pub fn exists(&self) -> bool {
        self.entries().is_dir()
    }
}

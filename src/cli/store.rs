//! `ablate store`: what is kept of steps that were computed.

use crate::Error;
use crate::counted::{agreeing, counted};
use crate::store::{
    Damage, EntryListing, ExchangeSummary, OtherStore, Retention, Store, StoreIsFile, StoreLocation, UnfinishedStep,
};
use crate::system::time::utc;
use crate::system::{Digests, environment};
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

#[derive(Debug, Args)]
#[command(after_help = "\
The store is the folder $ABLATE_CACHE, else $XDG_CACHE_HOME/ablate/store, else
~/.cache/ablate/store; ABLATE_CACHE=off turns it off. A spec may set run.store = \"FOLDER\" or
\"off\"; `ablate run --no-store` does not use the store.

Examples:
  ablate store ls
  ablate store verify                        # read everything; exit code 1 if anything is damaged
  ablate store rm 3f2a                       # remove entries whose key begins with 3f2a
  ablate store gc --unused 7 --max-size 20   # keep what was used in a week, at most 20 GB
  ablate store gc --other-builds             # remove what other builds of ablate computed
  ablate store push /shared/ablate           # copy to another store what it does not have
  ablate store pull me@cluster:store 3f2a    # copy entries from another store, by ssh")]
pub(super) struct StoreArguments {
    /// Use the store in this folder
    #[arg(long, value_name = "FOLDER", global = true)]
    store: Option<PathBuf>,
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// List entries, the most recently used first, and interrupted steps
    Ls,
    /// Remove entries that are old or damaged, and leftovers of killed runs
    Gc(Gc),
    /// Remove entries by their keys
    Rm(Rm),
    /// Read all files of entries and compare their checksums
    Verify(Verify),
    /// Copy entries to another store
    Push(Exchange),
    /// Copy entries from another store
    Pull(Exchange),
}

/// Of a place to take entries from.
const NO_STORE: &str = "there is no store here, or nothing was put into it yet; write the folder of another store, or HOST:FOLDER for one \
                        on another machine";

#[derive(Debug, Args)]
struct Exchange {
    /// The other store: a folder, or HOST:FOLDER, reached by ssh
    #[arg(value_name = "STORE")]
    other: String,
    /// Keys of entries, or how they begin. Left out: every entry
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
}

#[derive(Debug, Args)]
struct Gc {
    /// Remove entries that have not been used for this many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    unused: u64,
    /// Keep at most this many gigabytes, the most recently used first
    #[arg(long, value_name = "GB")]
    max_size: Option<f64>,
    /// Remove what other builds of ablate computed, which this one cannot use
    #[arg(long)]
    other_builds: bool,
}

#[derive(Debug, Args)]
struct Rm {
    /// Keys of entries, or how they begin
    #[arg(value_name = "KEY", required_unless_present = "all")]
    keys: Vec<String>,
    /// Remove every entry
    #[arg(long, conflicts_with = "keys")]
    all: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// Keys of entries, or how they begin. Left out: every entry
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
}

pub(super) fn run(arguments: StoreArguments) -> Result<(), Error> {
    let folder = match (arguments.store.clone(), StoreLocation::from_vars(|name| std::env::var(name).ok())) {
        (Some(folder), _) | (None, StoreLocation::Folder(folder)) => folder,
        (None, StoreLocation::Off) => {
            let problem = "the store is off (ABLATE_CACHE=off), or there is no home folder; write --store FOLDER";
            return Err(Error::refused("the store")(problem));
        }
    };
    let named = arguments.store.is_some();
    let advice = if named { "write --store with a folder" } else { StoreIsFile::ADVICE };
    StoreLocation::Folder(folder.clone())
        .check()
        .map_err(|problem| Error::refused("the store")(format!("{problem}; {advice}")))?;
    let store = Store::at(folder);
    match arguments.command {
        StoreCommand::Ls => super::print::print(&list(&store)?),
        StoreCommand::Gc(gc) => collect(&store, &gc),
        StoreCommand::Rm(rm) => remove(&store, &rm),
        StoreCommand::Verify(verify) => check(&store, &verify),
        StoreCommand::Push(exchange) => push(&store, &exchange),
        StoreCommand::Pull(exchange) => pull(&store, &exchange),
    }
}

fn push(store: &Store, exchange: &Exchange) -> Result<(), Error> {
    let keys = meant(store.keys().map_err(Error::failed(about(store)))?, &exchange.keys, &about(store))?;
    let failed = || Error::failed(exchange.other.clone());
    exchanged(match OtherStore::parse(&exchange.other) {
        OtherStore::Folder(folder) => {
            let other = Store::at(folder);
            other.check_place().map_err(Error::refused(about(&other)))?;
            other.take_over(store, &keys).map_err(failed())?
        }
        OtherStore::Remote(remote) => remote.push(store, &keys).map_err(failed())?,
    })
}

fn pull(store: &Store, exchange: &Exchange) -> Result<(), Error> {
    let failed = || Error::failed(exchange.other.clone());
    let of = format!("store {}", exchange.other);
    exchanged(match OtherStore::parse(&exchange.other) {
        OtherStore::Folder(folder) => {
            let other = Store::at(folder);
            if !other.exists() {
                other.check_place().map_err(Error::refused(of.clone()))?;
                return Err(Error::refused(of)(NO_STORE));
            }
            let keys = meant(other.keys().map_err(failed())?, &exchange.keys, &of)?;
            store.take_over(&other, &keys).map_err(failed())?
        }
        OtherStore::Remote(remote) => {
            let Some(keys) = remote.keys().map_err(failed())? else {
                return Err(Error::refused(of)(NO_STORE));
            };
            let keys = meant(keys, &exchange.keys, &of)?;
            remote.pull(store, &keys).map_err(failed())?
        }
    })
}

/// The keys that begin so; all without any.
fn meant(keys: Vec<String>, starts: &[String], of: &str) -> Result<Vec<String>, Error> {
    if let Some(unknown) = starts.iter().find(|start| !keys.iter().any(|key| key.starts_with(start.as_str()))) {
        return Err(Error::refused(of.to_string())(format!(
            "no entry has a key that begins with '{unknown}'; `ablate store ls` lists the keys of a store"
        )));
    }
    Ok(keys.into_iter().filter(|key| begins_so(key, starts)).collect())
}

/// Says what became of entries; what is damaged fails the command.
fn exchanged(summary: ExchangeSummary) -> Result<(), Error> {
    let ExchangeSummary { copied, bytes, present, damaged } = summary;
    let (copied, were) = (counted(copied, "entry"), agreeing(present, "was", "were"));
    super::print::print(&format!("{copied} copied, {}; {present} {were} already there\n", size(bytes)))?;
    if damaged.is_empty() {
        return Ok(());
    }
    let each: Vec<String> = damaged.iter().map(|(key, damage)| format!("{}: {damage}", short(key))).collect();
    Err(Error::failed("store")(format!(
        "{} {}: {}",
        counted(damaged.len(), "entry"),
        agreeing(damaged.len(), "is damaged and was not copied", "are damaged and were not copied"),
        each.join("; ")
    )))
}

fn about(store: &Store) -> String {
    format!("store {}", store.root().display())
}

fn all(store: &Store) -> Result<Vec<EntryListing>, Error> {
    store.list().map_err(Error::failed(about(store)))
}

fn unfinished(store: &Store) -> Result<Vec<UnfinishedStep>, Error> {
    store.unfinished().map_err(Error::failed(about(store)))
}

fn list(store: &Store) -> Result<String, Error> {
    let listed = all(store)?;
    let mut text = String::new();
    for EntryListing { key, entry, bytes, used } in &listed {
        let (key, size) = (short(key), size(*bytes));
        // Writing to a string does not fail.
        let _ = match entry {
            Ok(entry) => writeln!(
                text,
                "{key}  {size:>9}  {:>8.1} s  computed {}  used {}  {} ({}) of {}",
                entry.seconds,
                utc(entry.computed),
                utc(seconds(*used)),
                entry.step,
                entry.kind,
                entry.spec
            ),
            Err(Damage::OtherVersion(version)) => {
                writeln!(text, "{key}  {size:>9}  of another version of ablate (version {version} of the store)")
            }
            Err(damage) => writeln!(text, "{key}  {size:>9}  damaged: {damage}"),
        };
    }
    for UnfinishedStep { key, about, blocks, bytes, used, runs } in unfinished(store)? {
        let (key, size, used) = (short(&key), size(bytes), utc(seconds(used)));
        let state = if runs { "under way" } else { "interrupted" };
        let _ = match about {
            Ok(about) => writeln!(
                text,
                "{key}  {size:>9}  {state}: {}, begun {}  used {used}  {} ({}) of {}",
                counted(blocks, "finished block"),
                utc(about.begun),
                about.step,
                about.kind,
                about.spec
            ),
            Err(damage) => writeln!(text, "{key}  {size:>9}  {state}: finished blocks that cannot be used: {damage}"),
        };
    }
    let whole = size(listed.iter().map(|listed| listed.bytes).sum());
    let _ = writeln!(text, "{}, {whole}, in {}", counted(listed.len(), "entry"), store.root().display());
    Ok(text)
}

fn collect(store: &Store, gc: &Gc) -> Result<(), Error> {
    let build = match gc.other_builds {
        true => Some(environment::build(&Digests::default()).map_err(Error::failed("the running program"))?),
        false => None,
    };
    let keep = Retention {
        used_within: Duration::from_secs(gc.unused.saturating_mul(86400)),
        bytes: gc.max_size.map_or(u64::MAX, |gigabytes| (gigabytes * 1e9) as u64),
        build: build.as_deref(),
    };
    let collected = store.collect(keep).map_err(Error::failed(about(store)))?;
    super::print::print(&removed(collected.entries, collected.unfinished, collected.bytes))
}

/// What was removed.
fn removed(entries: usize, unfinished: usize, bytes: u64) -> String {
    let blocks = match unfinished {
        0 => String::new(),
        count => format!(", finished blocks of {} removed", counted(count, "interrupted step")),
    };
    format!("{} removed{blocks}, {}\n", counted(entries, "entry"), size(bytes))
}

fn remove(store: &Store, rm: &Rm) -> Result<(), Error> {
    let blocks: Vec<UnfinishedStep> =
        unfinished(store)?.into_iter().filter(|blocks| begins_so(&blocks.key, &rm.keys)).collect();
    let known: Vec<&str> = blocks.iter().map(|blocks| blocks.key.as_str()).collect();
    let chosen = chosen(store, &rm.keys, &known)?;
    for listed in &chosen {
        store.remove(&listed.key).map_err(Error::failed(about(store)))?;
    }
    for blocks in &blocks {
        store.remove_unfinished(&blocks.key).map_err(Error::failed(about(store)))?;
    }
    let bytes = chosen.iter().map(|listed| listed.bytes).chain(blocks.iter().map(|blocks| blocks.bytes)).sum();
    super::print::print(&removed(chosen.len(), blocks.len(), bytes))
}

fn check(store: &Store, verify: &Verify) -> Result<(), Error> {
    let (others, chosen): (Vec<EntryListing>, Vec<EntryListing>) = chosen(store, &verify.keys, &[])?
        .into_iter()
        .partition(|listed| matches!(listed.entry, Err(Damage::OtherVersion(_))));
    let others = match others.len() {
        0 => String::new(),
        count => format!("; {count} of another version of ablate {} not looked at", agreeing(count, "was", "were")),
    };
    let mut damaged = Vec::new();
    for EntryListing { key, entry, .. } in &chosen {
        let checked = entry.as_ref().map_err(Clone::clone).and_then(|entry| store.check(entry));
        damaged.extend(checked.err().map(|damage| format!("{}: {damage}", short(key))));
    }
    match damaged.is_empty() {
        true => super::print::print(&format!(
            "{}, {}{others}\n",
            counted(chosen.len(), "entry"),
            agreeing(chosen.len(), "whole", "all whole")
        )),
        false => {
            let problem = format!(
                "{} of {} {} damaged: {}",
                damaged.len(),
                counted(chosen.len(), "entry"),
                agreeing(damaged.len(), "is", "are"),
                damaged.join("; ")
            );
            Err(Error::failed(about(store))(
                problem + "; the next run computes them again, and `ablate store gc` removes them",
            ))
        }
    }
}

/// The entries whose keys begin so; all without any. `others` are keys of what is no entry.
fn chosen(store: &Store, keys: &[String], others: &[&str]) -> Result<Vec<EntryListing>, Error> {
    let listed = all(store)?;
    let known = |start: &&String| {
        listed.iter().map(|listed| listed.key.as_str()).chain(others.iter().copied()).any(|key| key.starts_with(*start))
    };
    if let Some(unknown) = keys.iter().find(|key| !known(key)) {
        let problem = format!("no entry has a key that begins with '{unknown}'; `ablate store ls` lists the keys");
        return Err(Error::refused(about(store))(problem));
    }
    Ok(listed.into_iter().filter(|listed| begins_so(&listed.key, keys)).collect())
}

/// Whether a key begins with one of these; so does every key if there are none.
fn begins_so(key: &str, starts: &[String]) -> bool {
    starts.is_empty() || starts.iter().any(|start| key.starts_with(start.as_str()))
}

fn short(key: &str) -> &str {
    key.get(..12).unwrap_or(key)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.1} kB", bytes / 1e3),
    }
}

//! This machine and its processes: what tells them apart from those of other machines.

use std::path::Path;

/// The machine's name in the network.
pub(crate) fn host() -> String {
    let name =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    name.map_or_else(|_| "this machine".into(), |name| name.trim().to_string())
}

/// Where numbers of processes mean the same: a start of a machine, and the namespace within it (containers have their own). `None`
/// where the system does not say.
pub(crate) fn space() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

/// When a process began, in ticks since the machine did. `None` where it is no more, or the system does not say.
pub(crate) fn process_start(process: u32) -> Option<u64> {
    let (state, start) = stat(process)?;
    // What has ended and is only not yet asked about by who began it does nothing any more.
    (state != "Z" && state != "X").then_some(start)
}

/// Whether the process of this number that began then is still there. `None` where the system does not say.
pub(crate) fn is_alive(process: u32, began: Option<u64>) -> Option<bool> {
    if !Path::new("/proc/self/stat").exists() {
        return None;
    }
    Some(match (process_start(process), began) {
        (Some(start), Some(began)) => start == began,
        (start, _) => start.is_some(),
    })
}

/// State and start of a process: fields 3 and 22 of proc(5), counted after the name, which may have anything in it.
fn stat(process: u32) -> Option<(String, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(((*fields.first()?).to_string(), fields.get(19)?.parse().ok()?))
}

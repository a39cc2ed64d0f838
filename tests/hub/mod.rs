//! Models by name: from a prepared cache without a network, and downloaded from a hub (a small one on loopback).

mod cached;
mod downloaded;
mod server;

use std::collections::HashMap;
use std::path::Path;

use ablate::model::hub::Hub;

/// A hub as the environment variables in `vars` say, with the cache in `home`.
fn hub(home: &Path, vars: &[(&str, &str)]) -> Hub {
    let home = home.display().to_string();
    let mut all: HashMap<&str, &str> = HashMap::from([("HF_HOME", &*home)]);
    all.extend(vars.iter().copied());
    Hub::from_vars(|name| all.get(name).map(|value| value.to_string())).unwrap().quiet()
}

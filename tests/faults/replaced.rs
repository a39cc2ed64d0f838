//! New results in the place of old ones: never a mixture, whenever the run is ended, and nothing of the old ones is left by surprise.

use super::SPEC;
use crate::support::{Sandbox, files_below, says, wait_until};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FIGURE: &str = r#"
[[figure]]
name = "first"
kind = "bars"
from = "heads"
x = "component"
y = "mean"
"#;

/// Everything below a folder but what is hidden.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = files_below(folder);
    let hidden =
        |path: &PathBuf| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".ablate"));
    let named = |path: PathBuf| (path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
    found.into_iter().filter(|path| !hidden(path)).map(named).collect()
}

fn with_figure() -> Sandbox {
    Sandbox::stored(&format!("{SPEC}{FIGURE}"))
}

#[test]
fn what_the_new_run_does_not_make_goes_and_is_named() {
    let sandbox = with_figure();
    sandbox.ran();
    let figures = sandbox.at("results/spec/figures");
    fs::write(figures.join("mine.svg"), "a user's own").unwrap();
    sandbox.edit("spec.toml", "\"first\"", "\"second\"");
    let ran = sandbox.ran();
    let line =
        "removed, because the previous run made them and this one does not: figures/first.svg, figures/first.png";
    assert!(ran.text.contains(line), "{}", ran.text);
    let mut left: Vec<_> = fs::read_dir(&figures).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["mine.svg", "second.png", "second.svg"]);
}

#[test]
fn what_someone_has_changed_stays_and_is_named() {
    let sandbox = with_figure();
    sandbox.ran();
    let figure = sandbox.at("results/spec/figures/first.svg");
    fs::write(&figure, "with a user's label").unwrap();
    sandbox.edit("spec.toml", "\"first\"", "\"second\"");
    let ran = sandbox.ran();
    assert!(
        ran.text.contains("note: these files are of the previous run and not of this one") && figure.exists(),
        "{}",
        ran.text
    );
    assert!(!figure.with_extension("png").exists());
}

/// A part that failed leaves the files of before; the run that makes everything takes them away.
#[test]
fn files_of_a_part_that_failed_go_with_the_next_whole_run() {
    let sandbox = with_figure();
    sandbox.ran();
    sandbox.edit("spec.toml", "\"first\"", "\"second\"");
    let blocked = sandbox.at("results/spec/figures/second.svg");
    fs::create_dir_all(&blocked).unwrap();
    sandbox.run(&["run", "spec.toml"]).failed();
    let first = sandbox.at("results/spec/figures/first.svg");
    assert!(first.exists(), "the run failed");
    assert!(sandbox.report().contains("What failed"));
    fs::remove_dir(&blocked).unwrap();
    let ran = sandbox.ran();
    assert!(!first.exists() && ran.text.contains("removed, because the previous run"), "{}", ran.text);
}

/// A run over results that is killed, whenever that is: the old ones are whole, or the new ones.
#[test]
fn a_run_that_is_killed_leaves_one_whole_set() {
    let sandbox = with_figure();
    sandbox.ran();
    let folder = sandbox.at("results/spec");
    let old = contents(&folder);
    sandbox.edit("spec.toml", "\"first\"", "\"second\"");
    sandbox.edit("spec.toml", "sample = 40", "sample = 41");
    let began = std::time::Instant::now();
    sandbox.run_into("elsewhere", &["--no-store"]);
    let whole = began.elapsed();
    let (mut killed, mut said) = (0, 0);
    for part in 1..12 {
        let mut child = sandbox.command(&["run", "spec.toml", "--no-store", "--quiet"]).spawn().unwrap();
        std::thread::sleep(whole * part / 11);
        let _ = child.kill();
        let ended = child.wait().unwrap();
        sandbox.run(&["verify", "results/spec", "--files"]).ok();
        if ended.success() {
            assert!(folder.join("figures/second.svg").exists() && !folder.join("figures/first.svg").exists());
            break;
        }
        killed += 1;
        if folder.join("figures/first.svg").exists() {
            assert!(contents(&folder) == old, "the old ones, to the bit");
        }
        if folder.join(".ablate-unfinished/run.json").exists() {
            let verified = sandbox.run(&["rerun", "results/spec", "--into", "again", "--no-store"]);
            assert!(verified.text.contains("was killed or interrupted before it was done"), "{}", verified.text);
            said += 1;
        }
    }
    assert!(killed > 0 && said > 0, "{killed} kills, {said} that left something");
    sandbox.ran();
    assert!(!folder.join(".ablate-unfinished").exists() && folder.join("figures/second.svg").exists());
}

/// Killed while the new files take the places of the old ones: the next command about the folder goes on with it.
#[test]
fn a_kill_between_two_files_is_mended_by_who_comes_next() {
    for command in
        [["verify", "results/spec", "--files"], ["diff", "results/spec", "new"], ["run", "spec.toml", "--quiet"]]
    {
        let sandbox = with_figure();
        sandbox.ran();
        sandbox.edit("spec.toml", "\"first\"", "\"second\"");
        sandbox.run_into("new", &[]);
        let (old, new) = (sandbox.at("results/spec"), sandbox.at("new"));
        let moved = files_below(&new);
        for (number, from) in moved.iter().enumerate() {
            // Every other file has its place already.
            let below = from.strip_prefix(&new).unwrap();
            let to = match number % 2 == 0 && !below.ends_with("manifest.json") {
                true => old.join(below),
                false => old.join(".ablate-complete").join(below),
            };
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
        let goes = r#"{"removed":["figures/first.svg","figures/first.png","../outside"],"changed":[]}"#;
        fs::write(old.join(".ablate-complete/superseded.json"), goes).unwrap();
        sandbox.write("results/outside", "nobody's business");
        sandbox.run(&command).ok();
        assert!(!old.join(".ablate-complete").exists() && sandbox.has("results/outside"));
        let rows = |folder: &Path| -> Vec<_> {
            contents(folder).into_iter().filter(|(path, _)| path.components().count() > 1).collect()
        };
        assert!(rows(&old) == rows(&new), "{command:?}");
    }
}

/// A first run that is killed leaves a file that says so, and who asks for its results is told.
#[test]
fn results_of_a_first_run_that_was_killed() {
    let sandbox = with_figure();
    let mut child = sandbox.command(&["run", "spec.toml", "--no-store", "--quiet"]).spawn().unwrap();
    let begun = sandbox.at("results/spec/.ablate-unfinished/run.json");
    wait_until(&mut child, || begun.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    for command in ["verify", "rerun"] {
        says(sandbox.run(&[command, "results/spec"]).refused(), ["killed or interrupted", "`ablate run spec.toml`"]);
    }
}

/// A second run of the same changes no file that a repository would have.
#[test]
fn the_same_again_changes_no_file() {
    let sandbox = with_figure();
    sandbox.ran();
    let folder = sandbox.at("results/spec");
    let first = contents(&folder);
    std::thread::sleep(Duration::from_millis(1100));
    let ran = sandbox.ran();
    assert!(ran.text.contains("the results are identical to those of the run of 20"), "{}", ran.text);
    assert!(contents(&folder) == first);
    // Files that are not kept are made again, and no other is touched.
    fs::remove_file(folder.join("figures/first.png")).unwrap();
    fs::remove_file(folder.join("report.html")).unwrap();
    sandbox.ran();
    assert!(contents(&folder) == first);
    sandbox.run(&["run", "spec.toml", "--force"]).ok();
    let forced = contents(&folder);
    assert!(forced != first && forced.keys().eq(first.keys()), "the manifest says when");
    sandbox.edit("spec.toml", "sample = 40", "sample = 41");
    let ran = sandbox.ran();
    assert!(!ran.text.contains("are identical to those"), "{}", ran.text);
}

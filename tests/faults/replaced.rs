//! New results in the place of old ones: never a mixture, whenever the run is ended, and nothing of the old ones is left by surprise.

use super::SPEC;
use crate::store::{Place, Ran, files};
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
    let mut found = Vec::new();
    files(folder, &mut found);
    let hidden =
        |path: &PathBuf| path.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".ablate"));
    let named = |path: PathBuf| (path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
    found.into_iter().filter(|path| !hidden(path)).map(named).collect()
}

fn with_figure() -> Place {
    Place::with(&format!("{SPEC}{FIGURE}"))
}

fn edit(place: &Place, from: &str, to: &str) {
    let path = place.path().join("spec.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn run(place: &Place) -> Ran {
    let ran = place.ablate(&["run", "spec.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    ran
}

#[test]
fn what_the_new_run_does_not_make_goes_and_is_named() {
    let place = with_figure();
    run(&place);
    let figures = place.path().join("results/spec/figures");
    fs::write(figures.join("mine.svg"), "a user's own").unwrap();
    edit(&place, "\"first\"", "\"second\"");
    let ran = run(&place);
    let line = "removed, as the run before made them and this one does not: figures/first.svg, figures/first.png";
    assert!(ran.text.contains(line), "{}", ran.text);
    let mut left: Vec<_> = fs::read_dir(&figures).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["mine.svg", "second.png", "second.svg"]);
}

#[test]
fn what_someone_has_changed_stays_and_is_named() {
    let place = with_figure();
    run(&place);
    let figure = place.path().join("results/spec/figures/first.svg");
    fs::write(&figure, "with a user's label").unwrap();
    edit(&place, "\"first\"", "\"second\"");
    let ran = run(&place);
    assert!(ran.text.contains("note: left, as someone has changed them") && figure.exists(), "{}", ran.text);
    assert!(!figure.with_extension("png").exists());
}

/// A part that failed leaves the files of before; the run that makes everything takes them away.
#[test]
fn files_of_a_part_that_failed_go_with_the_next_whole_run() {
    let place = with_figure();
    run(&place);
    edit(&place, "\"first\"", "\"second\"");
    let blocked = place.path().join("results/spec/figures/second.svg");
    fs::create_dir_all(&blocked).unwrap();
    let ran = place.ablate(&["run", "spec.toml"]);
    assert_eq!(ran.code, Some(1), "{}", ran.text);
    let first = place.path().join("results/spec/figures/first.svg");
    assert!(first.exists(), "the run failed");
    assert!(fs::read_to_string(place.path().join("results/spec/report.md")).unwrap().contains("What failed"));
    fs::remove_dir(&blocked).unwrap();
    let ran = run(&place);
    assert!(!first.exists() && ran.text.contains("removed, as the run before"), "{}", ran.text);
}

/// A run over results that is killed, whenever that is: the old ones are whole, or the new ones.
#[test]
fn a_run_that_is_killed_leaves_one_whole_set() {
    let place = with_figure();
    run(&place);
    let folder = place.path().join("results/spec");
    let old = contents(&folder);
    edit(&place, "\"first\"", "\"second\"");
    edit(&place, "sample = 40", "sample = 41");
    let began = std::time::Instant::now();
    place.run("elsewhere", &["--no-store"]);
    let whole = began.elapsed();
    let (mut killed, mut said) = (0, 0);
    for part in 1..12 {
        let mut child = place.command(&["run", "spec.toml", "--no-store", "--quiet"]).spawn().unwrap();
        std::thread::sleep(whole * part / 11);
        let _ = child.kill();
        let ended = child.wait().unwrap();
        let checked = place.ablate(&["verify", "results/spec", "--files"]);
        assert_eq!(checked.code, Some(0), "{}", checked.text);
        if ended.success() {
            assert!(folder.join("figures/second.svg").exists() && !folder.join("figures/first.svg").exists());
            break;
        }
        killed += 1;
        if folder.join("figures/first.svg").exists() {
            assert!(contents(&folder) == old, "the old ones, to the bit");
        }
        if folder.join(".ablate-unfinished").exists() {
            let verified = place.ablate(&["rerun", "results/spec", "--into", "again", "--no-store"]);
            assert!(verified.text.contains("was killed or interrupted before it was done"), "{}", verified.text);
            said += 1;
        }
    }
    assert!(killed > 0 && said > 0, "{killed} kills, {said} that left something");
    run(&place);
    assert!(!folder.join(".ablate-unfinished").exists() && folder.join("figures/second.svg").exists());
}

/// Killed while the new files take the places of the old ones: the next command about the folder goes on with it.
#[test]
fn a_kill_between_two_files_is_mended_by_who_comes_next() {
    for command in
        [["verify", "results/spec", "--files"], ["diff", "results/spec", "new"], ["run", "spec.toml", "--quiet"]]
    {
        let place = with_figure();
        run(&place);
        edit(&place, "\"first\"", "\"second\"");
        place.run("new", &[]);
        let (old, new) = (place.path().join("results/spec"), place.path().join("new"));
        let mut moved = Vec::new();
        files(&new, &mut moved);
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
        place.write("results/outside", "nobody's business");
        let ran = place.ablate(&command);
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        assert!(!old.join(".ablate-complete").exists() && place.path().join("results/outside").exists());
        let rows = |folder: &Path| -> Vec<_> {
            contents(folder).into_iter().filter(|(path, _)| path.components().count() > 1).collect()
        };
        assert!(rows(&old) == rows(&new), "{command:?}");
    }
}

/// A first run that is killed leaves a file that says so, and who asks for its results is told.
#[test]
fn results_of_a_first_run_that_was_killed() {
    let place = with_figure();
    let mut child = place.command(&["run", "spec.toml", "--no-store", "--quiet"]).spawn().unwrap();
    let begun = place.path().join("results/spec/.ablate-unfinished/run.json");
    while !begun.exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for command in ["verify", "rerun"] {
        let ran = place.ablate(&[command, "results/spec"]);
        assert_eq!(ran.code, Some(2), "{}", ran.text);
        assert!(
            ran.text.contains("killed or interrupted") && ran.text.contains("`ablate run spec.toml`"),
            "{}",
            ran.text
        );
    }
}

/// A second run of the same changes no file that a repository would have.
#[test]
fn the_same_again_changes_no_file() {
    let place = with_figure();
    run(&place);
    let folder = place.path().join("results/spec");
    let first = contents(&folder);
    std::thread::sleep(Duration::from_millis(1100));
    let ran = run(&place);
    assert!(ran.text.contains("they are to the bit those of the run of 20"), "{}", ran.text);
    assert!(contents(&folder) == first);
    // Files that are not kept are made again, and no other is touched.
    fs::remove_file(folder.join("figures/first.png")).unwrap();
    fs::remove_file(folder.join("report.html")).unwrap();
    run(&place);
    assert!(contents(&folder) == first);
    let ran = place.ablate(&["run", "spec.toml", "--force"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text);
    let forced = contents(&folder);
    assert!(forced != first && forced.keys().eq(first.keys()), "the manifest says when");
    edit(&place, "sample = 40", "sample = 41");
    let ran = run(&place);
    assert!(!ran.text.contains("to the bit"), "{}", ran.text);
}

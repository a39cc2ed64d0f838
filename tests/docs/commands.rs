//! Commands that pages show. A block ```` ```console ```` has commands behind `$ `, each followed by what it prints. Those of one page
//! run one after the other in one folder, and must print what the page says; where nothing is shown they must end well. Behind `console` a
//! page may say:
//!
//! - `exit 2`: the code that the commands end with;
//! - `needs PATH`: run only by the slow test, which has models;
//! - `skip: REASON`: not run. Its flags and the files it names are checked all the same.
//!
//! A block ```` ```toml NAME ```` is written to the file of that name, for the commands after it.
//!
//! A line that is only `…` stands for any lines, and `…` within a line for any text. Times, dates, and numbers that depend on the machine
//! are taken as the same, and progress on the way is left out.

use super::page::{Block, Page};
use crate::support::{ABLATE, Sandbox, files_below, repository};
use regex::Regex;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// What a page says of a block of commands.
enum Plan<'a> {
    Run { exit: i32 },
    Needs(&'a str),
    Skip(&'a str),
}

fn plan(info: &str) -> Option<Plan<'_>> {
    let rest = info.strip_prefix("console")?.trim();
    if let Some(reason) = rest.strip_prefix("skip:") {
        return Some(Plan::Skip(reason.trim()));
    }
    if let Some(path) = rest.strip_prefix("needs ") {
        return Some(Plan::Needs(path.trim()));
    }
    let exit = match rest.strip_prefix("exit ") {
        Some(code) => code.trim().parse().ok()?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    Some(Plan::Run { exit })
}

/// The commands of a block, each with the lines that follow it.
fn commands(block: &Block) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut goes_on = false;
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_string(), String::new())),
            (None, Some((command, _))) if goes_on => *command = format!("{command}\n{line}"),
            (None, Some((_, output))) => *output = format!("{output}{line}\n"),
            (None, None) => panic!("a block of commands begins with `$ `, not with {line:?}"),
        }
        goes_on = line.ends_with('\\');
    }
    found
}

/// What differs from run to run, and from machine to machine, written alike.
fn levelled(text: &str) -> String {
    let rules = [
        (r"\d+(\.\d+)? s\b", "# s"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "DATE UTC"),
        (r"(FLOP|-) +\d+\.\d+", "$1 #"),
        (r"\d+ MiB", "# MiB"),
        (r"\d+\.\d in all", "# in all"),
        (r"[ \t]+", " "),
        (r" +\n", "\n"),
    ];
    let progress = Regex::new(r": (\d+)/(\d+) .* \(\d+ s\)$").expect("a pattern");
    let under_way = |line: &&str| progress.captures(line).is_some_and(|counts| counts[1] != counts[2]);
    let text: Vec<&str> = text.trim().lines().filter(|line| !under_way(line)).collect();
    let text = rules.iter().fold(text.join("\n"), |text, (rule, with)| {
        Regex::new(rule).expect("a rule").replace_all(&text, *with).into_owned()
    });
    // The last word on progress may come twice.
    let mut lines: Vec<&str> = text.lines().collect();
    lines.dedup();
    lines.join("\n")
}

/// Whether this was printed. Blank lines at the ends do not count.
fn is_as_shown(shown: &str, printed: &str) -> bool {
    let mut pattern = String::from("^");
    for line in levelled(shown).lines() {
        pattern += &match line {
            "…" => r"(?:[^\n]*\n)*?".to_string(),
            _ => format!("{}\n", regex::escape(line).replace('…', r"[^\n]*")),
        };
    }
    Regex::new(&(pattern + "$")).expect("a pattern").is_match(&(levelled(printed) + "\n"))
}

/// A folder as the root of the repository is, but for `results/`, of which it has copies of what the page's commands name.
fn folder(page: &Page, with_models: bool) -> Sandbox {
    let sandbox = Sandbox::empty();
    for name in ["experiments", "schema", "tests", "scripts", "docs", "examples", "benches"] {
        symlink(repository(name), sandbox.at(name)).expect("a link");
    }
    if with_models {
        symlink(repository("models"), sandbox.at("models")).expect("a link");
    }
    let names = Regex::new(r"\bresults/([\w-]+)").expect("a pattern");
    for block in page.blocks() {
        if plan(&block.info).is_none() {
            continue;
        }
        let typed: String = commands(&block).into_iter().map(|(command, _)| command + "\n").collect();
        for name in names.captures_iter(&typed).map(|found| found[1].to_string()) {
            let from = repository("results").join(&name);
            for file in files_below(&from) {
                let below = Path::new("results").join(&name).join(file.strip_prefix(&from).expect("below it"));
                if !sandbox.has(&below) {
                    sandbox.write(&below, fs::read(&file).expect("a result"));
                }
            }
        }
    }
    sandbox
}

/// A command in a shell whose `ablate` is the binary of this build. Both streams come back in the order in which they were written.
fn shell(sandbox: &Sandbox, script: &str, store: &Path) -> (Option<i32>, String) {
    let mut bash = sandbox.program("bash");
    let search = format!(
        "{}:{}",
        Path::new(ABLATE).parent().expect("its folder").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    bash.args(["-c", &format!("exec 2>&1\n{script}")]).env("PATH", search).env("ABLATE_CACHE", store);
    let ended = bash.output().expect("bash runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// Runs the blocks of a page; what is not as the page says.
fn differences(page: &Page, with_models: bool) -> Vec<String> {
    let mut differences = Vec::new();
    let sandbox = folder(page, with_models);
    let store = sandbox.at("store");
    for block in page.blocks() {
        if let Some(name) = block.info.strip_prefix("toml ") {
            sandbox.write(name, &block.text);
        }
        let exit = match plan(&block.info) {
            Some(Plan::Run { exit }) => exit,
            Some(Plan::Needs(_)) if with_models => 0,
            _ => continue,
        };
        for (command, shown) in commands(&block) {
            let (code, printed) = shell(&sandbox, &command, &store);
            let right = code == Some(exit) && (shown.trim().is_empty() || is_as_shown(&shown, &printed));
            if !right {
                let place = format!("{}:{}", page.path.display(), block.line);
                differences.push(format!("{place}: $ {command}\nended with {code:?} and printed\n{printed}"));
            }
        }
    }
    differences
}

#[test]
fn commands_print_what_the_page_says() {
    let differences: Vec<String> = Page::all().iter().flat_map(|page| differences(page, false)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
#[ignore = "needs models/: scripts/fetch-smollm2.sh, scripts/fetch-gemma3.sh"]
fn commands_on_models_print_what_the_page_says() {
    let needs = |page: &&Page| page.blocks().iter().any(|block| matches!(plan(&block.info), Some(Plan::Needs(_))));
    let differences: Vec<String> = Page::all().iter().filter(needs).flat_map(|page| differences(page, true)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// No command stands outside of `console`, and each block that is not run says why.
#[test]
fn every_command_is_run_or_says_why_not() {
    let typed = Regex::new(r"(?m)^(\$ |target/release/)*ablate [a-z]").expect("a pattern");
    let mut wrong = Vec::new();
    for page in Page::all().iter().filter(|page| page.path != Path::new("CHANGELOG.md")) {
        for block in page.blocks() {
            let place = format!("{}:{}", page.path.display(), block.line);
            match plan(&block.info) {
                Some(Plan::Skip("") | Plan::Needs("")) => wrong.push(format!("{place}: say why it is not run")),
                None if block.info.starts_with("console") => {
                    wrong.push(format!("{place}: 'exit CODE', 'needs PATH' or 'skip: REASON', not '{}'", block.info));
                }
                None if !block.info.starts_with("toml") && typed.is_match(&block.text) => {
                    wrong.push(format!("{place}: write ```console, and `$ ` before each command"));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Commands that are not run have flags that there are, and name files that there are.
#[test]
fn commands_that_are_not_run_could_be() {
    let sandbox = Sandbox::empty();
    let files = Regex::new(r"(?:^|[ =])((?:experiments|scripts|tests|benches)/[\w./-]+)").expect("a pattern");
    let mut wrong = Vec::new();
    for page in Page::all() {
        for block in
            page.blocks().iter().filter(|block| matches!(plan(&block.info), Some(Plan::Skip(_) | Plan::Needs(_))))
        {
            for (command, _) in commands(block) {
                let place = format!("{}:{}: $ {command}", page.path.display(), block.line);
                for file in files.captures_iter(&command).map(|found| found[1].to_string()) {
                    if !repository(&file).exists() {
                        wrong.push(format!("{place}\nno {file}"));
                    }
                }
                if !command.starts_with("ablate ") || command.contains("$(") {
                    continue;
                }
                // Flags before `--help` are read before it is answered.
                let script = format!("ablate() {{ command ablate \"$@\" --help; }}\n{command}");
                let (code, printed) = shell(&sandbox, &script, &sandbox.at("store"));
                if code != Some(0) {
                    wrong.push(format!("{place}\n{printed}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_shown_is_compared() {
    assert!(is_as_shown("a (1 s)\nb", "a (20.5 s)\nb\n"));
    assert!(is_as_shown("a\n…\nd", "a\nb\nc\nd\n"));
    assert!(is_as_shown("a … d", "a b c d"));
    for (shown, printed) in
        [("a\nb", "a\nc"), ("a", "a\nb"), ("a\n…\nd", "a\nb\nc"), ("a 1.5", "a 1.6"), ("a … d", "a\nd")]
    {
        assert!(!is_as_shown(shown, printed), "{shown:?} {printed:?}");
    }
}

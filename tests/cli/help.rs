//! What a user sees who asks for help.

use crate::support::Sandbox;

fn told(arguments: &[&str]) -> String {
    Sandbox::empty().run(arguments).ok().out
}

/// The names of the subcommands, as the help lists them.
fn commands() -> Vec<String> {
    let help = told(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(String::from).collect()
}

#[test]
fn every_help_fits_a_screen_and_has_examples() {
    assert!(commands().len() >= 11, "{:?}", commands());
    for command in commands().iter().filter(|command| *command != "help") {
        let help = told(&[command, "--help"]);
        assert!(help.lines().count() <= 40, "{command}: {} lines\n{help}", help.lines().count());
        assert!(help.contains("Examples:"), "{command}:\n{help}");
    }
    let help = told(&["--help"]);
    assert!(help.lines().count() <= 40 && help.contains("Examples:"), "{help}");
}

#[test]
fn lists_have_a_line_for_each() {
    for (what, least, name) in [
        ("steps", 20, "activation-patching"),
        ("figures", 4, "heatmap-grid"),
        ("measures", 12, "faithfulness"),
        ("hooks", 25, "blocks.N.attn.hook_z"),
        ("models", 10, "builtin:arith"),
        ("operators", 4, "floor division"),
        ("specs", 20, "paper/fig02-effects"),
        ("tables", 8, "prompts"),
    ] {
        let list = told(&["list", what]);
        assert!(list.lines().count() >= least && list.contains(name), "{what}:\n{list}");
        assert!(list.lines().all(|line| line.chars().count() <= 200), "{what}:\n{list}");
        let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(names.iter().enumerate().all(|(index, name)| !names[..index].contains(name)), "{what}: twice\n{list}");
    }
}

#[test]
fn shells_complete_commands_and_names() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = told(&["completions", shell]);
        assert!(script.contains("explain"), "{shell}");
        // Not every shell is told the words of an argument without a flag.
        assert!(script.contains("activation-patching") || !["bash", "zsh"].contains(&shell), "{shell}");
    }
}

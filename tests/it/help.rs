//! What the program says of itself.

use crate::harness::{Project, table};

const COMMANDS: [&str; 10] = ["", "check", "collect", "explain", "eval", "facts", "list", "test", "init", "schema"];

#[test]
fn every_command_has_help_with_an_example() {
    let nowhere = Project::empty().write();
    let said = table(COMMANDS.map(|command| {
        let arguments: Vec<_> = [command, "--help"].into_iter().filter(|argument| !argument.is_empty()).collect();
        let run = nowhere.run(&arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{command}");
        assert!(run.stdout.contains("Example"), "{command}: {run}");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{command}: {run}");
        (if command.is_empty() { "stillholds" } else { command }, run.shown())
    }));
    insta::assert_snapshot!(said);
}

#[test]
fn no_command_is_without_its_help() {
    let run = Project::empty().write().run(&["--help"]);
    let listed = run.stdout.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What goes on in the next line is indented further.
    let listed: Vec<_> =
        listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(listed, COMMANDS[1..]);
}

#[test]
fn the_version() {
    let run = Project::empty().write().run(&["--version"]);
    assert_eq!(run.stdout, concat!("stillholds ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(run.code, Some(0));
}

#[test]
fn usage_is_said_with_exit_code_2() {
    let nowhere = Project::empty().write();
    let usages: [(&str, &[&str]); 7] = [
        ("no command", &[]),
        ("an unknown command", &["chekc"]),
        ("an unknown flag", &["check", "--alow-unknown"]),
        ("an unknown format", &["check", "-o", "jsn"]),
        ("no path", &["check", "-o", "json="]),
        ("no time", &["check", "--now", "yesterday"]),
        ("no limit", &["check", "--timeout", "0s"]),
    ];
    let said = table(usages.map(|(title, arguments)| {
        let run = nowhere.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        (title, run.said())
    }));
    insta::assert_snapshot!(said);
}

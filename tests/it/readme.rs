//! The README shows what the tool prints: each block behind a `<!-- run: … -->` is the output of that command.

use std::{env, fs};

use crate::harness::{NOW_OF_EXAMPLES, Project, repository, run_in};

/// Set it to write the README anew.
const WRITE: &str = "STILLHOLDS_WRITE_README";

#[test]
fn the_readme_shows_what_the_tool_prints() {
    let path = repository().join("README.md");
    let text = fs::read_to_string(&path).expect("there is a README");
    let mut parts = text.split("<!-- run: ");
    let mut written = parts.next().unwrap_or_default().to_owned();
    let mut commands = 0;
    for part in parts {
        let (command, rest) = part.split_once(" -->\n```text\n").expect("a block follows the command");
        let (_, after) = rest.split_once("```\n").expect("the block ends");
        let mut arguments: Vec<_> = command.split(' ').collect();
        arguments.extend(["--now", NOW_OF_EXAMPLES]);
        let run = run_in(&repository(), &arguments);
        assert_eq!(run.stderr, "", "{command}");
        let output: String = run.stdout.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        written += &["<!-- run: ", command, " -->\n```text\n", &output, "```\n", after].concat();
        commands += 1;
    }
    assert!(commands >= 2, "the README shows output");
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &written).expect("the README can be written");
    } else {
        assert!(written == text, "the README is out of date: write it anew with `{WRITE}=1 cargo test readme`");
    }
}

/// The project that the README writes down is one: every file of it is read, and all of it holds.
#[test]
fn the_project_of_the_readme_holds() {
    let text = fs::read_to_string(repository().join("README.md")).expect("there is a README");
    let page =
        text.split("````markdown\n").nth(1).and_then(|rest| rest.split("````\n").next()).expect("there is a page");
    let mut project = Project::empty().with("docs/checkout.md", page);
    for block in text.split("```yaml\n# ").skip(1) {
        let (path, rest) = block.split_once('\n').expect("the first line names the file");
        let content = rest.split("```\n").next().unwrap_or_default().replace("9f2c…", "SHA256(traces.yaml)");
        project = project.with(path, content);
    }
    let run = project.check(&[]);
    let last = run.stdout.lines().last();
    let all = "5 assumptions: 0 decayed, 0 unknown, 0 eroding, 5 hold · 0 fail · exit 0";
    assert_eq!((last, run.stderr.as_str()), (Some(all), ""), "{run}");
    assert!(!run.stdout.contains("finding"), "{run}");
}

#[test]
fn the_readme_has_just_the_two_commands() {
    let text = fs::read_to_string(repository().join("README.md")).expect("there is a README");
    let commands: Vec<_> = text.lines().filter(|line| line.starts_with("cargo ")).collect();
    assert_eq!(commands, ["cargo run --release -- check -C examples/storefront", "cargo test"]);
}

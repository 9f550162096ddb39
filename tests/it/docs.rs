//! The pages about sources show what the tool prints: each is a project, collected and checked as it says.
#![cfg(unix)]

use std::{env, fs, path::Path};

use regex::Regex;
use serde_json::json;

use crate::{
    harness::{Project, repository},
    server::{Reply, Server},
};

/// Set it to write the pages anew.
const WRITE: &str = "STILLHOLDS_WRITE_DOCS";

/// A block behind a comment that says what it is.
struct Block<'p> {
    what: &'p str,
    text: &'p str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let parts = page.split("<!-- ").skip(1);
    parts
        .map(|part| {
            let (what, rest) = part.split_once(" -->\n").expect("the comment ends");
            let (_, rest) = rest.split_once('\n').expect("a fence begins");
            let (text, _) = rest.split_once("```\n").expect("the fence ends");
            Block { what, text }
        })
        .collect()
}

/// What differs from run to run, as it was at one time.
fn steady(text: &str) -> String {
    let rules = [
        (r"facts of \d{4}-\d\d-\d\d \d\d:\d\d UTC \([^)]*\)", "facts of 2026-11-21 12:00 UTC (1 s old)"),
        (r"facts/\d{4}-\d\d-\d\dT\d{6}Z", "facts/2026-11-21T120000Z"),
        (r"\b\d+ s old", "1 s old"),
        (r" +\n", "\n"),
    ];
    rules.iter().fold(text.to_owned(), |text, (rule, shown)| {
        Regex::new(rule).expect("the rule is valid").replace_all(&text, *shown).into_owned()
    })
}

/// The page with what its command prints.
fn written(name: &str, page: &str) -> String {
    let blocks = blocks(page);
    let answers: Vec<(String, String)> = blocks
        .iter()
        .filter_map(|block| Some((block.what.strip_prefix("answer: ")?.to_owned(), block.text.to_owned())))
        .collect();
    let server = Server::start(move |asked| {
        if asked.body.starts_with("query=time") {
            let now = jiff::Timestamp::now().as_second();
            let data = json!({"resultType": "scalar", "result": [now, now.to_string()]});
            return Reply::json(json!({"status": "success", "data": data}).to_string());
        }
        match answers.iter().find(|(path, _)| *path == asked.path) {
            Some((_, answer)) => Reply::json(answer.as_str()),
            None => Reply::new("404 Not Found", "", ""),
        }
    });
    let mut project = Project::empty();
    let mut run = None;
    let example = Regex::new(r"https://[a-z]+\.example").expect("the rule is valid");
    for block in &blocks {
        if let Some(path) = block.what.strip_prefix("file: ") {
            project = project.with(path, example.replace_all(block.text, server.origin.as_str()).into_owned());
        } else if block.what == "kubectl" {
            project = project.with("bin/kubectl", format!("#!/bin/sh\ncat <<'J'\n{}J\n", block.text));
        } else if let Some(command) = block.what.strip_prefix("run: ") {
            run = Some(command);
        }
    }
    let command = run.unwrap_or_else(|| panic!("{name} runs nothing"));
    let project = project.write();
    runnable(project.path());
    let path = format!("{}:/usr/bin:/bin", project.path().join("bin").display());
    let run = project.run_with(&[("PATH", &path)], &command.split(' ').collect::<Vec<_>>());
    assert!(run.code != Some(2) && run.stderr.contains(": ok after"), "{name}: {run}");
    let (before, rest) = page.split_once(&format!("<!-- run: {command} -->\n```text\n")).expect("the command is shown");
    let (_, after) = rest.split_once("```\n").expect("the block ends");
    let output = steady(&run.stdout);
    format!("{before}<!-- run: {command} -->\n```text\n{output}```\n{after}")
}

/// Lets scripts be run.
fn runnable(folder: &Path) {
    for script in ["disks.sh", "bin/kubectl"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        // A page has one of them or none.
        let _ = fs::set_permissions(folder.join(script), mode);
    }
}

#[test]
fn the_pages_about_sources_show_what_the_tool_prints() {
    let folder = repository().join("docs/sources");
    let mut pages: Vec<_> =
        fs::read_dir(&folder).expect("there are pages").map(|entry| entry.expect("it is read").path()).collect();
    pages.sort();
    assert!(pages.len() >= 5);
    for path in pages {
        let name = path.display().to_string();
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let shown = written(&name, &page);
        if env::var_os(WRITE).is_some() {
            fs::write(&path, &shown).unwrap_or_else(|error| panic!("{name}: {error}"));
        } else {
            assert!(shown == page, "{name} is out of date: write it anew with `{WRITE}=1 cargo test docs`\n{shown}");
        }
    }
}

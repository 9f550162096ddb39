//! Collecting by programs: those that the project names, and `kubectl`.
#![cfg(unix)]

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    collect::{newest, newest_shown, project, shown, steady},
    harness::Written,
};

fn script(written: &Written, name: &str, text: &str) {
    written.put(name, format!("#!/bin/sh\n{text}\n").as_bytes());
    fs::set_permissions(written.path().join(name), fs::Permissions::from_mode(0o755)).expect("it can be run");
}

#[test]
fn programs_run_only_with_the_consent_of_whoever_starts_them() {
    let written = project(
        "  - {source: capacity, kind: command, run: [\"./capacity.sh\", \"a b\", \"$HOME;`id`\"], env: [REGION, UNSET]}
  - {source: lines, kind: command, run: [printf, '{}\\n[1]\\n'], format: ndjson}
",
    )
    .write();
    script(
        &written,
        "capacity.sh",
        "touch ran; printf '{\"first\": \"%s\", \"second\": \"%s\", \"region\": \"%s\", \"other\": \"%s\"}' \"$1\" \"$2\" \"$REGION\" \"$OTHER\"",
    );
    let variables = [("REGION", "eu"), ("OTHER", "s3cret"), ("PATH", "/usr/bin:/bin")];
    let refused = written.run_with(&variables, &["collect"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(!written.path().join("ran").exists(), "nothing was run");
    let dry = written.run_with(&variables, &["collect", "--dry-run", "--allow-commands"]);
    let run = written.run_with(&variables, &["collect", "--allow-commands"]);
    assert_eq!(run.code, Some(0), "{run}");
    let read = |name: &str| serde_json::from_str::<serde_json::Value>(&newest(&written)[name]).expect("it is JSON");
    assert_eq!(
        read("capacity.json"),
        serde_json::json!({"first": "a b", "second": "$HOME;`id`", "region": "eu", "other": ""})
    );
    assert_eq!(read("lines.json"), serde_json::json!([{}, [1]]));
    let by_variable = [("STILLHOLDS_ALLOW_COMMANDS", "true"), ("PATH", "/usr/bin:/bin")];
    assert_eq!(written.run_with(&by_variable, &["collect"]).code, Some(0));
    insta::assert_snapshot!(steady(&format!("{}\n{}", refused.stdout, shown(&dry))));
}

#[test]
fn a_program_that_fails_fails_its_source() {
    let written = project(
        "  - {source: missing, kind: command, run: [\"./missing.sh\"]}
  - {source: nothing, kind: command, run: [\"true\"]}
  - {source: no_json, kind: command, run: [echo, hello]}
  - {source: angry, kind: command, run: [\"./angry.sh\"]}
  - {source: slow, kind: command, run: [sleep, \"60\"], timeout: 1s}
  - {source: not_a_program, kind: command, run: [\"./data.txt\"]}
",
    )
    .with("data.txt", "x")
    .write();
    script(&written, "angry.sh", "echo first >&2; echo 'no access' >&2; exit 4");
    let run = written.run_with(&[("PATH", "/usr/bin:/bin")], &["collect", "--allow-commands"]);
    assert_eq!(run.code, Some(1), "{run}");
    insta::assert_snapshot!(steady(&run.stdout));
}

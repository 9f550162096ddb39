//! Collecting by programs: those that the project names, and `kubectl`.
#![cfg(unix)]

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    collect::{newest, newest_shown, project, shown, steady},
    harness::{Written, command_in},
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
  - {source: talkative, kind: command, run: [\"./talk.sh\"], env: [DB_PASSWORD]}
",
    )
    .with("data.txt", "x")
    .write();
    script(&written, "angry.sh", "echo first >&2; echo 'no access' >&2; exit 4");
    script(&written, "talk.sh", "echo \"login with $DB_PASSWORD refused\" >&2; exit 1");
    let variables = [("PATH", "/usr/bin:/bin"), ("DB_PASSWORD", "s3cret-word")];
    let run = written.run_with(&variables, &["collect", "--allow-commands"]);
    assert!(!run.to_string().contains("s3cret-word"), "{run}");
    assert_eq!(run.code, Some(1), "{run}");
    insta::assert_snapshot!(steady(&run.stdout));
}

#[test]
fn whoever_ends_the_run_ends_what_it_runs() {
    let written = project("  - {source: a, kind: command, run: [\"./a.sh\"]}\n").write();
    script(&written, "a.sh", "touch begun; sleep 2; touch survived");
    let mut running = command_in(written.path(), &["collect", "--allow-commands"])
        .env("PATH", "/usr/bin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while !written.path().join("begun").exists() {
        thread::sleep(Duration::from_millis(20));
    }
    let ended = Command::new("kill").args(["-INT", &running.id().to_string()]).status().expect("it runs");
    let status = running.wait().expect("it ends");
    assert!(ended.success() && status.signal() == Some(2), "{status}");
    thread::sleep(Duration::from_secs(3));
    assert!(!written.path().join("survived").exists());
}

const KUBECTL: &str = r#"case "$2" in
deployments) cat <<'J'
{"kind": "List", "apiVersion": "v1", "items": [
 {"kind": "Deployment", "apiVersion": "apps/v1",
  "metadata": {"name": "checkoutservice", "namespace": "shop", "managedFields": [{}],
   "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "s3cret", "team": "a"}},
  "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a", "args": ["--token=s3cret"], "env": [
    {"name": "DB_PASSWORD", "value": "s3cret"}, {"name": "PORT", "value": "80"},
    {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}]}],
   "volumes": [{"name": "v", "secret": {"secretName": "tls"}}], "imagePullSecrets": [{"name": "pull"}]}}},
  "status": {"observedGeneration": 1}},
 {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "batch", "namespace": "jobs"}}]}
J
;;
secrets) echo '{"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "api", "namespace": "shop"}, "data": {"token": "s3cret"}, "type": "Opaque"}]}' ;;
nodes) echo '{"kind": "List", "items": []}' ;;
pods) echo 'Error from server (Forbidden): pods is forbidden: User "ci" cannot list resource "pods"' >&2; exit 1 ;;
*) echo "error: the server doesn't have a resource type \"$2\"" >&2; exit 1 ;;
esac"#;

#[test]
fn kinds_of_a_cluster_are_parts() {
    let written = project(
        "  - {source: kubernetes, kind: kubernetes, kinds: [deployments, secrets, nodes, pods, widgets.example.test]}
aliases: {checkout: [checkoutservice]}
",
    )
    .write();
    script(&written, "bin/kubectl", KUBECTL);
    let path = format!("{}:/usr/bin:/bin", written.path().join("bin").display());
    let run = written.run_with(&[("PATH", &path)], &["collect", "--allow-commands"]);
    assert_eq!(run.code, Some(1), "{run}");
    assert!(!newest_shown(&written).contains("s3cret"), "{}", newest_shown(&written));
    insta::assert_snapshot!(steady(&format!("{}\n{}", run.stdout, newest_shown(&written))));

    let refused = written.run_with(&[("PATH", &path)], &["collect"]);
    assert!(refused.stdout.contains("allow it with `--allow-commands`"), "{refused}");
}

#[test]
fn namespaces_are_asked_one_by_one_and_options_cannot_be_smuggled_in() {
    let written =
        project("  - {source: k, kind: kubernetes, kinds: [deployments], namespaces: [shop, \"--kubeconfig=x\"]}\n")
            .write();
    script(&written, "bin/kubectl", "echo \"$@\" >> asked; echo '{\"kind\": \"List\", \"items\": []}'");
    let path = format!("{}:/usr/bin:/bin", written.path().join("bin").display());
    let run = written.run_with(&[("PATH", &path)], &["collect", "--allow-commands", "--timeout", "60s"]);
    assert_eq!(run.code, Some(0), "{run}");
    let asked = written.read("asked");
    for line in asked.lines() {
        assert!(line.starts_with("get deployments --output=json --namespace="), "{line}");
    }
    assert!(asked.contains("--namespace=--kubeconfig=x "), "{asked}");
    let bad = project("  - {source: k, kind: kubernetes, kinds: [\"--kubeconfig\"]}\n").write().run(&["collect"]);
    assert_eq!(bad.code, Some(2), "{bad}");
}

#[test]
fn files_of_a_cluster_need_no_program() {
    let written = project("  - {source: kubernetes, kind: kubernetes, files: \"dump/*\"}\n")
        .with("dump/a.json", r#"{"kind": "DeploymentList", "apiVersion": "apps/v1", "items": []}"#)
        .with(
            "dump/b.yaml",
            "kind: NetworkPolicy\nmetadata: {name: b}\n---\nkind: NetworkPolicy\nmetadata: {name: a}\n",
        )
        .with("dump/c.json", r#"{"kind": "List", "items": []}"#)
        .write();
    let run = written.run(&["collect"]);
    assert_eq!(run.code, Some(0), "{run}");
    insta::assert_snapshot!(steady(&format!("{}\n{}", run.stdout, newest_shown(&written))));
}

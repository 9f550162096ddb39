//! A check in a process of its own: what ends the process, or never ends, is one assumption's error.

use serde_json::Value;

use crate::harness::{NOW, Project};

const ENDLESS: &str = "package hostile

violation_memory contains \"x\" if count(numbers.range(0, input.svc.many)) < 3

violation_time contains \"x\" if count(net.cidr_expand(input.svc.net)) < 3

violation_good contains \"two\" if {
	some x in input.svc.list
	x == 2
}

holds_good if input.svc.many > 3
";

fn hostile() -> Project {
    Project::empty()
        .with("stillholds.yaml", "version: 1\npolicies: [p.rego]\n")
        .with("p.rego", ENDLESS)
        .with("facts/svc.json", r#"{"many": 1000000000000, "net": "0.0.0.0/0", "list": [1, 2]}"#)
}

#[test]
#[cfg(target_os = "linux")]
fn what_ends_the_process_is_the_error_of_one_assumption() {
    let run = hostile().check(&["--isolate", "--timeout", "1s", "-o", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    let of = |id: &str| {
        let all = report["assumptions"].as_array().into_iter().flatten();
        let found = all.into_iter().find(|judged| judged["id"] == id).unwrap_or_else(|| panic!("no {id}: {run}"));
        (word(&found["verdict"]), word(&found["reason"]), word(&found["message"]))
    };
    let (verdict, reason, message) = of("hostile/memory");
    assert_eq!((verdict.as_str(), reason.as_str()), ("unknown", "error"));
    assert!(message.starts_with("evaluation ended the process that did it: it needed more than "), "{message}");
    let (verdict, reason, message) = of("hostile/time");
    assert_eq!((verdict.as_str(), reason.as_str()), ("unknown", "error"));
    assert_eq!(message, "evaluation took longer than 1 s in one step and was ended");
    assert_eq!(of("hostile/good").0, "decayed");
    assert_eq!(report["summary"]["assumptions"], 3, "{run}");
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn where_nothing_goes_wrong_it_says_the_same() {
    let good = Project::good().write();
    let broken = Project::good().with("policies/calls.rego", "package shop\n\nviolation contains x if {\n").write();
    for (project, arguments) in [
        (&good, &[][..]),
        (&good, &["-o", "json"]),
        (&good, &["-o", "json=report.json", "-v"]),
        (&good, &["nothing"]),
        (&broken, &[]),
    ] {
        let here = project.check(arguments);
        let there = project.check(&[arguments, &["--isolate"]].concat());
        assert_eq!(here, there, "{arguments:?}");
    }
    assert!(good.read("report.json").contains("schema_version"));
    let run = good.run(&["check", "--now", NOW, "--isolate=no"]);
    assert_eq!(run, good.check(&[]));
}

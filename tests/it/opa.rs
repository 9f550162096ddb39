//! The real `opa` on the same queries and tests: what the tables say of its answers is true, and every answer of ours
//! that is another one is listed with its reason. Only run where the program is at hand.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::{
    eval,
    harness::repository,
    test::{self, DIFFERENT, outcomes},
};

fn opa(folder: &Path, arguments: &[&str]) -> Output {
    let program = std::env::var_os("STILLHOLDS_OPA").expect("STILLHOLDS_OPA names the program");
    Command::new(program).current_dir(folder).args(arguments).output().expect("it starts")
}

/// Its numbers as numbers: `1.5e3` is 1500.
fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, normal(value))).collect(),
        other => other,
    }
}

#[test]
#[ignore = "needs the program `opa`, which STILLHOLDS_OPA names"]
fn the_real_opa_answers_as_the_tables_say() {
    let folder = repository().join("tests/it/opa");
    for eval::Case { query, answer, reason, .. } in eval::cases() {
        // It would reach out.
        if !query.contains("http.send") {
            let output = opa(&folder, &["eval", &query, "-i", "input.json", "-d", "policy.rego"]);
            let got = match output.status.code() {
                Some(0) => serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{query}: {error}")),
                _ => Value::from("error"),
            };
            assert_eq!(normal(got), normal(answer), "{query}");
        }
        if let Some(reason) = reason {
            println!("eval `{query}`: {reason}");
        }
    }
    let output = opa(&folder.join("tests"), &["test", ".", "-f", "json"]);
    let tests: Value = serde_json::from_slice(&output.stdout).expect("its results are JSON");
    assert_eq!(outcomes(&tests), test::answers());
    for (name, _, reason) in DIFFERENT {
        println!("test `{name}`: {reason}");
    }
}

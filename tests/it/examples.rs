//! Every example is checked as a reader would: what it says is kept as a snapshot.

use std::{fs, path::PathBuf};

use crate::harness::{NOW_OF_EXAMPLES, repository, run_in};

fn examples() -> Vec<PathBuf> {
    let mut examples: Vec<_> = fs::read_dir(repository().join("examples"))
        .expect("there are examples")
        .map(|entry| entry.expect("the folder is read").path())
        .filter(|path| path.join("stillholds.yaml").is_file())
        .collect();
    examples.sort();
    assert!(!examples.is_empty());
    examples
}

#[test]
fn examples_say_what_they_said() {
    for example in examples() {
        let name = example.file_name().unwrap_or_default().to_string_lossy().into_owned();
        insta::assert_snapshot!(format!("{name}-check"), run_in(&example, &["check", "--now", NOW_OF_EXAMPLES]));
        insta::assert_snapshot!(
            format!("{name}-verbose"),
            run_in(&example, &["check", "-v", "--now", NOW_OF_EXAMPLES])
        );
        insta::assert_snapshot!(
            format!("{name}-json"),
            run_in(&example, &["check", "-o", "json", "--now", NOW_OF_EXAMPLES])
        );
        insta::assert_snapshot!(format!("{name}-list"), run_in(&example, &["list"]));
    }
}

#[test]
fn examples_show_all_four_verdicts() {
    let report = run_in(&repository().join("examples/storefront"), &["check", "-o", "json", "--now", NOW_OF_EXAMPLES]);
    let report: serde_json::Value = serde_json::from_str(&report.stdout).expect("the report is JSON");
    for verdict in ["holds", "eroding", "decayed", "unknown"] {
        assert_ne!(report["summary"][verdict], 0, "{verdict}");
    }
    // It says the same next year: only what is there to be stale has an age.
    let later =
        run_in(&repository().join("examples/storefront"), &["check", "-o", "json", "--now", "2027-11-23T00:00:00Z"]);
    let later: serde_json::Value = serde_json::from_str(&later.stdout).expect("the report is JSON");
    assert_eq!(report["summary"], later["summary"]);
}

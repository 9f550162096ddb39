//! Assumptions in Markdown: what is policy, what it says, and what is wrong with it.

use serde_json::Value;

use crate::harness::{Project, Run, table};

/// The good project with its assumptions in a page instead.
fn page(text: &str) -> Project {
    Project::good()
        .without("policies/")
        .with("stillholds.yaml", "version: 1\nname: shop\npolicies: [\"docs/*.md\"]\ndesign: [\"design/*.yaml\"]\n")
        .with("docs/page.md", text)
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"))
}

const PAGES: [(&str, &str); 16] = [
    (
        "a page with a heading and a paragraph",
        "# Checkout\n\nCheckout calls what it *declares*.\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.failed\n```\n",
    ),
    (
        "blocks of one package",
        "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if slow\n```\n\n## B\n\nMore.\n\n```rego\nslow if input.traces.failed\n```\n\n```rego\nviolation_b contains \"y\" if slow\n```\n",
    ),
    (
        "two packages, each continued",
        "# A\n\n```rego\npackage shop.a\n\nviolation contains \"x\" if input.traces.a\n```\n\n# B\n\n```rego\npackage shop.b\n\nviolation contains \"x\" if input.traces.b\n```\n\n```rego\nwarn contains \"y\" if input.traces.b\n```\n\n# A again\n\n```rego\npackage shop.a\n\nwarn contains \"y\" if input.traces.a\n```\n",
    ),
    (
        "tests and examples are not loaded",
        "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\n```rego test\npackage shop_test\n\nimport data.shop\n\ntest_a if count(shop.violation) == 0\n```\n\n```rego example\nviolation contains\n```\n\n```sh\nstillholds check\n```\n",
    ),
    ("tildes", "# A\n\n~~~ rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n~~~\n"),
    (
        "in a list and in a quotation",
        "# A\n\n1. First\n\n   ```rego\n   package shop\n\n   violation contains \"x\" if input.traces.a\n   ```\n\n> ```rego\n> package shop.b\n>\n> violation contains \"x\" if input.traces.b\n> ```\n",
    ),
    (
        "words of site generators",
        "# A\n\n```rego title=\"a.rego\" {1,3}\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n",
    ),
    (
        "headings of both kinds, with formatting",
        "Orders & `checkout`\n===================\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\nÜber *Größe*!\n---\n\n```rego\nviolation_b contains \"x\" if input.traces.b\n```\n\n## Über Größe\n\n```rego\nviolation_c contains \"x\" if input.traces.c\n```\n",
    ),
    ("no heading at all", "```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n"),
    (
        "METADATA goes before prose",
        "# A\n\nProse.\n\n```rego\n# METADATA\n# title: Said\n# description: Told\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n",
    ),
    (
        "front matter and comments",
        "---\ntitle: x\n---\n\n<!-- ```rego -->\n\n# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n",
    ),
    (
        "a fence that is indented, and one block that closes another's brace",
        "# A\n\n  ```rego\n  package shop\n\n  violation contains \"x\" if {\n    input.traces.a\n  ```\n\n```rego\n}\n```\n",
    ),
    (
        "lines end as on Windows",
        "# A\r\n\r\nProse.\r\n\r\n```rego\r\npackage shop\r\n\r\nviolation contains \"x\" if input.traces.a\r\n```\r\n",
    ),
    (
        "the package alone in the first block",
        "# A\n\n```rego\npackage shop\n\nimport data.design\n```\n\n# B\n\nSays.\n\n```rego\nviolation contains \"x\" if not input.traces.a in design.services\n```\n",
    ),
    (
        "the package once more in a later block",
        "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\n# B\n\n```rego\npackage shop\n\nviolation_b contains \"x\" if input.traces.b\n```\n",
    ),
    (
        "indented code and other languages are no policy",
        "# A\n\n    package q\n\n```regoo\npackage r\n```\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n",
    ),
];

#[test]
fn pages() {
    let said = table(PAGES.map(|(title, text)| {
        let run = page(text).write().run(&["list", "-o", "json"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{title}: {run}");
        let report = json(&page(text).check(&["-o", "json"]));
        let said = report["assumptions"].as_array().into_iter().flatten().map(|judged| {
            let location = &judged["location"];
            format!(
                "{} at {}:{}:{}\n  title {}\n  description {}\n  heading {} #{}\n",
                judged["id"],
                location["path"].as_str().unwrap_or("?"),
                location["line"],
                location["column"],
                judged["title"],
                judged["description"],
                judged["document"]["heading"],
                judged["document"]["anchor"].as_str().unwrap_or("?"),
            )
        });
        (title, said.collect())
    }));
    insta::assert_snapshot!(said);
}

const WRONG: [(&str, &str); 11] = [
    ("a fence that is not closed", "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n"),
    (
        "a mistake in a list, below others",
        "# A\n\n- First\n\n  ```rego\n  package shop\n\n  violation contains \"größe\" if startwith(input.traces.a, \"b\")\n  ```\n",
    ),
    (
        "a mistake in a quotation",
        "# A\n\n> ```rego\n> package shop\n>\n> violation contains \"x\" if {\n> \tinput.traces.a && input.traces.b\n> }\n> ```\n",
    ),
    (
        "a mistake in the second block",
        "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\n```rego\nviolation_b contains \"x\" {\n\tinput.traces.b\n}\n```\n",
    ),
    ("the first block names no package", "# A\n\n```rego\nviolation contains \"x\" if input.traces.a\n```\n"),
    (
        "an import in a later block",
        "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\n```rego\nimport data.design\n\nviolation_b contains \"x\" if not design.b\n```\n",
    ),
    ("another second word", "# A\n\n```rego tests\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n"),
    (
        "two METADATA blocks for a package",
        "# A\n\n```rego\n# METADATA\n# title: A\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\n```rego\n# METADATA\n# title: B\npackage shop\n\nviolation_b contains \"x\" if input.traces.b\n```\n",
    ),
    (
        "a fence that nobody uses",
        "# A\n\n```rego\npackage shop\n\nviolation contains \"x\" if input.traces.a\n```\n\n```rego\nslow if input.traces.b\n```\n",
    ),
    ("no page with a policy", "# A\n\nProse.\n"),
    (
        "METADATA that is wrong, in a list",
        "# A\n\n- First\n\n  ```rego\n  # METADATA\n  # custom:\n  #   assumption:\n  #     serverity: note\n  package shop\n\n  violation contains \"x\" if input.traces.a\n  ```\n",
    ),
];

#[test]
fn what_is_wrong_with_pages() {
    let said = table(WRONG.map(|(title, text)| {
        let run = page(text).check(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        (title, run.said())
    }));
    insta::assert_snapshot!(said);
}

#[test]
fn the_example_of_init_holds_until_one_number_changes() {
    let folder = Project::empty().write();
    assert_eq!(folder.run(&["init"]).code, Some(0));
    let holds = folder.check(&["-v"]);
    assert_eq!((holds.code, holds.stderr.as_str()), (Some(0), ""), "{holds}");
    insta::assert_snapshot!("init_holds", holds.stdout.replace(&name_of(&folder), "[NAME]"));
    let facts = folder.read("facts/load.json");
    let answers = [("450", "decayed", 1), ("380", "eroding", 0), ("null", "unknown", 3)];
    for (ms, verdict, code) in answers {
        folder.put("facts/load.json", facts.replace("310", ms).as_bytes());
        let run = folder.check(&["-o", "json"]);
        assert_eq!(run.code, Some(code), "{ms}: {run}");
        assert_eq!(json(&run)["assumptions"][0]["verdict"], verdict, "{ms}");
    }
    folder.put("facts/load.json", facts.replace("310", "450").as_bytes());
    insta::assert_snapshot!("init_decayed", folder.check(&[]).stdout.replace(&name_of(&folder), "[NAME]"));
}

/// The folder's name, which is the project's where its file says nothing else.
fn name_of(folder: &crate::harness::Written) -> String {
    folder.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

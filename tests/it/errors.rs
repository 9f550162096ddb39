//! What is wrong with what people wrote: the message, its place and its remedy, as they read them.

use crate::harness::{Project, table};

/// Checks each project, which the tool must refuse, and shows what it says.
fn refused<'a>(projects: impl IntoIterator<Item = (&'a str, Project)>) -> String {
    table(projects.into_iter().map(|(title, project)| {
        let run = project.check(&[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{title}: {run}");
        (title, run.said())
    }))
}

/// The good project with another policy.
fn policy(text: &str) -> Project {
    Project::good().with("policies/calls.rego", text)
}

/// What the parser finds.
const SYNTAX: [(&str, &str); 36] = [
    ("a body without `if`", "package p\n\nviolation contains \"x\" {\n\tinput.traces.failed\n}\n"),
    ("a set without `contains`", "package p\n\nviolation[\"x\"] {\n\tinput.traces.failed\n}\n"),
    ("a rule without `if`, in one line", "package p\n\nholds { input.traces.ok }\n"),
    ("`if` is missing before a bare condition", "package p\n\nholds input.traces.ok\n"),
    ("a brace is missing at the end", "package p\n\nviolation contains \"x\" if {\n\tinput.traces.failed\n"),
    ("a brace too many", "package p\n\nviolation contains \"x\" if {\n\tinput.traces.failed\n}}\n"),
    (
        "a bracket is missing in a call",
        "package p\n\nviolation contains \"x\" if {\n\tcount(input.traces.edges > 3\n}\n",
    ),
    (
        "a bracket is missing in a reference",
        "package p\n\nviolation contains \"x\" if {\n\tinput.traces[\"a\" > 3\n}\n",
    ),
    (
        "a comma is missing in an object",
        "package p\n\nviolation contains {\"msg\": \"x\" \"subject\": \"y\"} if input.traces.failed\n",
    ),
    ("a text is not closed", "package p\n\nviolation contains \"x if {\n\tinput.traces.failed\n}\n"),
    ("a text in single quotes", "package p\n\nviolation contains 'x' if input.traces.failed\n"),
    ("an unknown escape", "package p\n\nviolation contains \"x\" if regex.match(\"\\d+\", input.traces.name)\n"),
    ("`&&`", "package p\n\nviolation contains \"x\" if input.traces.a && input.traces.b\n"),
    ("`||`", "package p\n\nviolation contains \"x\" if input.traces.a || input.traces.b\n"),
    ("`!`", "package p\n\nviolation contains \"x\" if !input.traces.a\n"),
    ("`and`", "package p\n\nviolation contains \"x\" if input.traces.a and input.traces.b\n"),
    ("`for`", "package p\n\nviolation contains \"x\" if {\n\tfor edge in input.traces.edges\n\tedge.failed\n}\n"),
    ("`return`", "package p\n\nf(x) if {\n\treturn x > 3\n}\n"),
    ("`contain` for `contains`", "package p\n\nviolation contain \"x\" if input.traces.failed\n"),
    ("`iff` for `if`", "package p\n\nviolation contains \"x\" iff input.traces.failed\n"),
    (
        "`some` with `:=`",
        "package p\n\nviolation contains \"x\" if {\n\tsome edge := input.traces.edges\n\tedge.failed\n}\n",
    ),
    ("`in` twice", "package p\n\nviolation contains x if {\n\tsome x in in input.traces.edges\n}\n"),
    ("`:=` twice", "package p\n\nviolation contains x if {\n\tx := := input.traces.edges\n}\n"),
    ("`:=` with nothing behind it", "package p\n\nviolation contains x if {\n\tx :=\n}\n"),
    ("`some` without a list", "package p\n\nviolation contains x if {\n\tsome x in\n\tx.failed\n}\n"),
    ("`every` without a body", "package p\n\nholds if every edge in input.traces.edges\n"),
    (
        "`else if` on a line of its own as elsewhere",
        "package p\n\nlevel := 1 if {\n\tinput.traces.a\n} elif {\n\tinput.traces.b\n}\n",
    ),
    (
        "an interpolated string",
        "package p\n\nviolation contains $\"{name} is late\" if {\n\tname := input.traces.name\n}\n",
    ),
    ("an import behind a rule", "package p\n\nviolation contains \"x\" if input.traces.failed\n\nimport data.lib\n"),
    (
        "an import of what is no path",
        "package p\n\nimport \"lib\"\n\nviolation contains \"x\" if input.traces.failed\n",
    ),
    ("two packages", "package p\n\nviolation contains \"x\" if input.traces.failed\n\npackage q\n"),
    ("no package", "violation contains \"x\" if input.traces.failed\n"),
    ("an empty file", ""),
    ("prose", "This is not Rego.\n"),
    ("a character that Rego does not have", "package p\n\nviolation contains \"größer\" if input.traces.p99 ≥ 3\n"),
    (
        "brackets too deep",
        "package p\n\nviolation contains \"x\" if input.traces.a == [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
    ),
];

#[test]
fn syntax() {
    let said = refused(SYNTAX.map(|(title, text)| (title, policy(text))));
    insta::assert_snapshot!(said);
}

/// What is well-formed and cannot mean what it says.
const POLICIES: [(&str, &str); 59] = [
    ("an unknown function", "package p\n\nviolation contains \"x\" if startwith(input.traces.name, \"a\")\n"),
    (
        "an unknown function that resembles none",
        "package p\n\nviolation contains \"x\" if is_slow(input.traces.name)\n",
    ),
    (
        "a function of a package that is not imported",
        "package p\n\nviolation contains \"x\" if lib.is_slow(input.traces.name)\n",
    ),
    (
        "a helper misspelt",
        "package p\n\nviolation contains \"x\" if is_slwo(input.traces.p99)\n\nis_slow(ms) if ms > 400\n",
    ),
    (
        "a rule called as a function",
        "package p\n\nviolation contains \"x\" if slow(input.traces.name)\n\nslow if input.traces.p99 > 400\n",
    ),
    ("too few arguments", "package p\n\nviolation contains \"x\" if startswith(input.traces.name)\n"),
    (
        "too many arguments for a function of one's own",
        "package p\n\nviolation contains \"x\" if is_slow(input.traces.p99, 400, \"ms\")\n\nis_slow(ms) if ms > 400\n",
    ),
    (
        "an argument too many inside an expression",
        "package p\n\nviolation contains \"x\" if {\n\tedge := input.traces.edges[0]\n\tcount(edge.a, edge.b) > 3\n\tn := is_slow(edge.ms, 400)\n\tn == true\n}\n\nis_slow(ms) if ms > 400\n",
    ),
    (
        "an argument too many that is no outcome",
        "package p\n\nviolation contains \"x\" if startswith(input.traces.name, \"a\", \"b\")\n",
    ),
    (
        "a call to the outside",
        "package p\n\nviolation contains \"x\" if http.send({\"url\": input.traces.url, \"method\": \"get\"}).status_code != 200\n",
    ),
    ("the environment", "package p\n\nviolation contains \"x\" if opa.runtime().env.HOME == input.traces.home\n"),
    ("chance", "package p\n\nviolation contains \"x\" if rand.intn(\"x\", 6) == input.traces.number\n"),
    ("a built-in that only OPA has", "package p\n\nviolation contains \"x\" if io.jwt.decode(input.traces.token)\n"),
    (
        "a built-in of later versions",
        "package p\n\nviolation contains strings.render_template(\"{{.name}}\", input.traces) if input.traces.name\n",
    ),
    (
        "a name that nothing binds",
        "package p\n\nviolation contains \"x\" if {\n\tsome edge in input.traces.edges\n\tedgs.failed\n}\n",
    ),
    ("`inputs` for `input`", "package p\n\nviolation contains \"x\" if inputs.traces.failed\n"),
    ("a name that another file imports", "package p\n\nviolation contains \"x\" if lib.failed\n"),
    (
        "a variable of the head that nothing binds",
        "package p\n\nviolation contains {\"msg\": \"x\", \"subject\": name} if input.traces.failed\n",
    ),
    (
        "a variable only under `not`",
        "package p\n\nviolation contains \"x\" if {\n\tinput.traces.failed\n\tnot input.traces.names[name]\n\tname == \"a\"\n}\n",
    ),
    (
        "a variable of a comprehension with the name of a rule",
        "package p\n\nviolation contains \"x\" if count([edges | some edges in input.traces.edges]) > 3\n\nedges := input.traces.edges\n",
    ),
    (
        "a declared variable with the name of a rule",
        "package p\n\nviolation contains \"x\" if {\n\tsome name\n\tinput.traces.edges[name].failed\n}\n\nname := \"a\"\n",
    ),
    ("a path to nowhere", "package p\n\nviolation contains \"x\" if data.lib.failed\n"),
    ("a rule of another package, misspelt", "package p\n\nviolation contains \"x\" if data.q.faild\n"),
    ("`data.desing`", "package p\n\nviolation contains \"x\" if not \"a\" in data.desing.services\n"),
    ("an import of nothing", "package p\n\nimport data.libs.slow\n\nviolation contains \"x\" if slow.failed\n"),
    (
        "a rule that uses itself",
        "package p\n\nviolation contains \"x\" if a\n\na if b\n\nb if {\n\tinput.traces.failed\n\ta\n}\n",
    ),
    (
        "a function that uses itself",
        "package p\n\nviolation contains \"x\" if f(input.traces.n)\n\nf(n) if n > 3\n\nf(n) if f(n + 1)\n",
    ),
    ("a reserved package", "package design.rules\n\nviolation contains \"x\" if input.traces.failed\n"),
    ("a reserved package of the tool", "package stillholds\n\nviolation contains \"x\" if input.traces.failed\n"),
    ("a further segment", "package p\n\nviolation.checkout contains \"x\" if input.traces.failed\n"),
    (
        "a further segment that is no suffix",
        "package p\n\nviolation[\"check-out\"] contains \"x\" if input.traces.failed\n",
    ),
    ("`violation[v] if`", "package p\n\nviolation[v] if {\n\tsome v in input.traces.failed\n}\n"),
    ("`deny` as a text", "package p\n\ndeny := \"x\" if input.traces.failed\n"),
    ("`deny` as a boolean", "package p\n\ndeny if input.traces.failed\n"),
    ("`deny` as a list", "package p\n\ndeny := [x | some x in input.traces.failed]\n"),
    ("a violation that is a number", "package p\n\nviolation contains 3 if input.traces.failed\n"),
    (
        "a warning without `msg`",
        "package p\n\nwarn contains v if {\n\tinput.traces.failed\n\tv := {\"message\": \"x\", \"subject\": \"y\"}\n}\n",
    ),
    (
        "violations of several kinds in one set",
        "package p\n\nviolation := {\"x\", [\"y\"], {\"msg\": count(input.traces.edges) + 1}} if input.traces.failed\n",
    ),
    ("`warn` as an object", "package p\n\nwarn[name] := \"x\" if some name in input.traces.failed\n"),
    (
        "`subjects` as a list",
        "package p\n\nsubjects := [x | some x in input.traces.edges]\n\nviolation contains \"x\" if input.traces.failed\n",
    ),
    ("`holds` as a set", "package p\n\nholds contains \"x\" if input.traces.ok\n"),
    ("`holds` as a text", "package p\n\nholds := \"yes\" if input.traces.ok\n"),
    ("`holds` as a text by default", "package p\n\ndefault holds := \"no\"\n\nholds if input.traces.ok\n"),
    (
        "`deny` as a boolean by default",
        "package p\n\ndefault deny := false\n\ndeny contains \"x\" if input.traces.failed\n",
    ),
    ("an assumption that is only a default", "package p\n\ndefault holds := false\n"),
    ("`measure` as a number", "package p\n\nmeasure := 3 if input.traces.ok\n"),
    (
        "`measure` as a partial object",
        "package p\n\nmeasure[name] := {\"value\": ms, \"limit\": 400} if some name, ms in input.traces.p99\n",
    ),
    (
        "a population with nothing to say of it",
        "package p\n\nsubjects_calls contains edge.server if some edge in input.traces.edges\n\nviolation contains \"x\" if input.traces.failed\n",
    ),
    ("`violations`", "package p\n\nviolations contains \"x\" if input.traces.failed\n"),
    ("`hold`", "package p\n\nhold if input.traces.ok\n"),
    ("`denies_calls`", "package p\n\ndenies_calls contains \"x\" if input.traces.failed\n"),
    (
        "nearly rule words beside an assumption",
        "package p\n\nviolation contains \"x\" if input.traces.failed\n\nviolatoin contains \"x\" if input.traces.a\n\n\
         warns contains \"x\" if input.traces.a\n\nviolation_a_ contains \"x\" if input.traces.a\n\n\
         Deny_b contains \"x\" if input.traces.a\n\ndefault hold := false\n\nhold if input.traces.a\n",
    ),
    ("nothing that is checked", "package p\n\nallow if input.traces.ok\n"),
    ("only a package", "package p\n"),
    ("an assumption that reads nothing", "package p\n\nviolation contains \"x\" if 1 > 2\n"),
    (
        "an assumption that reads only the time",
        "package p\n\nviolation contains \"x\" if time.now_ns() > 1795500000000000000\n",
    ),
    ("an id with a blank", "package shop[\"check out\"]\n\nviolation contains \"x\" if input.traces.failed\n"),
    (
        "a control character in a text",
        "package p\n\nviolation contains \"\u{1b}[31mx\" if startwith(input.traces.name, \"\u{1b}\")\n",
    ),
    (
        "tabs and wide letters before the place",
        "package p\n\nviolation contains \"x\" if {\n\t\"größe 漢字\" == \"x\"; startwith(input.traces.name, \"a\")\n}\n",
    ),
];

#[test]
fn policies() {
    let said = refused(POLICIES.map(|(title, text)| (title, policy(text))));
    insta::assert_snapshot!(said);
}

/// What looks like one of the above and is none.
#[test]
fn what_is_no_mistake() {
    let policies = [
        (
            "nearly a rule word that serves one",
            "package p\n\nviolation contains v if some v in violations\n\nviolations := [\"x\" | input.traces.failed]\n",
        ),
        (
            "an output as a last argument",
            "package p\n\nviolation contains \"x\" if {\n\tcount(input.traces.edges, n)\n\tn > 3\n\tnot startswith(input.traces.name, \"a\", true)\n\
             \tdouble(n, 8)\n\twalk(input.traces, [_, value])\n\tvalue == 3\n}\n\ndouble(n) := n * 2\n",
        ),
        (
            "many statements, elements and alternatives",
            &format!(
                "package p\n\nviolation contains name if {{\n\tinput.traces.failed\n{}\n\tsome name in [{}]\n\tlevel > 3\n}}\n\n\
                 level := 0 if input.traces.a{}\n",
                "\t[a, b] = [input.traces.a.b.c, -1]\n\tnot a.b == b + 1 - b\n".repeat(200),
                "\"a\", ".repeat(2_000),
                " else := 1 if input.traces.b.c > 3".repeat(1_000),
            ),
        ),
        (
            "elements that may have a `msg`",
            "package p\n\nviolation contains {key: \"x\"} if some key in input.traces.keys\n\n\
             violation contains {k: \"x\" | some k in input.traces.keys}\n\n\
             violation contains object.union({\"subject\": \"x\"}, input.traces.failed)\n\n\
             violation contains v if {\n\tv := {\"msg\": input.traces.name}\n}\n",
        ),
    ];
    let several = [(
        "a file that speaks of the packages below",
        policy("package p.calls\n\nviolation contains \"x\" if input.traces.failed\n").with(
            "policies/owner.rego",
            "# METADATA\n# scope: subpackages\n# custom:\n#   assumption: {owner: team-shop}\npackage p\n",
        ),
    )];
    let policies = policies.map(|(title, text)| (title, policy(text)));
    for (title, project) in policies.into_iter().chain(several) {
        let run = project.check(&["-o", "json"]);
        assert_eq!(run.stderr, "", "{title}: {run}");
    }
}

#[test]
fn limits() {
    let chain = (0..1_100).map(|at| format!("r{at} if r{}\n", at + 1)).collect::<Vec<_>>().concat();
    let chain = format!("package p\n\nviolation contains \"x\" if r0\n\n{chain}\nr1100 if input.traces.failed\n");
    let long = format!("package p\n\nviolation contains \"x\" if input.traces.failed\n{}", "\n".repeat(1 << 20));
    let heavy = (0..600).map(|at| format!("r{at} := r{}{}\n", at + 1, " + 1".repeat(16))).collect::<Vec<_>>().concat();
    let heavy = format!("package p\n\nviolation contains \"x\" if r0 > 3\n\n{heavy}\nr600 := input.traces.p99\n");
    let body = |condition: &str| policy(&format!("package p\n\nviolation contains \"x\" if {condition}\n"));
    let nested = |open: &str, count: usize, close: &str| {
        body(&format!("{}input.traces.p99{} == 3", open.repeat(count), close.repeat(count)))
    };
    let said = refused([
        ("a chain of rules", policy(&chain)),
        ("a chain of heavy rules", policy(&heavy)),
        ("a long file", policy(&long)),
        ("a long sum", body(&format!("input.traces.p99 > 1{}", "+1".repeat(2_000)))),
        ("a long sum of negative numbers", body(&format!("input.traces.p99 > 1{}", "-1".repeat(2_000)))),
        ("a long union", body(&format!("input.traces.names == {{\"a\"}}{}", "\n\t| {input.traces.name}".repeat(600)))),
        ("a long reference", body(&format!("input.traces{}", ".a".repeat(5_000)))),
        ("a long reference in brackets", body(&format!("input.traces{}", "[\"a\"]".repeat(5_000)))),
        ("many signs", nested("- ", 1_000, "")),
        ("many calls", nested("abs(", 1_000, ")")),
        ("many tests of membership", body(&format!("input.traces.a{}", " in input.traces.b".repeat(1_000)))),
        ("brackets that are too deep", nested("(", 40, ")")),
        ("brackets that would exhaust the stack", nested("(", 100_000, ")")),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn no_format_changes_what_is_said() {
    let wrong = policy("package p\n\ndeny if input.traces.failed\n").write();
    assert_eq!(wrong.check(&["-o", "json"]), wrong.check(&[]));
    assert_eq!(wrong.check(&["-o", "json=report.json"]), wrong.check(&[]));
    assert!(!wrong.files().contains_key("report.json"), "without a report, no file of it is written");
}

/// What several files are needed for.
#[test]
fn modules() {
    let helper = "package shop.lib\n\nis_slow(ms) if ms > 400\n";
    let good = Project::good;
    let said = refused([
        (
            "a package that another file imports",
            policy("package p\n\nviolation contains \"x\" if lib.is_slow(input.traces.p99)\n")
                .with("policies/lib.rego", helper)
                .with(
                    "policies/other.rego",
                    "package p\n\nimport data.shop.lib\n\nwarn contains \"x\" if lib.is_slow(input.traces.p50)\n",
                ),
        ),
        (
            "a function of another package, misspelt",
            policy("package p\n\nimport data.shop.lib\n\nviolation contains \"x\" if lib.is_slwo(input.traces.p99)\n")
                .with("policies/lib.rego", helper),
        ),
        (
            "a rule of another package, misspelt",
            policy("package p\n\nviolation contains \"x\" if data.shop.lib.slwo\n")
                .with("policies/lib.rego", "package shop.lib\n\nslow if input.traces.p99 > 400\n"),
        ),
        (
            "the same id from two packages",
            good()
                .with("policies/other.rego", "package shop[\"calls\"]\n\nviolation contains \"x\" if input.traces.a\n")
                .with("policies/third.rego", "package shop\n\nviolation_a contains \"x\" if input.traces.a\n")
                .with("policies/fourth.rego", "package shop[\"a.b\"]\n\nviolation contains \"x\" if input.traces.a\n")
                .with("policies/fifth.rego", "package shop.a.b\n\nviolation contains \"x\" if input.traces.a\n"),
        ),
        (
            "ids that differ only in case",
            good().with("policies/other.rego", "package shop.Calls\n\nviolation contains \"x\" if input.traces.a\n"),
        ),
        ("a helper that nobody uses", good().with("policies/lib.rego", helper)),
        (
            "a bad module does not hide what is wrong with the others",
            policy("package p\n\nviolation contains \"x\" if {\n\tinput.traces.failed\n")
                .with("policies/b.rego", "package q\n\nviolation contains \"x\" if startwith(input.traces.a, \"b\")\n")
                .with("policies/c.rego", "package r\n\ndeny if input.traces.failed\n")
                .with("policies/d.rego", "package s\n\nviolation contains \"x\" if data.p.helper\n")
                .with("policies/e.rego", "package t\n\nimport data.p.helper\n\nholds if helper(input.traces.a)\n"),
        ),
        (
            "several errors in one file, in their order",
            policy(
                "package p\n\nimport data.nowhere\n\nviolation contains \"x\" if {\n\tstartwith(input.traces.a, \"b\")\n\tedge.failed\n}\n\n\
                 deny := \"y\"\n\nwarn contains \"z\" if http.send({}).status\n",
            ),
        ),
        (
            "policies, design and facts at once",
            policy("package p\n\ndeny if input.traces.failed\n")
                .with("design/services.yaml", "services: [\n")
                .with("facts/snapshot.yaml", "version: 2\nsources: {}\n"),
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn facts() {
    let good = Project::good;
    let manifest = |text: &str| good().with("facts/snapshot.yaml", text);
    let source = |fields: &str| manifest(&format!("version: 1\nsources:\n  traces: {{{fields}}}\n"));
    let said = refused([
        ("no folder", good().without("facts/")),
        ("a file instead of a folder", good().without("facts/").with("facts", "{}")),
        ("an empty folder", good().without("facts/").with("facts/README.md", "Run `collect`.\n")),
        (
            "a store",
            good()
                .without("facts/")
                .with("facts/2026-11-21T010000Z/traces.json", "{}")
                .with("facts/2026-11-20T010000Z/traces.json", "{}"),
        ),
        ("a folder in a snapshot", good().with("facts/more/traces.json", "{}")),
        ("a name that is none of a source", good().with("facts/Order-Service.json", "{}")),
        ("a name of digits", good().with("facts/2026.json", "{}")),
        ("two files of a source", good().with("facts/traces.yaml", "{}")),
        ("another kind of file", good().with("facts/notes.txt", "")),
        ("two files of a source, one of them compressed", good().with("facts/traces.csv.gz", "")),
        ("lines of JSON under another name", good().with("facts/orders.jsonl", "{}\n")),
        ("a name that is none of a source, compressed", good().with("facts/Orders.ndjson.gz", "")),
        ("a manifest in JSON", good().with("facts/snapshot.json", "{}")),
        ("a manifest that is no text", good().with("facts/snapshot.yaml", [0xff, 0xfe, 0x00])),
        ("a manifest that is no YAML", manifest("version: 1\nsources: {traces: [\n")),
        ("a manifest that is a list", manifest("- version: 1\n")),
        ("an empty manifest", manifest("")),
        ("a manifest of another version", manifest("version: 2\nsources: {}\n")),
        ("an unknown key of the manifest", manifest("version: 1\nsource: {}\n")),
        ("a key of the manifest twice", manifest("version: 1\nversion: 1\nsources: {}\n")),
        ("a source without status", source("file: traces.json, sha256: SHA256(traces.json)")),
        ("a source without file", source("status: ok")),
        ("a file of another source", source("status: ok, file: orders.json, sha256: SHA256(traces.json)")),
        ("a file elsewhere", source("status: ok, file: ../traces.json, sha256: SHA256(traces.json)")),
        ("an unknown status", source("status: okay, file: traces.json, sha256: SHA256(traces.json)")),
        ("a digest that is none", source("status: ok, file: traces.json, sha256: abc")),
        ("a time without zone", source("status: failed, observed_to: 2026-11-21 01:00:00")),
        (
            "a window that ends before it begins",
            source("status: failed, observed_from: 2026-11-21T02:00:00Z, observed_to: 2026-11-21T01:00:00Z"),
        ),
        ("an unknown basis", source("status: failed, basis: guess")),
        ("a share above 1", source("status: failed, sampling: 10")),
        ("a path that is none", source("status: failed, nonfinite: [\"edges[\"]")),
        ("a part without status", source("status: failed, parts: {edges: {error: refused}}")),
        ("a name of a source in the manifest", manifest("version: 1\nsources:\n  Order-Service: {status: failed}\n")),
        (
            "several at once",
            manifest("version: 1\ntools: x\nsources:\n  traces: {status: fine, basis: guess}\n  orders: 3\n"),
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn design() {
    let good = |text: &str| Project::good().with("design/services.yaml", text);
    let said = refused([
        ("no YAML", good("services: {checkout: [\n")),
        ("a tab", good("services:\n\tcheckout: {}\n")),
        ("a key twice", good("services:\n  checkout: {calls: []}\n  checkout: {calls: [payments]}\n")),
        ("several documents", good("a: 1\n---\nb: 2\n")),
        ("a list", good("- checkout\n- payments\n")),
        ("a word", good("checkout\n")),
        ("a number that is not finite", good("limit: .inf\n")),
        ("a number with too many digits", good("account: 123456789012345678901234567890\n")),
        ("an unknown alias", good("a: *b\n")),
        ("no text", Project::good().with("design/services.yaml", [0xff, 0xfe, 0x00])),
        (
            "another kind of file",
            Project::good()
                .with("stillholds.yaml", "version: 1\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*\"]\n")
                .with("design/services.ini", "a = 1\n"),
        ),
        (
            "JSON that is none",
            Project::good()
                .with("design/more.json", "{\"a\": 1,}\n")
                .with("stillholds.yaml", "version: 1\npolicies: [\"policies/*.rego\"]\ndesign: [\"design/*\"]\n"),
        ),
        (
            "two documents with a value of one key",
            Project::good().with("design/more.yaml", "services:\n  checkout:\n    calls: [fraud]\n"),
        ),
        ("a value and keys", Project::good().with("design/more.yaml", "services: none\n")),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn project() {
    let good = |text: &str| Project::good().with("stillholds.yaml", text);
    let said = refused([
        ("no project", Project::good().without("stillholds.yaml")),
        ("an unknown key", good("version: 1\npolices: [\"policies/*.rego\"]\n")),
        ("a pattern without files", good("version: 1\npolicies: [\"polices/*.rego\"]\n")),
        (
            "an unknown shipped assumption",
            good("version: 1\npolicies: [\"policies/*.rego\"]\nlibrary: [dependencies/only-declared-cals]\n"),
        ),
        (
            "shipped assumptions taken out before they are switched on",
            good(
                "version: 1\npolicies: [\"policies/*.rego\"]\nlibrary: [\"!dependencies/call-still-seen\", \"dependencies/*\"]\n",
            ),
        ),
        (
            "shipped assumptions taken out twice",
            good(
                "version: 1\npolicies: [\"policies/*.rego\"]\nlibrary: [\"dependencies/*\", \"!dependencies/call-*\", \"!dependencies/call-still-seen\"]\n",
            ),
        ),
        ("a policy that is no text", Project::good().with("policies/calls.rego", [0xff, 0xfe, 0x00])),
    ]);
    insta::assert_snapshot!(said);
}

/// A file of facts that cannot be read leaves the others alone: its source is `failed`, and the report says why.
#[test]
fn fact_files_that_cannot_be_read() {
    let json = |text: &str| Project::good().without("facts/snapshot.yaml").with("facts/traces.json", text);
    let yaml = |text: &str| Project::good().without("facts/").with("facts/traces.yaml", text);
    let bomb = (0..9).fold("a0: &a0 [x]\n".to_owned(), |text, at| {
        let list = vec![format!("*a{at}"); 9].join(", ");
        format!("{text}a{}: &a{} [{list}]\n", at + 1, at + 1)
    });
    let projects = [
        ("nothing", json("")),
        ("blanks", json(" \n")),
        ("JSON that ends too early", json("{\"edges\": [")),
        ("JSON with a comma too many", json("{\"edges\": [],}")),
        ("JSON with a key twice", json("{\"edges\": [],\n \"edges\": []}")),
        ("JSON with `NaN`", json("{\"p99\": NaN}")),
        ("two JSON documents", json("{}\n{}\n")),
        (
            "another encoding",
            Project::good().without("facts/snapshot.yaml").with("facts/traces.json", *b"{\"name\": \"caf\xe9\"}"),
        ),
        ("UTF-16", Project::good().without("facts/snapshot.yaml").with("facts/traces.json", *b"\xff\xfe{\0}\0")),
        ("YAML with a tab", yaml("edges:\n\t- a\n")),
        ("YAML with a key twice", yaml("edges: []\nedges: []\n")),
        ("several YAML documents", yaml("kind: A\n---\nkind: B\n")),
        ("YAML that is only a comment", yaml("# nothing was found\n")),
        ("YAML that expands without end", yaml(&bomb)),
        ("brackets without end", json(&"[".repeat(1_000))),
    ];
    let said = table(projects.map(|(title, project)| {
        let run = project.check(&["-o", "json"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(3), ""), "{title}: {run}");
        let report: serde_json::Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{title}: {error}"));
        assert_eq!(report["assumptions"][0]["reason"], "failed", "{title}");
        let source = &report["snapshot"]["sources"][0];
        assert_eq!(source["status"], "failed", "{title}");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("?").to_owned();
        let judged = &report["assumptions"][0];
        (title, format!("{}\n  help: {}\n", text(&judged["message"]), text(&judged["help"])))
    }));
    insta::assert_snapshot!(said);
}

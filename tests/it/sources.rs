//! What an assumption reads of a source, and what follows where the source is not all there: read as a whole, through
//! built-ins, under `with`, counted, or behind a `default`.

use crate::{
    harness::Project,
    verdicts::{OK, PARTIAL, Row, asked, row},
};

const FAILED: &str = "status: failed, error: connection refused";

#[test]
fn what_cannot_be_followed_reads_all_that_it_may_reach() {
    let violation = |body: &str| {
        format!(
            "violation contains \"x\" if {{ {body} }}\n\nis_slow if input.p99 > 400\n\nother_is_slow if input.svc.p99 > 400"
        )
    };
    let fails = |title: &'static str, body: &str, answer: &'static str| {
        row(title, &violation(body), &[("svc", "{}", FAILED), ("other", "{}", OK)], answer)
    };
    let failed = |title: &'static str, body: &str| fails(title, body, "unknown failed, exit 3");
    let with = |title: &'static str, body: &str| fails(title, body, "unknown failed + not_explained, exit 3");
    let holds = |title: &'static str, body: &str| {
        row(
            title,
            &violation(body),
            &[("svc", "{}", FAILED), ("other", r#"{"p99": 1}"#, OK)],
            "holds + not_explained, exit 0",
        )
    };
    let said = asked(&[
        with("walk", "walk(input, [_, value]); value == \"bad\""),
        with("walk through a name", "all := input; walk(all, [_, value]); value == \"bad\""),
        failed("json.filter", "some v in json.filter(input, [\"svc/p99\"]); v.p99 > 400"),
        failed("object.remove", "count(object.remove(input, [\"other\"])) > 3"),
        failed(
            "a computed key of object.get",
            "k := concat(\"\", [\"s\", \"vc\"]); object.get(input, k, {\"p99\": 0}).p99 > 400",
        ),
        failed("a path of object.get in a name", "k := [\"svc\", \"p99\"]; object.get(input, k, 0) > 400"),
        with("the value of `with`", "is_slow with input as input.svc"),
        with("a helper under `with`, by another source", "is_slow with input.p99 as input.svc.p99"),
        row(
            "a fact that is not there under `with`",
            &violation("is_slow with input as input.svc"),
            &[("svc", r#"{"p50": 1}"#, OK)],
            "unknown missing + not_explained, exit 3",
        ),
        row(
            "a fact that is there under `with`",
            &violation("is_slow with input as input.svc"),
            &[("svc", r#"{"p99": 1}"#, OK)],
            "holds + not_explained, exit 0",
        ),
        row(
            "a violation under `with`",
            &violation("is_slow with input as input.svc"),
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed violated + not_explained, exit 1",
        ),
        holds("a helper under `with` does not read what it replaces", "other_is_slow with input.svc as input.other"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn sources_named_by_constants_elsewhere_are_named() {
    let missing = |title: &'static str, rules: &str| {
        row(title, rules, &[("other", r#"{"bad": false}"#, OK)], "unknown missing, exit 3")
    };
    let said = asked(&[
        missing("a rule", "s := \"svc\"\n\nviolation contains \"x\" if input[s].bad"),
        missing("an argument", "bad(s) if input[s].bad\n\nviolation contains \"x\" if bad(\"svc\")"),
        missing("elements", "violation contains s if {\n\tsome s in [\"other\", \"svc\"]\n\tinput[s].bad\n}"),
        missing(
            "a set",
            "all := {\"other\", \"svc\"}\n\nviolation contains s if {\n\tsome s in all\n\tinput[s].bad\n}",
        ),
        row(
            "all of them are there",
            "violation contains s if {\n\tsome s in [\"other\", \"svc\"]\n\tinput[s].bad\n}",
            &[("other", r#"{"bad": false}"#, OK), ("svc", r#"{"bad": false}"#, OK)],
            "holds, exit 0",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_filtered_is_still_read() {
    let said = asked(&[
        row(
            "a source that was not collected, behind json.filter",
            "violation contains \"x\" if { all := json.filter(input, [\"svc\"]); all.svc.p99 > 400 }",
            &[("other", "{}", OK)],
            "unknown missing + missing, exit 3",
        ),
        row(
            "a source that was collected, behind json.filter",
            "violation contains \"x\" if { all := json.filter(input, [\"svc\"]); all.svc.p99 > 400 }",
            &[("svc", r#"{"p99": 300}"#, OK)],
            "holds, exit 0",
        ),
        row(
            "a violation, behind json.filter",
            "violation contains \"x\" if { all := json.filter(input, [\"svc\"]); all.svc.p99 > 400 }",
            &[("svc", r#"{"p99": 500}"#, OK)],
            "decayed violated, exit 1",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn aggregates_over_what_was_collected_in_part() {
    let facts = r#"{"c": ["a"], "n": [1, 2], "flags": [true], "m": {"k": 1}, "name": "web", "pods": [{"c": ["a"], "n": 1}], "p99": 500}"#;
    let row_of = |title: &'static str, rules: &str, says: &'static str, answer: &'static str| -> Row<'static> {
        row(title, rules, &[("svc", facts, says)], answer)
    };
    let both = |title: &'static str, body: &str, rest: &str| {
        let rules = format!("violation contains \"x\" if {{ {body} }}\n\n{rest}");
        [
            row_of(title, &rules, PARTIAL, "unknown partial else decayed, exit 3"),
            row_of("…, complete", &rules, OK, "decayed violated, exit 1"),
        ]
    };
    let witness = |title: &'static str, body: &str, rest: &str| {
        let rules = format!("violation contains \"x\" if {{ {body} }}\n\n{rest}");
        row_of(title, &rules, PARTIAL, "decayed violated + partial, exit 1")
    };
    let names = "names contains c if some c in input.svc.c";
    let count = "few(xs) if count(xs) < 2";
    let rows: Vec<_> = [
        both("count", "count(input.svc.c) < 2", ""),
        both("sum", "sum(input.svc.n) < 4", ""),
        both("product", "product(input.svc.n) < 4", ""),
        both("max", "max(input.svc.n) < 4", ""),
        both("min", "min(input.svc.n) > 0", ""),
        both("sort", "sort(input.svc.n)[0] == 1", ""),
        both("through a name", "c := input.svc.c; count(c) < 2", ""),
        both("through a function", "few(input.svc.c)", count),
        both("a set of one's own", "count(names) < 2", names),
        both("a set of one's own, through a name", "all := names; count(all) < 2", names),
        both("a set of one's own, through a function", "few(names)", &format!("{names}\n\n{count}")),
        both("a set of one's own, compared", "names == {\"a\"}", names),
        both("a set difference", "rest := {\"a\", \"b\"} - names; count(rest) > 0", names),
        both("a set difference that is iterated over", "some x in {\"a\", \"b\"} - names", names),
        both("a list, compared", "input.svc.c == [\"a\"]", ""),
        both("`object.get` of what is not there", "object.get(input.svc, \"mode\", \"open\") == \"open\"", ""),
        both(
            "`object.get` of what is not there, with a path",
            "object.get(input.svc, [\"tls\", \"on\"], false) == false",
            "",
        ),
        both("`object.get` through a name", "m := object.get(input.svc, \"mode\", \"open\"); m == \"open\"", ""),
        both(
            "`object.get` in a function",
            "mode(input.svc) == \"open\"",
            "mode(x) := object.get(x, \"mode\", \"open\")",
        ),
        both("the keys of an object", "object.keys(input.svc.m) == {\"k\"}", ""),
        both("the keys of an object, through a name", "keys := object.keys(input.svc.m); keys == {\"k\"}", ""),
        both("a slice", "array.slice(input.svc.c, 0, 5) == [\"a\"]", ""),
        both("a list turned round", "array.reverse(input.svc.n)[0] == 2", ""),
        both("two lists together", "array.concat(input.svc.c, []) == [\"a\"]", ""),
        both("an object without a key", "object.remove(input.svc.m, [\"x\"]) == {\"k\": 1}", ""),
        both("an object of some keys", "object.filter(input.svc.m, [\"k\", \"x\"]) == {\"k\": 1}", ""),
        both("two objects together", "object.union(input.svc.m, {}) == {\"k\": 1}", ""),
        both("a pattern of a list", "[only] := input.svc.c; only == \"a\"", ""),
        both("an object as text", "json.marshal(input.svc.m) == \"{\\\"k\\\":1}\"", ""),
        both("a list in a text", "sprintf(\"%v\", [input.svc.c]) == \"[\\\"a\\\"]\"", ""),
        both("a list as one text", "concat(\",\", input.svc.c) == \"a\"", ""),
        both("the end of a list as one text", "endswith(concat(\",\", input.svc.c), \"a\")", ""),
    ]
    .into_iter()
    .flatten()
    .chain([
        witness("an element of a set of one's own", "\"a\" in names", names),
        witness("a list of an element that was seen", "some pod in input.svc.pods; count(pod.c) < 2", ""),
        witness("`object.get` of what is there", "object.get(input.svc, \"name\", \"none\") == \"web\"", ""),
        witness(
            "`object.get` of an element",
            "some pod in input.svc.pods; object.get(pod, \"mode\", \"open\") == \"open\"",
            "",
        ),
        witness("a key among all", "\"k\" in object.keys(input.svc.m)", ""),
        witness("an element of two lists", "some c in array.concat(input.svc.c, input.svc.n); c == \"a\"", ""),
        witness("a field of what is left", "object.remove(input.svc.m, [\"x\"]).k == 1", ""),
        witness("a value in a text", "sprintf(\"%s\", [input.svc.name]) == \"web\"", ""),
        witness("the end of a text", "endswith(lower(input.svc.name), \"b\")", ""),
        witness("a pattern of an element", "some pod in input.svc.pods; [c] := pod.c; c == \"a\"", ""),
        witness("a number", "input.svc.p99 - 1 > 400", ""),
        witness("a difference of numbers", "1000 - input.svc.p99 < 600", ""),
    ])
    .collect();
    insta::assert_snapshot!(asked(&rows));
}

#[test]
fn defaults_rest_on_what_the_other_bodies_look_for() {
    let rows_of = |title: &'static str, rules: &str, facts: &str, says: &'static str, answer: &'static str| {
        row(title, rules, &[("svc", facts, says)], answer)
    };
    let limit =
        "violation contains \"x\" if input.svc.p99 > limit\n\ndefault limit := 100\n\nlimit := input.svc.limit if true";
    let mode = "violation contains \"x\" if mode == \"open\"\n\ndefault mode := \"open\"\n\nmode := \"closed\" if input.svc.auth.on";
    let or_else = "violation contains \"x\" if mode == \"open\"\n\nmode := \"closed\" if {\n\tinput.svc.auth.on\n} else := \"open\" if true";
    let function = "violation contains \"x\" if mode(1) == \"open\"\n\ndefault mode(_) := \"open\"\n\nmode(_) := \"closed\" if input.svc.auth.on";
    let off =
        "violation contains \"x\" if allowed == false\n\ndefault allowed := false\n\nallowed if some c in input.svc.c";
    let witness = "violation contains \"x\" if is_open\n\ndefault is_open := false\n\nis_open if input.svc.auth.open";
    let builtin = "violation contains \"x\" if mode == \"open\"\n\ndefault mode := \"open\"\n\nmode := \"closed\" if to_number(input.svc.auth.on) > 0";
    let last = "violation contains \"x\" if mode == \"open\"\n\nmode := \"closed\" if {\n\tdata.design.calls == []\n} else := \"open\" if input.svc.open";
    let said = asked(&[
        rows_of("a default over a part", mode, r#"{"p": 1}"#, PARTIAL, "unknown partial else decayed, exit 3"),
        rows_of("a default over all", mode, r#"{"auth": {"on": false}}"#, OK, "decayed violated, exit 1"),
        rows_of(
            "an else over a part",
            or_else,
            r#"{"auth": {"on": false}}"#,
            PARTIAL,
            "unknown partial else decayed, exit 3",
        ),
        rows_of("an else over all", or_else, r#"{"auth": {"on": false}}"#, OK, "decayed violated, exit 1"),
        rows_of(
            "a default of a function over a part",
            function,
            r#"{"auth": {"on": false}}"#,
            PARTIAL,
            "unknown partial else decayed, exit 3",
        ),
        rows_of("a default that stands for a number", limit, r#"{"p99": 300}"#, OK, "unknown missing, exit 3"),
        rows_of(
            "a number that makes a default superfluous",
            limit,
            r#"{"p99": 300, "limit": 200}"#,
            OK,
            "decayed violated, exit 1",
        ),
        rows_of(
            "false by default, asked for",
            off,
            r#"{"c": []}"#,
            PARTIAL,
            "unknown partial else decayed + vacuous, exit 3",
        ),
        rows_of(
            "false by default, and it is true",
            witness,
            r#"{"auth": {"open": true}}"#,
            PARTIAL,
            "decayed violated + partial, exit 1",
        ),
        rows_of(
            "a built-in failed before a default",
            builtin,
            r#"{"auth": {"on": "abc"}}"#,
            OK,
            "unknown error, exit 3",
        ),
        rows_of(
            "the last body of an else is a witness",
            last,
            r#"{"open": true}"#,
            PARTIAL,
            "decayed violated + partial, exit 1",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_package_that_is_looked_up_in_is_read_through_all_its_rules() {
    let library = |row: Row<'static>| {
        row.with(
            "policies/web.rego",
            "package lib.web\n\nlimit := data.design.max_ms\n\np99 := input.svc.web if true\n",
        )
        .with(
            "policies/cart.rego",
            "package lib.cart\n\nlimit := data.design.max_ms\n\np99 := input.svc.cart if true\n",
        )
    };
    let looked_up =
        "violation contains k if {\n\tsome k in [\"web\", \"cart\"]\n\tdata.lib[k].p99 > data.lib[k].limit\n}";
    let iterated = "violation contains k if {\n\tsome k, of in data.lib\n\tof.p99 > of.limit\n}";
    let calls = "calls[client] contains server if {\n\tsome client, servers in input.svc.calls\n\tserver := servers[_]\n}\n\nviolation contains x if {\n\tsome x in calls.web\n\tx == \"fraud\"\n}";
    let rows: Vec<_> = [
        ("looked up", looked_up, r#"{"web": 300, "cart": 500}"#, "decayed violated, exit 1"),
        ("looked up, and it holds", looked_up, r#"{"web": 300, "cart": 300}"#, "holds, exit 0"),
        ("looked up, and a fact is missing", looked_up, r#"{"web": 300}"#, "unknown missing, exit 3"),
        ("iterated over", iterated, r#"{"web": 300, "cart": 500}"#, "decayed violated, exit 1"),
        ("iterated over, and a fact is missing", iterated, r#"{"web": 300}"#, "unknown missing + missing, exit 3"),
    ]
    .into_iter()
    .map(|(title, rules, facts, answer)| library(row(title, rules, &[("svc", facts, OK)], answer)))
    .chain([row("a set below a key", calls, &[("svc", r#"{"calls": {"web": ["cart"]}}"#, OK)], "holds, exit 0")])
    .collect();
    insta::assert_snapshot!(asked(&rows));
}

#[test]
fn what_was_left_out_is_missing_from_what_is_taken_whole() {
    let nan = format!("{OK}, nonfinite: [\"lat[1]\"]");
    let facts = r#"{"lat": [100, null], "p99": 300}"#;
    let violation = |body: &str, more: &str| format!("violation contains \"x\" if {{ {body} }}\n\n{more}");
    let row_of = |title: &'static str, body: &str, more: &str, answer: &'static str| {
        row(title, &violation(body, more), &[("svc", facts, &nan)], answer)
    };
    let said = asked(&[
        row_of("the largest of a list", "max(input.svc.lat) > 400", "", "unknown missing, exit 3"),
        row_of("an object that is compared", "input.svc == {\"lat\": []}", "", "unknown missing, exit 3"),
        row_of("an element", "some ms in input.svc.lat; ms > 400", "", "unknown missing, exit 3"),
        row_of("a name alone", "svc := input.svc; svc.p99 > 400", "", "holds, exit 0"),
        row_of("an argument alone", "slow(input.svc)", "slow(svc) if svc.p99 > 400", "holds, exit 0"),
        row_of("a rule that is but a name", "svc.p99 > 400", "svc := input.svc if true", "holds, exit 0"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn a_source_that_need_not_be_there_is_said_to_be_absent() {
    let optional = "# METADATA\n# custom:\n#   assumption:\n#     optional: [input.backups]\n";
    let rules = "violation contains \"x\" if input.backups.failed";
    let says = |sources: &[(&str, &str, &str)], answer: &'static str| {
        row("optional", rules, sources, answer)
            .with("policies/calls.rego", &format!("{optional}package shop\n\n{rules}\n"))
    };
    let said = asked(&[
        says(&[("svc", "{}", OK)], "holds + absence, exit 0"),
        says(&[("backups", r#"{"failed": false}"#, OK)], "holds, exit 0"),
        says(&[("backups", r#"{"failed": true}"#, OK)], "decayed violated, exit 1"),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn facts_of_a_time_to_come_are_noticed() {
    let ahead = "status: ok, observed_to: 2026-11-21T02:05:01Z";
    let rules = "violation contains \"x\" if input.svc.p99 > 400";
    let run = |says: &str| row("", rules, &[("svc", r#"{"p99": 1}"#, says)], "").says("").run(&[]);
    insta::assert_snapshot!(run(ahead).shown());
    assert!(!run(OK).shown().contains("still to come"));
}

#[test]
fn a_definition_that_looks_for_nothing_counts_beside_one_that_does() {
    let facts = r#"{"p99": 500, "c": []}"#;
    let slow = "violation contains \"slow\" if input.svc.p99 > 400";
    let few = "violation contains \"few\" if count(names) < 2\n\nnames contains c if some c in input.svc.c";
    let too_few = "violation contains \"too few\" if count(names) < 1";
    let same = "violation contains \"slow\" if count(input.svc.c) < 2";
    let row_of = |title: &'static str, rules: &[&str], answer: &'static str| {
        row(title, &rules.join("\n\n"), &[("svc", facts, PARTIAL)], answer)
    };
    let said = asked(&[
        row_of("both", &[slow, few], "decayed violated + partial, exit 1"),
        row_of("both, in the other order", &[few, slow], "decayed violated + partial, exit 1"),
        row_of("only the one that looks", &[few], "unknown partial else decayed + vacuous, exit 3"),
        row_of("one violation of both", &[slow, same], "decayed violated + partial, exit 1"),
        row_of(
            "two that share what they look through",
            &[few, too_few],
            "unknown partial else decayed + vacuous, exit 3",
        ),
    ]);
    insta::assert_snapshot!(said);
}

#[test]
fn what_went_wrong_with_secrets_is_no_secret() {
    let policy = "package shop.secrets\n\nviolation contains one.name if {\n\tsome one in input.kubernetes.secrets\n\tone.name == \"root\"\n}\n";
    let manifest = "version: 1\nsources:\n  kubernetes: {file: kubernetes.json, sha256: SHA256(kubernetes.json), status: \
                    partial, parts: {secrets: {status: failed, error: \"kubectl: secrets is forbidden\"}}}\n";
    let run = Project::good()
        .without("facts/")
        .without("policies/")
        .with("policies/secrets.rego", policy)
        .with("facts/kubernetes.json", "{}")
        .with("facts/snapshot.yaml", manifest)
        .check(&["-o", "json"]);
    let said = "the part `secrets` of the source `kubernetes` failed: kubectl: secrets is forbidden";
    assert!(run.stdout.contains(said), "{run}");
}

//! Policies and facts of somebody who means harm, or who had an accident. Each stands beside an assumption that is well,
//! and the table says what became of both: refused as a whole, or one assumption's error, and never a pass for the
//! hostile one, nor a hang.

use std::{
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::harness::{Project, Run, table};

/// What the hostile one is given, beside which the good one keeps its verdict.
const GOOD: &str = "package good

holds if input.svc.number == 3

violation_two contains \"two\" if {
	some x in input.svc.list
	x == 2
}
";

/// A run ends by then at the latest: the limit, the grace of two seconds, and what a busy machine adds to starting
/// two processes.
const LATEST: Duration = Duration::from_secs(30);

/// The facts that hostile policies read: so each could change its mind.
fn facts() -> Value {
    json!({
        "number": 3,
        "many": 1_000_000_000_000_u64,
        "list": [1, 2],
        "hundred": (0..100).collect::<Vec<_>>(),
        "text": "a".repeat(100_000),
        "name": "violation_it",
        "net": "0.0.0.0/0",
        "nets": (0..3_000).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)).collect::<Vec<_>>(),
        "graph": (0..60).map(|n| (n.to_string(), json!((0..60).map(|m| m.to_string()).collect::<Vec<_>>()))).collect::<serde_json::Map<_, _>>(),
    })
}

fn project() -> Project {
    Project::empty()
        .with("stillholds.yaml", "version: 1\npolicies: [\"policies/*\"]\n")
        .with("policies/good.rego", GOOD)
        .with("facts/svc.json", facts().to_string())
}

/// A module of the hostile one.
fn policy(text: &str) -> Project {
    project().with("policies/hostile.rego", format!("package hostile\n\n{text}\n"))
}

/// A rule of the hostile one that would be true if its conditions were.
fn rule(body: &str) -> Project {
    policy(&format!("violation_it contains \"x\" if {{\n\tinput.svc.number > 0\n\t{body}\n}}"))
}

/// Facts of the hostile one.
fn source(name: &str, bytes: impl Into<Vec<u8>>) -> Project {
    policy("holds if count(input.bad) > 0").with(&format!("facts/{name}"), bytes)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written to")
}

/// Each of `last` and before it so many that each name the one before it twice.
fn doubled(first: &str, step: &str, times: usize) -> String {
    let steps: Vec<_> =
        (1..=times).map(|n| step.replace("NEW", &format!("v{n}")).replace("OLD", &format!("v{}", n - 1))).collect();
    format!("v0 := {first}\n\t{}", steps.join("\n\t"))
}

/// YAML whose aliases stand for ten times as much in each line.
fn bomb(lines: usize) -> String {
    let line = |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
    "a0: &a0 [x]\n".to_owned() + &(1..=lines).map(line).collect::<String>()
}

/// Policies that end or hold up who evaluates them.
fn evaluations() -> Vec<(&'static str, Project)> {
    vec![
        (
            "a comprehension of a thousand million elements",
            rule(
                "count([1 | some a in numbers.range(1, 1000); some b in numbers.range(1, 1000); some c in numbers.range(1, 1000)]) > 1",
            ),
        ),
        (
            "a loop in a loop in a loop in a loop",
            rule(
                "some a in input.svc.hundred\n\tsome b in input.svc.hundred\n\tsome c in input.svc.hundred\n\tsome d in input.svc.hundred\n\ta + b + c + d == 1000",
            ),
        ),
        ("prints without end", rule("some a in numbers.range(1, 10000000)\n\tprint(a, input.svc.net)\n\ta < 0")),
        (
            "a new regular expression at every step",
            rule("some a in numbers.range(1, 10000000)\n\tregex.match(sprintf(\"(%d){1,40}x\", [a]), input.svc.text)"),
        ),
        (
            "text that doubles",
            rule(&(doubled("input.svc.text", "NEW := concat(\"\", [OLD, OLD])", 40) + "\n\tcount(v40) > 1")),
        ),
        (
            "text replaced by text",
            rule(&(doubled("input.svc.text", "NEW := replace(OLD, \"a\", OLD)", 3) + "\n\tcount(v3) > 1")),
        ),
        ("a range of a billion numbers", rule("count(numbers.range(1, input.svc.many)) > 1")),
        ("a range of a billion steps", rule("count(numbers.range_step(1, input.svc.many, 2)) > 1")),
        ("a shift by four thousand million bits", rule("bits.lsh(1, 4000000000) > input.svc.number")),
        ("squares of squares", rule(&(doubled("input.svc.many", "NEW := OLD * OLD", 40) + "\n\tv40 > 1"))),
        (
            "a union of many objects",
            rule(
                "count(object.union_n([{sprintf(\"%d\", [n]): n} | some n in \
                 numbers.range(1, 20000)])) > input.svc.number",
            ),
        ),
        ("all paths of a dense graph", rule("count(graph.reachable_paths(input.svc.graph, {\"0\"})) > 1")),
        ("all addresses there are", rule("count(net.cidr_expand(input.svc.net)) > 1")),
        ("all addresses of the next version", rule("input.svc.number > 1\n\tcount(net.cidr_expand(\"::/0\")) > 1")),
        (
            "every network against every network",
            rule(
                "some a in numbers.range(1, 1000)\n\tcount(net.cidr_contains_matches(input.svc.nets, input.svc.nets)) > a + 1000000000",
            ),
        ),
        ("a number as wide as a disk", rule("count(sprintf(\"%1000000000d\", [input.svc.number])) > 1")),
        (
            "all of the facts, once for every fact",
            rule("walk(input, [_, _])\n\twalk(input, [_, x])\n\twalk(input, [_, y])\n\tx != y\n\tx == \"nobody\""),
        ),
    ]
}

/// Calls that fail, and what only looks like harm.
fn calls() -> Vec<(&'static str, Project)> {
    vec![
        ("a unit that nobody knows", rule("units.parse_bytes(sprintf(\"%dXi\", [input.svc.number])) > 5")),
        ("a number that is too large for its unit", rule("units.parse(\"1e400Gi\") > input.svc.number")),
        ("nothing counted in nothing", rule("strings.count(\"\", \"\") > input.svc.number - 100")),
        ("a date that is none", rule("time.date(1e30) != [input.svc.number]")),
        (
            "a date beyond all calendars",
            rule("time.add_date(9223372036854775807, 1000000000, 1000000000, 1000000000) > input.svc.number"),
        ),
        ("a time zone out of a folder", rule("time.clock([input.svc.number, \"../../../etc/passwd\"]) != 1")),
        ("a base that is none", rule("format_int(input.svc.number, 1) != \"x\"")),
        (
            "a slice beyond all bounds",
            rule("count(array.slice(input.svc.list, -9223372036854775808, 9223372036854775807)) > 5"),
        ),
        ("a part of text beyond all bounds", rule("substring(\"größe\", 3, 9223372036854775807) == input.svc.number")),
        ("a shift to the other side", rule("bits.rsh(input.svc.number, -1) > 0")),
        ("a division by nothing", rule("input.svc.number / (input.svc.number - 3) > 0")),
        ("what is left of a division by nothing", rule("input.svc.number % (input.svc.number - 3) > 0")),
        (
            "an expression that goes back and forth",
            rule("regex.match(`^(a+)+$`, concat(\"\", [input.svc.text, \"!\"]))"),
        ),
        ("an expression that is too large", rule("regex.match(`((((a{100}){100}){100}){100}){100}`, input.svc.text)")),
        (
            "a pattern of choices of choices",
            rule("glob.match(\"{a,{b,{c,{d,{e,{f,{g,{h,*}*}*}*}*}*}*}*}*{a,b}*{a,b}*{a,b}*z\", [], input.svc.text)"),
        ),
        (
            "JSON in text, nested",
            rule("json.unmarshal(concat(\"\", [\"[\" | some _ in numbers.range(1, 5000)])) != input.svc.number"),
        ),
        (
            "YAML in text, nested",
            rule("yaml.unmarshal(concat(\"\", [\"[\" | some _ in numbers.range(1, 1000)])) != input.svc.number"),
        ),
        ("aliases in text", rule(&format!("count(yaml.unmarshal({})) > input.svc.number", json!(bomb(12))))),
        (
            "a patch that is none",
            rule("json.patch(input.svc.list, [{\"op\": \"move\", \"from\": \"/9\", \"path\": \"/-\"}, 7]) != 1"),
        ),
        ("a hash of what is no text", rule("crypto.sha256(input.svc.many) != \"\"")),
        ("a rule found by its name", rule("data.hostile[input.svc.name]")),
        (
            "the package that holds the rule",
            policy(
                "violation_it contains \"x\" if {\n\tsome name\n\tcount(data.hostile[name]) > input.svc.number\n}\n\nviolation_also contains \"y\" if count(data.hostile.violation_it) > input.svc.number",
            ),
        ),
        (
            "a million violations",
            policy(
                "violation_it contains sprintf(\"%d\", [x]) if {\n\tsome x in numbers.range(1, 1000000)\n\tx > input.svc.number\n}",
            ),
        ),
        (
            "a message of a thousand million letters",
            policy(&format!(
                "violation_it contains v30 if {{\n\t{}\n}}",
                doubled("input.svc.text", "NEW := concat(\"\", [OLD, OLD])", 30)
            )),
        ),
        (
            "many conditions",
            rule(&(0..3_000).map(|n| format!("input.svc.number != {}", n + 10)).collect::<Vec<_>>().join("\n\t")),
        ),
    ]
}

/// Policies that are never evaluated, and what else the check reads before it does.
fn loads() -> Vec<(&'static str, Project)> {
    let nested =
        |open: &str, close: &str, times| rule(&format!("x := {}1{}\n\tx", open.repeat(times), close.repeat(times)));
    let chain = |links: usize| {
        let link = |n: usize| format!("r{n} if r{}\n", n + 1);
        policy(&format!("{}r{links} if input.svc.number > 0\n\nholds if r0", (0..links).map(link).collect::<String>()))
    };
    vec![
        ("a function that calls itself", policy("f(n) := f(n - 1)\n\nholds if f(input.svc.number) > 0")),
        ("rules that call each other", policy("a if b\n\nb if a\n\nholds if {\n\ta\n\tinput.svc.number > 0\n}")),
        ("a rule that asks for its package", policy("holds if {\n\tcount(data.hostile) > input.svc.number\n}")),
        ("a chain of three thousand rules", chain(3_000)),
        ("a sum of three thousand", rule(&format!("input.svc.number < {}", vec!["1"; 3_000].join(" + ")))),
        ("a union of three thousand", rule(&format!("x := {}\n\tx", vec!["{1}"; 3_000].join(" | ")))),
        ("lists in lists", nested("[", "]", 40)),
        ("objects in objects", nested("{\"a\": ", "}", 40)),
        ("sets in sets", nested("{", "}", 40)),
        ("parentheses in parentheses", nested("(", ")", 400)),
        ("calls in calls", nested("abs(", ")", 5_000)),
        ("a key of a key of a key", rule(&format!("input.svc{}", ".a".repeat(5_000)))),
        ("a key in a key in a key", rule(&format!("{}{}", "input.svc[".repeat(5_000), "]".repeat(5_000)))),
        ("not what is not", rule(&format!("{} input.svc.number > 9", "not ".repeat(5_000)))),
        (
            "otherwise without end",
            policy(&format!("holds if input.svc.number > 9{}", " else := false if input.svc.number > 9".repeat(1_000))),
        ),
        (
            "every in every",
            rule(&format!("{}input.svc.number > 9{}", "every x in [1] { ".repeat(200), " }".repeat(200))),
        ),
        (
            "what is given with what is given",
            rule(&format!("input.svc.number > 9{}", " with input.a as 1".repeat(3_000))),
        ),
        ("a number with a thousand million digits", rule("input.svc.number > 1e1000000000")),
        ("a number without an end", rule(&format!("input.svc.number > {}", "9".repeat(100_000)))),
        ("text that is not closed", rule(&format!("input.svc.text == \"{}", "a".repeat(100_000)))),
        (
            "a request",
            rule("http.send({\"url\": \"http://127.0.0.1\", \"method\": \"get\"}).status_code == input.svc.number"),
        ),
        ("the environment", rule("opa.runtime().env.PATH != input.svc.text")),
        ("a name looked up", rule("count(net.lookup_ip_addr(input.svc.text)) > 0")),
        ("chance", rule("rand.intn(input.svc.text, 2) == 1")),
        (
            "somebody else's facts",
            project().with("policies/hostile.rego", "package snapshot.sources.svc\n\nstatus := \"ok\"\n"),
        ),
        (
            "the tool's own name",
            project().with("policies/hostile.rego", "package stillholds\n\nholds if input.svc.number > 9\n"),
        ),
    ]
}

/// The same of what is no rule.
fn files() -> Vec<(&'static str, Project)> {
    let of_bytes = |bytes: &[u8]| project().with("policies/hostile.rego", bytes);
    let metadata = |text: &str| {
        let lines = text.lines().map(|line| ["# ", line, "\n"].concat()).collect::<String>();
        project().with(
            "policies/hostile.rego",
            format!("# METADATA\n{lines}package hostile\n\nholds if input.svc.number > 0\n"),
        )
    };
    let markdown = |text: &str| project().with("policies/hostile.md", text);
    vec![
        ("a byte that ends text", rule("input.svc.text == \"a\0b\"")),
        ("bytes that are no text", of_bytes(b"package hostile\n\nholds if input.svc.text == \"\xff\xfe\"\n")),
        ("text of another kind", of_bytes(&[0xff, 0xfe, b'p', 0, b'a', 0])),
        ("nothing", of_bytes(b"")),
        ("a file of spaces", of_bytes(&vec![b' '; 100_000])),
        (
            "an escape sequence for a name",
            project().with(
                "policies/hostile.rego",
                "package hostile[\"\\u001b[2J\"]\n\nholds if input.svc.number > nothing\n",
            ),
        ),
        ("aliases in metadata", metadata(&bomb(12))),
        ("brackets in metadata", metadata(&format!("custom: {}", "[".repeat(10_000)))),
        ("an id that leads out", metadata("custom:\n  assumption:\n    id: ../../etc/passwd")),
        ("an id that writes to the terminal", metadata("custom:\n  assumption:\n    id: \"\\e[2J\"")),
        ("quotes in quotes", markdown(&format!("{} ```rego\npackage hostile\n", ">".repeat(20_000)))),
        ("lists in lists of a document", markdown(&format!("{}```rego\npackage hostile\n", "- ".repeat(20_000)))),
        ("emphasis without end", markdown(&"*a _b ".repeat(50_000))),
        ("links without end", markdown(&"[a](".repeat(50_000))),
        (
            "a fence that is not closed",
            markdown("# Title\n\n```rego\npackage hostile\n\nholds if input.svc.number > 9 ::error::x\n"),
        ),
        ("ten thousand fences", markdown(&"```rego\npackage hostile\n```\n\n".repeat(10_000))),
        (
            "aliases in the project",
            policy("holds if input.svc.number > 9").with("stillholds.yaml", format!("version: 1\n{}", bomb(12))),
        ),
        (
            "brackets in the project",
            policy("holds if input.svc.number > 9")
                .with("stillholds.yaml", format!("version: 1\npolicies: {}", "[".repeat(10_000))),
        ),
        (
            "a path that leads out",
            policy("holds if input.svc.number > 9")
                .with("stillholds.yaml", "version: 1\npolicies: [\"../../../../etc/**/*\"]\n"),
        ),
        (
            "a pattern of patterns",
            policy("holds if input.svc.number > 9")
                .with("stillholds.yaml", format!("version: 1\npolicies: [\"{}*.rego\"]\n", "**/".repeat(200))),
        ),
        (
            "a manifest of aliases",
            policy("holds if input.svc.number > 9").with(
                "facts/snapshot.yaml",
                format!("version: 1\nsources:\n  svc: {{file: svc.json, status: ok}}\n{}", bomb(12)),
            ),
        ),
        (
            "a manifest that leads out",
            policy("holds if input.svc.number > 9").with(
                "facts/snapshot.yaml",
                "version: 1\nsources:\n  svc: {file: ../../etc/passwd, sha256: 00, status: ok}\n",
            ),
        ),
    ]
}

/// Facts that cannot be read, or should not have been.
fn sources() -> Vec<(&'static str, Project)> {
    let nested = |open: &str, close: &str, times: usize| format!("{}{}", open.repeat(times), close.repeat(times));
    vec![
        ("JSON nested", source("bad.json", nested("[", "]", 100_000))),
        ("objects nested", source("bad.json", "{\"a\":".repeat(100_000))),
        ("a number beyond all numbers", source("bad.json", "{\"a\": 1e400}")),
        ("a number of a million digits", source("bad.json", format!("[{}]", "9".repeat(1_000_000)))),
        ("an exponent beyond all exponents", source("bad.json", "[1e999999999999999999999]")),
        ("a key twice", source("bad.json", "{\"a\": 1, \"a\": 2}")),
        ("half a character", source("bad.json", "{\"a\": \"\\ud800\"}")),
        ("a byte that ends text in JSON", source("bad.json", b"{\"a\": \"x\0y\"}".to_vec())),
        ("bytes that are no text in JSON", source("bad.json", b"{\"a\": \"\xc3\x28\"}".to_vec())),
        ("the other kind of text", source("bad.json", [0xff, 0xfe, b'{', 0, b'}', 0])),
        ("nothing at all", source("bad.json", "")),
        (
            "JSON in JSON for the reader alone",
            source("bad.json", "{\"$serde_json::private::Number\": \"1\", \"$serde_json::private::RawValue\": \"]\"}"),
        ),
        ("aliases of aliases", source("bad.yaml", bomb(12))),
        ("an alias of itself", source("bad.yaml", "a: &a [*a]\n")),
        ("YAML nested", source("bad.yaml", nested("[", "]", 100_000))),
        ("YAML nested by dashes", source("bad.yaml", format!("{}x\n", "- ".repeat(100_000)))),
        ("YAML nested by questions", source("bad.yaml", format!("{}x\n", "? ".repeat(20_000)))),
        ("an object of the language", source("bad.yaml", "a: !!python/object/apply:os.system [\"touch owned\"]\n")),
        ("merged without end", source("bad.yaml", "a: &a {<<: *a, b: 1}\n")),
        ("keys that are lists", source("bad.yaml", "? [a, b]\n: c\n")),
        ("two documents", source("bad.yaml", "a: 1\n---\nb: 2\n")),
        ("TOML nested", source("bad.toml", format!("a = {}", nested("[", "]", 100_000)))),
        ("TOML nested by names", source("bad.toml", format!("{}a = 1\n", "a.".repeat(100_000)))),
        (
            "many columns",
            source("bad.csv", format!("{}\n", (0..40_000).map(|n| n.to_string()).collect::<Vec<_>>().join(","))),
        ),
        ("quotes without end", source("bad.csv", format!("a\n\"{}", "\"\"".repeat(200_000)))),
        ("a line that is nested", source("bad.ndjson", format!("1\n{}\n", nested("[", "]", 100_000)))),
        ("much out of little", source("bad.json.gz", packed(&vec![b' '; 50_000_000]))),
        (
            "much out of little, and much more behind it",
            source("bad.csv.gz", [packed(b"a,b\n"), packed(&vec![b'1'; 20_000_000])].concat()),
        ),
        ("compressed twice", source("bad.json.gz", packed(&packed(b"[1]")))),
        ("a source with a name of its own", source("bad\u{1b}[2J.json", "[1]")),
        ("a source that is a command", source("bad;touch owned.json", "[1]")),
    ]
}

/// What became of it, in words that are the same on every machine.
fn outcome(run: &Run) -> String {
    let Some(code) = run.code else { return format!("ended by a signal: {run}") };
    let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else {
        let said = run.stderr.lines().map(str::trim).find(|line| line.starts_with(['×', 'e'])).unwrap_or_default();
        let said: String = said.chars().take(160).collect();
        return format!("exit {code}, refused: {said}");
    };
    let mut lines = vec![format!("exit {code}")];
    for judged in report["assumptions"].as_array().into_iter().flatten() {
        let word = |key: &str| judged[key].as_str().unwrap_or_default();
        let id = word("id");
        let message: String = word("message").chars().take(160).collect();
        // Which limit is met first depends on the machine.
        let is_stopped =
            ["took longer", "more memory", "GiB of memory", "went too deep"].iter().any(|part| message.contains(part));
        let message = if is_stopped { "stopped".to_owned() } else { message };
        lines.push(format!("{id}: {} {} {message}", word("verdict"), word("reason")).trim_end().to_owned());
    }
    lines.join("\n")
}

/// The outcomes of all, four at a time.
fn outcomes(cases: &[(&str, Project)]) -> String {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((at, (title, project))) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, cases.get(at)?)))
        {
            let written = project.write();
            let before = written.files();
            let start = Instant::now();
            let run = written.check(&["--isolate", "--timeout", "1s", "-o", "json"]);
            let took = start.elapsed();
            println!("{:>7.2} s  {title}", took.as_secs_f64());
            assert!(took < LATEST, "{title} took {took:?}");
            assert!(before == written.files(), "{title}: a file was written");
            assert!(is_harmless(&run.stdout) && is_harmless(&run.stderr), "{title}: {run:?}");
            done.push((at, *title, outcome(&run)));
        }
        done
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(work));
        threads.into_iter().flat_map(|thread| thread.join().expect("a case says what is wrong")).collect()
    });
    all.sort_by_key(|(at, ..)| *at);
    table(all.into_iter().map(|(_, title, outcome)| (title, outcome)))
}

/// Whether text can be shown on a terminal, and in a log, without doing anything there.
fn is_harmless(text: &str) -> bool {
    let is_known = |c: char| {
        c == '\n'
            || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c) && !('\u{2066}'..='\u{2069}').contains(&c)
    };
    text.chars().all(is_known) && text.lines().all(|line| !line.trim_start().starts_with("::"))
}

#[test]
#[cfg(target_os = "linux")]
fn what_ends_or_holds_up_an_evaluation_is_the_error_of_one_assumption() {
    insta::assert_snapshot!(outcomes(&[evaluations(), calls()].concat()));
}

#[test]
fn what_cannot_be_loaded_is_refused() {
    insta::assert_snapshot!(outcomes(&[loads(), files()].concat()));
}

#[test]
fn facts_that_cannot_be_read_fail_their_source_alone() {
    insta::assert_snapshot!(outcomes(&sources()));
}

#[test]
fn what_others_wrote_does_nothing_to_a_terminal_or_a_log() {
    let harm = json!("\u{1b}]0;x\u{7}\u{1b}[2J\r\n::error file=x::owned\n\u{202e}txt\u{9b}31m\u{2028}\0");
    let facts = json!({"bad": {harm.as_str().unwrap_or_default(): harm}}).to_string();
    // YAML takes no such characters as they are, JSON does.
    let escape = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    let harm = harm.to_string().chars().map(escape).collect::<Vec<_>>().concat();
    let policy = format!(
        "# METADATA\n# title: {harm}\n# description: {harm}\n# custom:\n#   assumption: {{owner: {harm}}}\npackage hostile\n\n\
         violation contains {{\"msg\": {harm}, \"subject\": {harm}, \"expected\": {harm}, {harm}: {harm}}} if {{\n\tsome key, \
         value in input.svc.bad\n\tprint({harm})\n\tvalue == {harm}\n\tkey == {harm}\n}}\n"
    );
    let written = project().with("policies/hostile.rego", policy).with("facts/svc.json", facts).write();
    let run = written.check(&["-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
    let judged = report["assumptions"].as_array().into_iter().flatten().find(|judged| judged["id"] == "hostile");
    assert_eq!(judged.map(|judged| &judged["verdict"]), Some(&json!("decayed")), "{report}");
    for arguments in [
        &["check", "-v"][..],
        &["check", "-o", "json"],
        &["explain", "hostile"],
        &["list"],
        &["facts"],
        &["facts", "svc"],
        &["facts", "svc", "bad"],
        &["eval", "data.hostile.violation"],
        &["eval", "-f", "pretty", "data.hostile.violation"],
        &["check", "\u{1b}[2J"],
        &["explain", "\u{1b}[2J\n::error::x"],
    ] {
        let run = written.run(arguments);
        assert!(run.code.is_some_and(|code| code <= 3), "{arguments:?}: {run:?}");
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty(), "{arguments:?}");
        assert!(is_harmless(&run.stdout) && is_harmless(&run.stderr), "{arguments:?}: {run:?}");
    }
}

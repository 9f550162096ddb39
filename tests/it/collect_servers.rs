//! Collecting from servers: pages, credentials, Prometheus.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    collect::{newest, newest_shown, project, snapshots, steady},
    harness::{Run, Written},
    server::{Asked, Reply, Server},
};

/// A file of credentials that nobody else can read.
fn credentials(written: &Written, text: &str) -> PathBuf {
    let path = written.path().join("credentials.yaml");
    fs::write(&path, text).expect("it can be written");
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("it can be closed");
    path
}

fn collect_with(written: &Written, credentials: &std::path::Path, arguments: &[&str]) -> Run {
    let file = credentials.to_str().expect("text");
    written.run_with(&[("STILLHOLDS_CREDENTIALS", file)], &[&["collect"], arguments].concat())
}

#[test]
fn an_answer_is_read_page_by_page() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/items?page=1" => Reply::new(
            "200 OK",
            "content-type: application/json\r\nlink: </items?page=2>; rel=\"next\", </items?page=3>; rel=\"last\"\r\n",
            r#"{"data": {"items": [1, 2]}}"#,
        ),
        "/items?page=2" => Reply::new(
            "200 OK",
            "content-type: application/vnd.api+json\r\nlink: </items?page=3>; rel=next\r\n",
            r#"{"data": {"items": [3]}}"#,
        ),
        "/items?page=3" => Reply::json(r#"{"data": {"items": []}}"#),
        "/moved" => Reply::new("307 Temporary Redirect", "location: /search\r\n", ""),
        "/search" => Reply::json(json!({"method": asked.method, "asked": asked.body}).to_string()),
        "/broken" if asked.before == 0 => {
            Reply::new("200 OK", "content-type: application/json\r\nlink: </gone>; rel=next\r\n", "[1]")
        }
        "/away" => Reply::new(
            "200 OK",
            "content-type: application/json\r\nlink: <http://169.254.169.254/latest>; rel=next\r\n",
            "[1]",
        ),
        _ => Reply::new("404 Not Found", "", ""),
    });
    let origin = &server.origin;
    let written = project(&format!(
        "  - {{source: items, kind: http, url: \"{origin}/items?page=1\", select: /data/items}}
  - {{source: search, kind: http, url: \"{origin}/moved\", body: {{query: [a]}}}}
  - {{source: broken, kind: http, url: \"{origin}/broken\"}}
  - {{source: away, kind: http, url: \"{origin}/away\"}}
  - {{source: gone, kind: http, url: \"{origin}/gone?token=s3cret#s3cret\"}}
"
    ))
    .write();
    let run = written.run(&["collect"]);
    let files = newest(&written);
    let read = |name: &str| serde_json::from_str::<Value>(&files[name]).expect("it is JSON");
    assert_eq!(read("items.json"), json!([1, 2, 3]));
    assert_eq!(read("search.json"), json!({"method": "POST", "asked": "{\"query\":[\"a\"]}"}));
    assert_eq!((run.code, run.to_string().contains("s3cret")), (Some(1), false), "{run}");
    assert!(!newest_shown(&written).contains("s3cret"));
    insta::assert_snapshot!(steady(&run.stdout));
}

#[test]
fn a_token_appears_nowhere_but_at_its_own_origin() {
    const TOKEN: &str = "t0ken-that-nobody-may-see";
    let other = Server::start(|_| Reply::json("[]"));
    let elsewhere = other.origin.clone();
    // A server that repeats whatever it is told.
    let server = Server::start(move |asked| {
        let told = asked.header("authorization").unwrap_or("nothing").to_owned();
        match asked.path.as_str() {
            "/echo" => Reply::json(json!({"told": told, told.clone(): 1}).to_string()),
            "/refused" => Reply::new("401 Unauthorized", "", told),
            "/away" => Reply::new("302 Found", &format!("location: {elsewhere}/{}\r\n", &told[7..]), told),
            "/pages" => {
                let head =
                    format!("content-type: application/json\r\nlink: <{elsewhere}/{}>; rel=next\r\n", &told[7..]);
                Reply::new("200 OK", &head, "[1]")
            }
            "/html" => Reply::new("200 OK", &format!("content-type: text/{}\r\n", &told[7..]), told),
            "/invalid" => Reply::json(format!("{{\"{told}\": 1, \"{told}\": 2}}")),
            _ => Reply::new(
                "400 Bad Request",
                "content-type: application/json\r\n",
                json!({"status": "error", "error": told}).to_string(),
            ),
        }
    });
    let origin = &server.origin;
    let entries = ["echo", "refused", "away", "pages", "html", "invalid"]
        .iter()
        .map(|name| format!("  - {{source: {name}, kind: http, url: \"{origin}/{name}\"}}\n"))
        .collect::<Vec<_>>()
        .concat();
    let entries = format!(
        "{entries}  - {{source: prometheus, kind: prometheus, url: \"{origin}\", queries: {{a: up}}}}\n  - {{source: other, kind: http, url: \"{}/x\"}}\n",
        other.origin
    );
    let written = project(&entries).write();
    let outside = project("").write();
    let file = credentials(&outside, &format!("version: 1\norigins: {{\"{origin}\": {{bearer: {TOKEN}}}}}\n"));
    let dry = collect_with(&written, &file, &["--dry-run"]);
    let run = collect_with(&written, &file, &[]);
    assert_eq!(run.code, Some(1), "{run}");
    for (what, text) in [("dry run", dry.to_string()), ("run", run.to_string()), ("snapshot", newest_shown(&written))] {
        assert!(!text.contains(TOKEN), "{what}: {text}");
    }
    assert!(server.asked().iter().all(|asked| asked.header("authorization") == Some(&format!("Bearer {TOKEN}"))));
    assert!(!server.asked().is_empty() && !other.asked().is_empty());
    assert!(other.asked().iter().all(|asked| asked.header("authorization").is_none() && !asked.path.contains(TOKEN)));
    let judged = written.run(&["facts", "-C", "."]);
    assert!(!judged.to_string().contains(TOKEN), "{judged}");
    let ports = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("it is valid");
    insta::assert_snapshot!(steady(&format!("{}\n{}", ports.replace_all(&dry.stdout, "127.0.0.1:[PORT]"), run.stdout)));
}

#[test]
fn credentials_that_others_can_read_are_refused() {
    let written = project("  - {source: a, kind: http, url: \"http://127.0.0.1:9/\"}\n").write();
    let file = credentials(&written, "version: 1\norigins: {}\n");
    #[cfg(unix)]
    {
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("it can be opened");
        let run = collect_with(&written, &file, &[]);
        assert_eq!(run.code, Some(2), "{run}");
        insta::assert_snapshot!(run.said().replace(written.path().to_str().expect("text"), "[FOLDER]"));
    }
}

/// A Prometheus whose clock stands still, 10 minutes before the test's.
fn prometheus(asked: &Asked, now: i64) -> Reply {
    let parameters: Vec<(String, String)> = form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let parameter =
        |name: &str| parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let success = |data: Value| Reply::json(json!({"status": "success", "data": data}).to_string());
    let vector = |result: Value| success(json!({"resultType": "vector", "result": result}));
    let error = |text: &str| {
        let body = json!({"status": "error", "errorType": "bad_data", "error": text});
        Reply::new("400 Bad Request", "content-type: application/json\r\n", body.to_string())
    };
    match asked.path.split('?').next().unwrap_or_default() {
        "/p/api/v1/query" => {
            assert_eq!((asked.method.as_str(), parameter("timeout").is_empty()), ("POST", false));
            let query = parameter("query");
            if query != "time()" {
                assert_eq!(parameter("time"), now.to_string(), "all is asked for one time");
            }
            match query {
                "time()" => success(json!({"resultType": "scalar", "result": [now, now.to_string()]})),
                "p99" => vector(json!([
                    {"metric": {"service": "web"}, "value": [now, "NaN"]},
                    {"metric": {"service": "checkoutservice"}, "value": [now, "0.289"]},
                    {"metric": {"client": "checkout-1", "server": "payments"}, "value": [now, "3"]},
                ])),
                "ratio" => success(json!({"resultType": "scalar", "result": [now, "+Inf"]})),
                "nothing" | "none" | "never" => vector(json!([])),
                "warned" => Reply::json(
                    json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"api_token": "s3cret"}, "value": [now, "1"]}]},
                        "warnings": ["store b did not answer"], "infos": ["metric might not be a counter"]})
                    .to_string(),
                ),
                "m[5m]" => success(json!({"resultType": "matrix", "result": []})),
                other => error(&format!("parse error: unexpected {other}")),
            }
        }
        "/p/api/v1/query_range" => {
            let number = |name: &str| parameter(name).parse::<i64>().expect("a number");
            let (start, end, step) = (number("start"), number("end"), number("step"));
            assert!((end - start) / step < 11_000, "{step}");
            if parameter("query") == "count(up)" {
                // Whoever asks for six days meets a server that is an hour old.
                let first = if end - start == 6 * 86_400 { end - 3600 } else { start };
                let values = json!([[first, "2"], [end, "2"]]);
                return success(json!({"resultType": "matrix", "result": [{"metric": {}, "values": values}]}));
            }
            let values: Vec<_> =
                (0..4).map(|day| json!([end - (3 - day) * 86_400, if day == 3 { "1" } else { "3" }])).collect();
            success(
                json!({"resultType": "matrix", "result": [{"metric": {"deployment": "checkout"}, "values": values}]}),
            )
        }
        "/p/api/v1/status/runtimeinfo" => success(json!({"storageRetention": "15d"})),
        "/p/api/v1/alerts" => {
            success(json!({"alerts": [{"labels": {"alertname": "Slow"}, "state": "firing", "value": "2e+00"}]}))
        }
        "/p/api/v1/targets" => {
            success(json!({"activeTargets": [{"scrapeUrl": "http://a.test/metrics?token=s3cret", "health": "up"}]}))
        }
        _ => Reply::new("404 Not Found", "", ""),
    }
}

#[test]
fn prometheus_answers_in_parts() {
    let now = jiff::Timestamp::now().as_second() - 600;
    let server = Server::start(move |asked| prometheus(asked, now));
    let written = project(&format!(
        "  - source: prometheus
    kind: prometheus
    url: {}/p/
    queries:
      p99: p99
      ratio: ratio
      nothing: nothing
      none: {{query: none, on_empty: zero}}
      never: {{query: never, on_empty: error}}
      tokens_warned: warned
      bracket: \"m[5m]\"
      wrong: \"sum(\"
      week: {{query: replicas, range: 7d, step: 1h}}
      month: {{query: replicas, range: 30d, step: 1m}}
      ages: {{query: replicas, range: 999999999999w}}
      young: {{query: replicas, range: 6d}}
    include: [alerts, targets, rules]
aliases: {{checkout: [checkoutservice, \"checkout-*\"], payments: []}}
",
        server.origin
    ))
    .write();
    let run = written.run(&["collect"]);
    assert_eq!(run.code, Some(1), "{run}");
    assert!(!newest_shown(&written).contains("s3cret"));
    let seconds = regex::Regex::new(r"(clock is )[^\n]*( behind)").expect("it is valid");
    let text = format!("{}\n{}", run.stdout, newest_shown(&written));
    insta::assert_snapshot!(seconds.replace_all(&steady(&text), "$1[SKEW]$2"));
}

#[test]
fn a_prometheus_that_is_none_fails_as_a_whole() {
    let server = Server::start(|_| Reply::json("{}"));
    let page = Server::start(|_| Reply::new("200 OK", "content-type: text/html\r\n", "<html>log in</html>"));
    let written = project(&format!(
        "  - {{source: a, kind: prometheus, url: \"{}\", queries: {{a: up}}}}\n  - {{source: b, kind: prometheus, url: \"{}\", queries: {{a: up}}}}\n  - {{source: c, kind: prometheus, url: \"{}\", queries: {{a: up}}}}\n",
        server.origin, page.origin, crate::server::nobody()
    ))
    .write();
    let run = written.run(&["collect"]);
    assert_eq!(run.code, Some(1), "{run}");
    insta::assert_snapshot!(steady(&run.stdout));
}

#[test]
fn a_check_collects_first_where_it_is_asked_to() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/traces" => Reply::json(r#"{"edges": [{"client": "checkout", "server": "fraud"}]}"#),
        _ => Reply::new("503 Service Unavailable", "retry-after: 3600\r\n", ""),
    });
    let good = format!("  - {{source: traces, kind: http, url: \"{}/traces\"}}\n", server.origin);
    let run = project(&good).write().run(&["check", "--collect", "-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("only the report stands on standard output");
    assert_eq!((run.code, &report["assumptions"][0]["verdict"]), (Some(1), &json!("decayed")), "{run}");
    assert!(run.stderr.starts_with("traces: ok after"), "{run}");

    // A process of its own judges what was collected for it, and collects nothing.
    let asked = server.asked().len();
    let written = project(&good).write();
    let run = written.run(&["check", "--collect", "--isolate"]);
    assert_eq!((run.code, server.asked().len(), snapshots(&written).len()), (Some(1), asked + 1, 1), "{run}");

    // What a failed source feeds is unknown, with what the collector said.
    let bad = good.replace("/traces\"", "/down\"");
    let run = project(&bad).write().run(&["check", "--collect", "-o", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("only the report stands on standard output");
    let assumption = &report["assumptions"][0];
    assert_eq!((run.code, &assumption["verdict"]), (Some(3), &json!("unknown")), "{run}");
    assert_eq!(assumption["reason"], "failed");
    let said = assumption["message"].as_str().unwrap_or_default();
    assert!(said.contains("answered 503 Service Unavailable and asks to wait 3600 s"), "{said}");

    let run = project("  []\n").write().run(&["check", "--collect"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run}");
}

//! Collecting from servers: pages, credentials, Prometheus.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    collect::{newest, newest_shown, project, steady},
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

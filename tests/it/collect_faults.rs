//! Faults: hostile servers and hostile file systems. Whatever happens, it is said of the source it happens to, and every
//! earlier snapshot is whole.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use stillholds::{
    collect::{Limits, Options, collect},
    project::Project,
};

use crate::{
    collect::{newest, project, snapshots, steady},
    harness::{Written, command_in},
    server::{Asked, Reply, Server, nobody},
};

const JSON: &str = "content-type: application/json\r\n";

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("it can be packed");
    encoder.finish().expect("it can be packed")
}

fn hostile(asked: &Asked) -> Reply {
    let long = Duration::from_secs(30);
    match asked.path.as_str() {
        "/good_gzip" => Reply::new("200 OK", &format!("{JSON}content-encoding: gzip\r\n"), packed(b"{\"a\": 1}")),
        "/slow" => Reply::json("{}").after(long),
        "/drip" => Reply::json("{\"a\": 1}").slowly(Duration::from_millis(400), 4),
        "/half" => Reply::raw(format!("HTTP/1.1 200 OK\r\n{JSON}content-length: 100\r\n\r\n{{\"a\": 1")),
        "/half_chunk" => Reply::raw(format!("HTTP/1.1 200 OK\r\n{JSON}transfer-encoding: chunked\r\n\r\n8\r\n{{\"a\"")),
        "/closed" => Reply::raw(""),
        "/garbage" => Reply::raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        "/html" => Reply::new("200 OK", "content-type: text/html\r\n", "<html>please log in</html>"),
        "/once_500" if asked.before == 0 => Reply::new("500 Internal Server Error", "", "oops"),
        "/once_429" if asked.before == 0 => Reply::new("429 Too Many Requests", "retry-after: 1\r\n", ""),
        "/good" | "/once_500" | "/once_429" => Reply::json("{\"a\": 1}"),
        "/always_500" => Reply::new("500 Internal Server Error", "", "oops"),
        "/long_429" => Reply::new("429 Too Many Requests", "retry-after: 120\r\n", ""),
        "/date_503" => Reply::new("503 Service Unavailable", "retry-after: Tue, 31 Dec 2999 23:59:59 GMT\r\n", ""),
        "/forbidden" => Reply::new("403 Forbidden", "", ""),
        "/redirect_metadata" => Reply::new("302 Found", "location: http://169.254.169.254/latest/meta-data/\r\n", ""),
        "/redirect_other" => Reply::new("301 Moved Permanently", "location: //localhost/x\r\n", ""),
        "/redirect_file" => Reply::new("302 Found", "location: file:///etc/passwd\r\n", ""),
        "/redirect_loop" => Reply::new("302 Found", "location: /redirect_loop\r\n", ""),
        "/redirect_here" => Reply::new("308 Permanent Redirect", "location: good\r\n", ""),
        "/oversize" => Reply::json(vec![b' '; 3 << 20]),
        "/bomb" => Reply::new("200 OK", &format!("{JSON}content-encoding: gzip\r\n"), packed(&vec![b' '; 8 << 20])),
        "/bad_gzip" => Reply::new("200 OK", &format!("{JSON}content-encoding: gzip\r\n"), "{}"),
        "/invalid" => Reply::json("{\"a\": 1,}"),
        "/twice" => Reply::json("{\"a\": 1, \"a\": 2}"),
        "/nan" => Reply::json("{\"a\": NaN}"),
        "/empty" => Reply::json(""),
        "/no_content" => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        "/latin" => Reply::json(b"{\"a\": \"\xe9\"}".to_vec()),
        "/terminal" => Reply::new("200 OK", "content-type: x/\u{1b}[2J\r\n", ""),
        _ => Reply::new("404 Not Found", "", ""),
    }
}

const PATHS: [&str; 31] = [
    "good",
    "good_gzip",
    "slow",
    "drip",
    "half",
    "half_chunk",
    "closed",
    "garbage",
    "html",
    "once_500",
    "once_429",
    "always_500",
    "long_429",
    "date_503",
    "forbidden",
    "redirect_metadata",
    "redirect_other",
    "redirect_file",
    "redirect_loop",
    "redirect_here",
    "oversize",
    "bomb",
    "bad_gzip",
    "invalid",
    "twice",
    "nan",
    "empty",
    "no_content",
    "latin",
    "terminal",
    "nowhere",
];

#[test]
fn hostile_servers_fail_their_own_source_and_no_other() {
    let server = Server::start(hostile);
    // Takes connections and never looks at them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let mut entries: Vec<_> = PATHS
        .iter()
        .map(|name| {
            let timeout = if ["slow", "drip"].contains(name) { ", timeout: 2s" } else { "" };
            format!("  - {{source: {name}, kind: http, url: \"{}/{name}\"{timeout}}}\n", server.origin)
        })
        .collect();
    entries.push(format!("  - {{source: down, kind: http, url: \"{}/\"}}\n", nobody()));
    entries.push(format!(
        "  - {{source: silent, kind: http, url: \"http://{}/\", timeout: 2s}}\n",
        silent.local_addr().expect("it has an address")
    ));
    entries.push(
        "  - {source: metadata, kind: http, url: \"http://[::ffff:169.254.169.254]/latest/meta-data/\"}\n".to_owned(),
    );
    entries.push("  - {source: no_host, kind: http, url: \"http://nowhere.invalid/\"}\n".to_owned());
    let written = project(&entries.concat()).write();
    let project = Project::load(written.path()).expect("the project can be read");
    let options = Options {
        facts: None,
        only: Vec::new(),
        keep: None,
        timeout: Duration::from_secs(25),
        allow_commands: false,
        credentials: None,
        ca_file: None,
        environment: None,
        limits: Limits { wire: 2 << 20, decoded: 4 << 20 },
        clock: || jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).expect("it is a time"),
    };
    let started = Instant::now();
    let outcome = collect(&project, &options, &mut |_| ()).expect("a snapshot is made");
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    let said: Vec<_> = outcome
        .sources
        .iter()
        .map(|source| {
            format!("{}: {} {}\n", source.source, source.status.as_str(), source.error.as_deref().unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(steady(&said.concat()));
    let good = ["good", "good_gzip", "once_500", "once_429", "redirect_here"];
    let files = newest(&written);
    assert_eq!(files.len(), good.len() + 1);
    for name in good {
        assert_eq!(files[&format!("{name}.json")], "{\n  \"a\": 1\n}\n", "{name}");
    }
    let judged = written.check(&[]);
    assert_eq!(judged.code, Some(3), "{judged}");
}

/// Every snapshot has its manifest, and every file the digest that it says.
fn assert_whole(written: &Written) {
    for name in snapshots(written) {
        if name.starts_with('.') {
            continue;
        }
        let run = written.run(&["facts", "--facts", &format!("facts/{name}")]);
        assert_eq!(run.code, Some(0), "{name}: {run}");
        assert!(!run.stdout.contains("failed") && !run.stdout.contains("nobody knows"), "{name}: {run}");
    }
}

const FILES: &str = "  - {source: a, kind: file, path: a.json, age: mtime}\n  - {source: b, kind: file, path: \"b*.json\", age: mtime}\n  - {source: c, kind: file, path: a.json, age: mtime}\n";

fn with_files() -> Written {
    let many: Vec<_> = (0..20_000).collect();
    project(FILES).with("a.json", format!("{many:?}")).with("b1.json", "1").with("b2.json", "2").write()
}

#[test]
fn a_killed_run_leaves_every_snapshot_whole() {
    let written = with_files();
    let started = Instant::now();
    assert_eq!(written.run(&["collect"]).code, Some(0));
    let whole = started.elapsed();
    let before = written.files();
    // At points all over the run, which nobody can foresee.
    for point in 0..10_u32 {
        let mut running = command_in(written.path(), &["collect"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        thread::sleep(whole.mul_f64(f64::from(point) / 9.0) + Duration::from_millis(u64::from(fastrand::u8(0..5))));
        running.kill().expect("it can be killed");
        running.wait().expect("it ends");
        assert_whole(&written);
    }
    let after = written.files();
    for (path, content) in before.iter().filter(|(path, _)| !path.contains(".lock")) {
        assert!(after.get(path) == Some(content), "{path} is as it was");
    }
    assert_eq!(written.run(&["collect"]).code, Some(0));
    assert!(snapshots(&written).iter().all(|name| !name.starts_with('.')), "{:?}", snapshots(&written));
    assert_whole(&written);
}

#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_and_nothing_else() {
    let written = with_files();
    assert_eq!(written.run(&["collect"]).code, Some(0));
    let before = written.files();
    // No file may be larger than 8 KiB, and writing more is an error instead of a signal.
    let limited = format!("trap '' XFSZ; ulimit -f 16; exec '{}' collect", env!("CARGO_BIN_EXE_stillholds"));
    let output = Command::new("/bin/sh")
        .args(["-c", &limited])
        .current_dir(written.path())
        .env_clear()
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("cannot be written") && said.contains("earlier snapshots are as they were"), "{said}");
    assert!(written.files() == before, "nothing is left of it");
}

#[test]
fn a_run_leaves_alone_what_another_one_still_writes() {
    let written = with_files();
    let (sender, receiver) = mpsc::channel::<()>();
    // Hangs until both have looked at it.
    let server = Server::start({
        let receiver = std::sync::Mutex::new(receiver);
        move |_| {
            let _ = receiver.lock().map(|receiver| receiver.recv_timeout(Duration::from_secs(20)));
            Reply::json("1")
        }
    });
    let entry = format!("{FILES}  - {{source: d, kind: http, url: \"{}/\"}}\n", server.origin);
    let slow = written.read("stillholds.yaml").replace(FILES, &entry);
    written.put("slow/stillholds.yaml", slow.as_bytes());
    for name in ["a.json", "b1.json", "policies/calls.rego", "design/services.yaml"] {
        written.put(&format!("slow/{name}"), written.read(name).as_bytes());
    }
    let shared = written.path().join("facts").to_str().expect("text").to_owned();
    thread::scope(|scope| {
        let slow = scope.spawn(|| written.run(&["collect", "-C", "slow", "--facts", &shared]));
        while !snapshots(&written).iter().any(|name| name.starts_with('.')) {
            thread::sleep(Duration::from_millis(20));
        }
        let other = written.run(&["collect"]);
        assert_eq!(other.code, Some(0), "{other}");
        assert!(snapshots(&written).iter().any(|name| name.starts_with('.')), "the other one still lives");
        drop(sender);
        let slow = slow.join().expect("it ends");
        assert_eq!(slow.code, Some(0), "{slow}");
    });
    assert_eq!(snapshots(&written).len(), 2);
    assert_whole(&written);
    assert!(fs::read_dir(&shared).expect("it is there").count() >= 2);
}

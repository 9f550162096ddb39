//! A check in a process of its own. Some rules end the process that evaluates them (memory, stack), or stay for hours in
//! one call of a built-in, where no limit of the engine reaches. Here that is the error of one assumption: the process
//! that watches sees which it was and starts another one without it.
//!
//! The worker is this very program with the same arguments. It does all of the work and prints nothing; it tells, line by
//! line, which evaluation begins and ends, and at last what is to be printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use stillholds::{check::Watch, model::ExitCode, report::Look, source::escape};

use super::{Console, Failure};

/// Tells a process that it is a worker, and what to do otherwise than it is asked.
const ORDERS: &str = "STILLHOLDS_WORKER";
/// How much longer than its limit one evaluation may take before its process is ended: the engine notices first where it
/// can.
const GRACE: Duration = Duration::from_secs(2);
/// Of the machine's memory a worker may take three quarters, so that the machine does not choose what to end.
const SHARE: [u64; 2] = [3, 4];

/// What a worker is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Orders {
    /// How standard output and standard error look: colour, Unicode, width.
    looks: [(bool, bool, usize); 2],
    /// The assumptions not to evaluate, with what they did.
    stopped: BTreeMap<String, String>,
    /// The assumptions to evaluate one by one.
    suspects: BTreeSet<String>,
    /// Bytes of memory it may take.
    memory: Option<u64>,
    /// The snapshot to judge, where one was collected for it.
    facts: Option<String>,
}

/// What a worker tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// An evaluation of this assumption begins.
    Begins(String),
    /// It has ended.
    Ends(String),
    /// Text for standard output.
    Out(String),
    /// Text for standard error.
    Err(String),
}

fn orders() -> Option<&'static Orders> {
    static ORDERS_GIVEN: OnceLock<Option<Orders>> = OnceLock::new();
    ORDERS_GIVEN.get_or_init(|| serde_json::from_str(&env::var(ORDERS).ok()?).ok()).as_ref()
}

/// How the terminal of the watching process looks, in a worker.
pub(super) fn looks() -> Option<[Look; 2]> {
    let look = |(color, unicode, width)| Look { color, unicode, width, verbose: false };
    orders().map(|orders| orders.looks.map(look))
}

/// Hands a text to the watching process for standard output; `false` where there is none.
pub(super) fn print(text: &str) -> bool {
    orders().is_some() && tell(&Told::Out(text.to_owned()))
}

/// The same for standard error.
pub(super) fn complain(text: &str) -> bool {
    orders().is_some() && tell(&Told::Err(text.to_owned()))
}

/// What the evaluation in a worker does otherwise; it also takes no more memory than it may.
pub(super) fn watch() -> Watch {
    let Some(orders) = orders() else { return Watch::default() };
    let notice = |id: &str, begins: bool| {
        let id = id.to_owned();
        tell(&if begins { Told::Begins(id) } else { Told::Ends(id) });
    };
    Watch { notice: Some(notice), stopped: orders.stopped.clone(), suspects: orders.suspects.clone() }
}

/// Whether this process works for another one.
pub(super) fn is_one() -> bool {
    orders().is_some()
}

/// The snapshot that a worker shall judge, where one was collected for it.
pub(super) fn facts() -> Option<String> {
    orders().and_then(|orders| orders.facts.clone())
}

/// Limits the memory that this process may take from now on, where the platform can.
pub(super) fn limit_memory() {
    #[cfg(target_os = "linux")]
    if let Some(bytes) = orders().and_then(|orders| orders.memory) {
        // Without a limit the machine's own is what is left.
        let _ = rlimit::Resource::AS.set(bytes, bytes);
    }
}

fn tell(told: &Told) -> bool {
    let Ok(mut line) = serde_json::to_vec(told) else { return false };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line).and_then(|()| out.flush()).is_ok()
}

/// Runs this program once more, and again without what ended it, until it comes to a result.
///
/// # Errors
/// Where no process can be started, or one ends while it evaluates nothing.
pub(super) fn supervise(console: &Console, timeout: Duration, facts: Option<String>) -> Result<ExitCode, Failure> {
    let look = |look: Look| (look.color, look.unicode, look.width);
    let looks = [look(console.look()), look(console.look_of_errors())];
    let mut orders = Orders { looks, memory: memory(), facts, ..Orders::default() };
    loop {
        let Ended { status, told, complaints, running, overdue } = attempt(&orders, timeout)?;
        if let Some(code) = status.code().and_then(exit_code).filter(|_| overdue.is_empty()) {
            for text in told {
                match text {
                    Told::Out(text) => console.print(&text)?,
                    Told::Err(text) => console.complain(&text),
                    Told::Begins(_) | Told::Ends(_) => {}
                }
            }
            return Ok(code);
        }
        let guilty = if overdue.is_empty() && running.len() == 1 { &running } else { &overdue };
        if !guilty.is_empty() {
            for id in guilty {
                let what = if overdue.is_empty() {
                    format!("ended the process that did it: {}", cause(status, &complaints, orders.memory))
                } else {
                    format!("took longer than {} s in one step and was ended", timeout.as_secs_f64())
                };
                orders.suspects.remove(id);
                orders.stopped.insert(id.clone(), what);
            }
        } else if running.iter().any(|id| !orders.suspects.contains(id)) {
            // One of several: each by itself shows which.
            orders.suspects.extend(running);
        } else {
            return Err(Failure::new(
                format!("the process that checks has ended: {}", cause(status, &complaints, orders.memory)),
                "the facts or policies may not fit into memory; `--isolate=no` checks in this process",
            ));
        }
    }
}

/// How a worker ended.
struct Ended {
    status: ExitStatus,
    told: Vec<Told>,
    complaints: String,
    /// What it was evaluating.
    running: BTreeSet<String>,
    /// What took too long.
    overdue: BTreeSet<String>,
}

fn attempt(orders: &Orders, timeout: Duration) -> Result<Ended, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("no process can be started to check in: {error}"), "`--isolate=no` checks in this process")
    };
    let text = serde_json::to_string(orders).map_err(|error| failed(&error))?;
    let mut worker = Command::new(env::current_exe().map_err(|error| failed(&error))?)
        .args(env::args_os().skip(1))
        .env(ORDERS, text)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let (out, err) = (worker.stdout.take(), worker.stderr.take());
    let (sender, receiver) = mpsc::channel();
    let lines = thread::spawn(move || {
        for line in out.into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok)) {
            if let Ok(told) = serde_json::from_str(&line)
                && sender.send(told).is_err()
            {
                break;
            }
        }
    });
    let complaints = thread::spawn(move || {
        let mut text = Vec::new();
        // What was said until it ended.
        let _ = err.map(|err| err.take(1 << 16).read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut running: BTreeMap<String, Instant> = BTreeMap::new();
    let mut said = Vec::new();
    let mut overdue = BTreeSet::new();
    loop {
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(Told::Begins(id)) => drop(running.insert(id, Instant::now())),
            Ok(Told::Ends(id)) => drop(running.remove(&id)),
            Ok(text) => said.push(text),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let late = running.iter().filter(|(_, since)| since.elapsed() > timeout + GRACE);
        let late: BTreeSet<String> = late.map(|(id, _)| id.clone()).collect();
        if !late.is_empty() && overdue.is_empty() {
            overdue = late;
            // It may have ended by itself.
            let _ = worker.kill();
        }
    }
    let status = worker.wait().map_err(|error| failed(&error))?;
    let _ = lines.join();
    let complaints = complaints.join().unwrap_or_default();
    Ok(Ended { status, told: said, complaints, running: running.into_keys().collect(), overdue })
}

fn exit_code(code: i32) -> Option<ExitCode> {
    [ExitCode::Clean, ExitCode::Failed, ExitCode::Unusable, ExitCode::Unknown]
        .into_iter()
        .find(|known| i32::from(*known as u8) == code)
}

/// Why a process ended, in words.
fn cause(status: ExitStatus, complaints: &str, memory: Option<u64>) -> String {
    if complaints.contains("memory allocation of") {
        return match memory {
            Some(bytes) => format!("it needed more than {} GiB of memory", bytes.div_ceil(1 << 30)),
            None => "it needed more memory than there is".to_owned(),
        };
    }
    if complaints.contains("overflowed its stack") {
        return "it went too deep".to_owned();
    }
    escape(&status.to_string()).into_owned()
}

/// How much memory a worker may take: a share of the machine's, or of what its container is given.
fn memory() -> Option<u64> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let file = |path: &str| std::fs::read_to_string(path).ok();
    let machine = file("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.to_owned();
        Some(number(line.trim_end_matches("kB"))? << 10)
    });
    let container = file("/sys/fs/cgroup/memory.max").and_then(|text| number(&text));
    let all = [machine, container].into_iter().flatten().min()?;
    // Threads reserve room for deep rules that they never touch.
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    Some(all / SHARE[1] * SHARE[0] + (threads << 28))
}

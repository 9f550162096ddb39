//! Running a program without a shell, within limits of time and size, and ending all that it started.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use super::{Deadline, Failed};
use crate::facts::said;

/// What a program left behind.
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

impl Output {
    /// What it printed, if it says that it succeeded.
    pub(super) fn success(self, name: &str) -> Result<Vec<u8>, Failed> {
        if self.status.success() {
            return Ok(self.stdout);
        }
        let ended = match self.status.code() {
            Some(code) => format!("ended with exit code {code}"),
            None => "was ended by a signal".to_owned(),
        };
        // What programs say last is why they gave up.
        let last = self.stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
        let why = last.map(|line| format!(": {}", crate::text::cut(line, 400, crate::text::ELLIPSIS)));
        Err(Failed(format!("`{name}` {ended}{}", why.unwrap_or_default())))
    }
}

/// How much of what a program complains is kept.
const COMPLAINTS: u64 = 64 << 10;

/// How long a program that has ended may still be read from: what it wrote is there already, and what else holds its
/// output open is killed.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs a command, which messages call `name`. It reads nothing; of what it prints, `most` bytes are too many.
pub(super) fn run(mut command: Command, name: &str, deadline: Deadline, most: u64) -> Result<Output, Failed> {
    deadline.left()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own can be killed as a whole.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let broken = |error: &io::Error| Failed(format!("`{name}` cannot be run: {}", said(error)));
    let mut child = start(&mut command).map_err(|error| broken(&error))?;
    let stdout = reader(child.stdout.take(), most);
    let stderr = reader(child.stderr.take(), COMPLAINTS);
    let mut printed = None;
    let ended = loop {
        if printed.is_none() {
            printed = stdout.try_recv().ok();
        }
        if printed.as_ref().is_some_and(|bytes: &Vec<u8>| bytes.len() as u64 > most) {
            break Err(Failed(format!("`{name}` printed more than {} MiB", most >> 20)));
        }
        match has_ended(&mut child) {
            Ok(true) => break Ok(()),
            Ok(false) => {}
            Err(error) => break Err(broken(&error)),
        }
        if let Err(missed) = deadline.left() {
            break Err(missed);
        }
        thread::sleep(Duration::from_millis(10));
    };
    let status = end(&mut child).map_err(|error| broken(&error))?;
    ended?;
    let left_open = || Failed(format!("`{name}` left a process behind that keeps its output open"));
    let stdout = printed.map_or_else(|| stdout.recv_timeout(DRAIN).map_err(|_| left_open()), Ok)?;
    if stdout.len() as u64 > most {
        return Err(Failed(format!("`{name}` printed more than {} MiB", most >> 20)));
    }
    let stderr = stderr.recv_timeout(DRAIN).unwrap_or_default();
    Ok(Output { status, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

/// Reads a little more than `most` bytes, so that too much shows, aside; the rest is read and forgotten where that is
/// harmless, because a full pipe would stop the program.
fn reader(from: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Some(mut from) = from else { return };
        let mut bytes = Vec::new();
        // What was read before an error is what there is; that it ended early shows in the exit code.
        let _ = from.by_ref().take(most + 1).read_to_end(&mut bytes);
        // Nobody waits for what is of no use any more.
        let _ = sender.send(bytes);
        let _ = io::copy(&mut from, &mut io::sink());
    });
    receiver
}

#[cfg(unix)]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = Pid::from_raw(child.id().cast_signed()) else { return Ok(true) };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

#[cfg(not(unix))]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

/// The programs that run, by the numbers of their groups.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Starts a program, so that it is known before anybody can want to end it.
fn start(command: &mut Command) -> io::Result<Child> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let child = command.spawn()?;
    running.insert(child.id());
    Ok(child)
}

/// Kills a program and what it started. The program is waited for only when that is done: until then its number, which is
/// that of the group, is nobody else's.
fn end(child: &mut Child) -> io::Result<ExitStatus> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    kill(child.id());
    let _ = child.kill();
    running.remove(&child.id());
    child.wait()
}

/// Kills the programs that are run for collections, and what they started: for whoever ends the run itself, since they
/// would not hear of it.
pub fn end_programs() {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.iter().for_each(|id| kill(*id));
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "elsewhere a program has no group"))]
fn kill(id: u32) {
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(id.cast_signed()) {
        // There is nobody left to kill where all have ended.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: u64, most: u64) -> Result<Output, Failed> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        run(command, "sh", Deadline::after(Duration::from_secs(seconds)), most)
    }

    #[test]
    fn what_is_printed_is_read_to_the_end() {
        let output = shell("printf '%0100000d' 1; printf x >&2", 20, 1 << 20).unwrap();
        assert_eq!((output.stdout.len(), output.stderr.as_str()), (100_000, "x"));
        assert!(output.success("sh").is_ok());
        // Whoever complains a lot is not stopped by a full pipe.
        assert!(shell("printf '%0900000d' 1 >&2", 20, 1 << 20).unwrap().status.success());
    }

    #[test]
    fn failures_say_what_the_program_said_last() {
        let failed = |script: &str| shell(script, 20, 1 << 20).unwrap().success("sh").unwrap_err().0;
        assert_eq!(
            failed("echo a >&2; echo ' why \x1b' >&2; echo >&2; exit 3"),
            "`sh` ended with exit code 3: why \\u{1b}"
        );
        assert_eq!(failed("kill -9 $$"), "`sh` was ended by a signal");
        let missing =
            run(Command::new("/nowhere/at/all"), "x", Deadline::after(Duration::from_secs(1)), 1).err().unwrap();
        assert_eq!(missing.0, "`x` cannot be run: it does not exist");
    }

    #[test]
    fn whoever_prints_too_much_or_takes_too_long_is_killed_with_all_it_started() {
        assert_eq!(shell("yes", 20, 1 << 20).err().unwrap().0, "`sh` printed more than 1 MiB");
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("alive");
        // The program starts another one that would outlive it, and waits.
        let script = format!("(sleep 2; touch '{}') & sleep 30", mark.display());
        let started = std::time::Instant::now();
        assert_eq!(shell(&script, 1, 1 << 20).err().unwrap().0, "not finished within 1 s");
        assert!(started.elapsed() < Duration::from_secs(10), "it is not waited for");
        thread::sleep(Duration::from_secs(3));
        assert!(!mark.exists(), "what it started is gone");
    }

    #[test]
    fn what_stays_behind_does_not_hold_up_the_answer() {
        let started = std::time::Instant::now();
        let output = shell("sleep 60 & echo 1", 50, 1 << 20).unwrap();
        assert_eq!(output.stdout, b"1\n");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

//! The machine that a bench runs on: its description, the clock, and what the kernel says about a process.

use super::Measured;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How often the kernel's accounting clock ticks each second on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// The current time.
#[expect(clippy::disallowed_methods, reason = "a bench runs in real time")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// One line that says when and on what a bench was run.
pub fn line() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after_colon = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(':')).map_or("?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let memory: u64 =
        after_colon(&read("/proc/meminfo"), "MemTotal").split(' ').next().and_then(|kb| kb.parse().ok()).unwrap_or(0);
    let load = read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ");
    format!(
        "Measured {} on {cpus} x {}, {} GiB, Linux {}, load average {load} after the run.",
        now().strftime("%Y-%m-%d %H:%M UTC"),
        after_colon(&read("/proc/cpuinfo"), "model name"),
        memory.div_ceil(1 << 20),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// Lets this process and its children open as many files as the system permits.
pub fn raise_file_limit() {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let mut numbers = line.split_whitespace();
    let (Some(soft), Some(hard)) = (numbers.next(), numbers.next()) else { return };
    if soft == hard {
        return;
    }
    let (pid, limit) = (std::process::id().to_string(), format!("--nofile={hard}:{hard}"));
    let raised = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    if !raised.is_ok_and(|status| status.success()) {
        println!("bench: only {soft} files may be open; a burst over many connections may fail");
    }
}

/// The processor time that the process has used so far, in user and kernel mode.
pub fn cpu(pid: u32) -> Measured<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(") ").ok_or("/proc/PID/stat has no name")?.1;
    let field = |index: usize| -> Measured<u64> {
        Ok(after_name.split(' ').nth(index).ok_or("/proc/PID/stat is short")?.parse()?)
    };
    let ticks = field(11)? + field(12)?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// The resident memory of the process now, in bytes.
pub fn resident(pid: u32) -> Measured<u64> {
    status_kib(pid, "VmRSS:")
}

/// The highest resident memory since `forget_peak`, in bytes.
pub fn peak(pid: u32) -> Measured<u64> {
    status_kib(pid, "VmHWM:")
}

/// Starts the measurement of `peak` anew.
pub fn forget_peak(pid: u32) -> Measured {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn status_kib(pid: u32, key: &str) -> Measured<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).ok_or("/proc/PID/status is short")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Where an installed program is, looking through `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

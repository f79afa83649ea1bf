//! Whether memory can hold what a file declares, asked before it is taken.
//!
//! The system's own account (Linux): what is available, what the control group and the limits of
//! the process leave. Elsewhere nothing is known and only a failed allocation tells.

use std::fs::read_to_string;

/// Bytes that can still be taken, as far as the system says.
pub fn available() -> Option<u64> {
    let field = |file: &str, name: &str| -> Option<u64> {
        let text = read_to_string(file).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix(name))?;
        line.split_whitespace().find_map(|w| w.parse().ok())
    };
    let status = |name: &str| field("/proc/self/status", name).map(|kib| kib << 10);
    let free = field("/proc/meminfo", "MemAvailable:").map(|kib| kib << 10);
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|file| read_to_string(file).ok()?.trim().parse::<u64>().ok())
        .map(|limit| limit.saturating_sub(status("VmRSS:").unwrap_or(0)));
    let limit = |name: &str, used: &str| {
        let soft = field("/proc/self/limits", name)?;
        Some(soft.saturating_sub(status(used).unwrap_or(0)))
    };
    let space = limit("Max address space", "VmSize:");
    let data = limit("Max data size", "VmData:");
    [free, group, space, data].into_iter().flatten().min()
}

/// `Err` where `bytes` are more than memory can hold.
pub(crate) fn check(what: &str, bytes: u64) -> Result<(), String> {
    match available() {
        Some(left) if bytes > left => Err(format!(
            "needs {} for {what}, and this machine has {} left",
            megabytes(bytes),
            megabytes(left)
        )),
        _ => Ok(()),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused() {
        assert!(check("nothing", 0).is_ok());
        if cfg!(target_os = "linux") {
            let left = available().expect("Linux says");
            assert!(left > 1 << 20 && left < 1 << 50, "{left}");
            let found = check("Z", u64::MAX).unwrap_err();
            assert!(found.starts_with("needs 18446744073710 MB for Z, and this"), "{found}");
        }
    }
}

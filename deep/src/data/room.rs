//! Whether the machine has memory for something, asked before it is taken: a system that promises
//! more than it has (Linux does) would end the process later, without a word.

use std::fs;

/// Whether so many bytes are free.
pub(crate) fn has_room(bytes: usize) -> bool {
    free().is_none_or(|free| bytes as u64 <= free)
        && Vec::<u8>::new().try_reserve_exact(bytes).is_ok()
}

/// So many bytes for people.
pub(crate) fn gigabytes(bytes: usize) -> String {
    format!("{:.3} GB", 1e-9 * bytes as f64)
}

/// Bytes that are free, where the system says so (Linux): memory and swap, within the limit of a
/// container.
fn free() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    let machine = (kilobytes("MemAvailable")? + kilobytes("SwapFree").unwrap_or(0)) * 1024;
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    Some(limit.map_or(machine, |limit| limit.min(machine)))
}

#[cfg(test)]
mod tests {
    use super::{free, has_room};

    #[test]
    fn a_page_is_there_and_all_addresses_are_not() {
        assert!(has_room(4096));
        assert!(!has_room(usize::MAX / 2));
        // What is promised is not what is there.
        assert!(free().is_none_or(|free| !has_room((free as usize).saturating_mul(4))));
    }
}

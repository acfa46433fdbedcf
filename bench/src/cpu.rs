//! CPU time used by a process, which shows whether the client, the server or the disk limits a figure; and CPU time
//! used by all processes, which shows whether the machine was otherwise idle.

use std::time::Duration;

use rustix::param::clock_ticks_per_second;

use crate::cores;

/// User and system time of a process since it started, in steps of a clock tick (usually 10 ms). `None` if the
/// process has ended.
pub(crate) fn time_of(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks(&stat).map(duration)
}

/// Time that the cores available to this process were not idle since they started, for all processes.
pub(crate) fn time_of_cores() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    duration(
        cores::allowed()
            .into_iter()
            .filter_map(|core| busy_ticks(&stat, core))
            .sum(),
    )
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

/// Fields 14 and 15 of `/proc/PID/stat`, see proc(5). The process name before them may contain spaces and
/// parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A line of `/proc/stat`, see proc(5): user, nice, system, idle, waiting for disks, interrupts, soft interrupts,
/// stolen by the host.
fn busy_ticks(stat: &str, core: usize) -> Option<u64> {
    let name = format!("cpu{core}");
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '))?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let is_busy = |field: &usize| !matches!(field, 3 | 4);
    // Fields after the eighth count the time of guests a second time.
    Some(
        (0..ticks.len().min(8))
            .filter(is_busy)
            .map(|field| ticks[field])
            .sum(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_busy_when_it_neither_idles_nor_waits_for_a_disk() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 1 2 4 800 1600 8 16 32 64 64\ncpu11 5 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(busy_ticks(stat, 1), Some(63));
        assert_eq!(busy_ticks(stat, 11), Some(5));
        assert_eq!(busy_ticks(stat, 2), None);
    }

    #[test]
    fn the_cores_of_this_process_have_been_busy() {
        assert!(time_of_cores() > Duration::ZERO);
    }

    #[test]
    fn user_and_system_time_are_found_behind_a_name_with_spaces_and_parentheses() {
        let stat = "77 (a (b) c) S 1 77 77 0 -1 4194560 100 0 0 0 250 50 7 8 20 0 4 0 100 0 0";
        assert_eq!(ticks(stat), Some(300));
    }

    #[test]
    fn a_line_that_ends_early_has_no_time() {
        assert_eq!(ticks("77 (a) S 1 2 3"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn this_process_has_taken_time_and_no_process_none() {
        assert!(time_of(std::process::id()).is_some());
        assert_eq!(time_of(u32::MAX), None);
    }
}

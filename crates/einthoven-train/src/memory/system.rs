//! What the system says of memory.

use std::fs;
use std::path::Path;

/// The memory that this process can have without swapping, in bytes: what is available on the machine, or what the limits of its
/// control groups (those of a container or a batch system) leave if that is less. None where the system does not say.
pub(crate) fn available() -> Option<u64> {
    let of_machine = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(left_by_groups(Path::new("/sys/fs/cgroup"), &groups).map_or(of_machine, |left| left.min(of_machine)))
}

/// What `body` returns, and by how many bytes the memory of this process rose meanwhile; none where the system does not say.
pub(crate) fn rise<R>(body: impl FnOnce() -> R) -> (R, Option<u64>) {
    let status = |name| field(&fs::read_to_string("/proc/self/status").ok()?, name);
    // Makes the highest memory so far that of now.
    let before = fs::write("/proc/self/clear_refs", "5").ok().and_then(|()| status("VmRSS:"));
    let result = body();
    let rise = before.zip(status("VmHWM:")).map(|(before, highest)| highest.saturating_sub(before));
    (result, rise)
}

/// Bytes of the line `name` of a file of `/proc`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The files of a control group that say its limit and its use of memory, and the line of `memory.stat` with the files that it holds
/// in memory and could let go.
struct Files {
    limit: &'static str,
    used: &'static str,
    inactive: &'static str,
}

/// Of the second version of control groups.
const SECOND: Files = Files { limit: "memory.max", used: "memory.current", inactive: "inactive_file " };
/// Of the first.
const FIRST: Files =
    Files { limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", inactive: "total_inactive_file " };

/// The least that the groups of a process and those above them leave of their limits, from the folder where control groups are
/// mounted and from `/proc/self/cgroup`.
fn left_by_groups(mounted: &Path, groups: &str) -> Option<u64> {
    let left = |line: &str| {
        // As `4:memory:/docker/1f`, or `0::/user.slice` in the second version.
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        let (top, files) = match controllers {
            "" => (mounted.to_path_buf(), SECOND),
            "memory" => (mounted.join(controllers), FIRST),
            _ => return None,
        };
        let group = top.join(group.trim_start_matches('/'));
        group.ancestors().take_while(|group| group.starts_with(&top)).filter_map(|group| files.left(group)).min()
    };
    groups.lines().filter_map(left).min()
}

impl Files {
    /// What a group's limit leaves, if it has one.
    fn left(&self, group: &Path) -> Option<u64> {
        let read = |file| fs::read_to_string(group.join(file)).ok();
        let limit: u64 = read(self.limit)?.trim().parse().ok()?;
        let used: u64 = read(self.used)?.trim().parse().ok()?;
        let stat = read("memory.stat").unwrap_or_default();
        let inactive = stat.lines().find_map(|line| line.strip_prefix(self.inactive)?.trim().parse().ok());
        Some(limit.saturating_sub(used.saturating_sub(inactive.unwrap_or(0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_is_available() {
        let meminfo = "MemTotal:       24608448 kB\nMemFree:  1 kB\nMemAvailable:   20480000 kB\n";
        assert_eq!(field(meminfo, "MemAvailable:"), Some(20_480_000 * 1024));
        assert_eq!(field("MemTotal: 3 kB", "MemAvailable:"), None);
        assert_eq!(field("MemAvailable: many kB", "MemAvailable:"), None);
        if cfg!(target_os = "linux") {
            assert!(available().unwrap() > 0);
        }
    }

    #[test]
    fn memory_rises_by_what_is_held() {
        let (held, rise) = rise(|| vec![1u8; 64 << 20]);
        let Some(rise) = rise else {
            println!("skipped: the system does not say how much memory was used at most");
            return;
        };
        assert!(rise >= held.len() as u64 / 2, "{rise}");
    }

    /// The groups of both versions with limit, use and inactive files, below a folder.
    fn group(folder: &Path, files: &Files, limit: &str, used: u64, inactive: u64) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(files.limit), format!("{limit}\n")).unwrap();
        fs::write(folder.join(files.used), format!("{used}\n")).unwrap();
        let stat = format!("anon 7\n{}{inactive}\n", files.inactive);
        fs::write(folder.join("memory.stat"), stat).unwrap();
    }

    #[test]
    fn the_tightest_limit_of_all_groups_counts() {
        let place = tempfile::tempdir().unwrap();
        let mounted = place.path();
        let second = |name: &str, limit, used, inactive| group(&mounted.join(name), &SECOND, limit, used, inactive);
        second("job", "1000", 600, 100);
        second("job/task", "max", 500, 0);
        assert_eq!(left_by_groups(mounted, "0::/job/task\n"), Some(500));
        second("job/task", "800", 500, 20);
        assert_eq!(left_by_groups(mounted, "0::/job/task\n"), Some(320));
        second("job/task", "400", 500, 0);
        assert_eq!(left_by_groups(mounted, "0::/job/task\n"), Some(0));
        assert_eq!(left_by_groups(mounted, "0::/elsewhere\n1:cpu:/job\nnonsense\n"), None);
        // A container sees its own group as the top one, whatever it is called outside.
        group(&mounted.join("memory"), &FIRST, "3000", 1000, 10);
        assert_eq!(left_by_groups(mounted, "5:cpu:/docker/1f\n4:memory:/docker/1f\n0::/\n"), Some(2010));
    }
}

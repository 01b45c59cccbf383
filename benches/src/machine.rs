//! What a table was measured on, as Linux tells it.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use einthoven::nn::{MatmulPrecision, matmul_precision, set_matmul_precision};

use crate::{Common, Result};

/// Whether both sides are held to AVX2, as builds with `--cfg einthoven_avx2` are.
pub const IS_AVX2: bool = cfg!(einthoven_avx2);

/// Processor, memory, date and versions, in a line.
pub fn describe(common: &Common, python: bool) -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let flags = field("flags").unwrap_or_default();
    let has = |wanted: &str| flags.split_whitespace().any(|flag| flag == wanted);
    let vectors = if IS_AVX2 {
        ", both sides held to AVX2"
    } else if has("avx512f") {
        " with AVX-512"
    } else if has("avx2") {
        " with AVX2"
    } else {
        ""
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism()?;
    let memory = kib("/proc/meminfo", "MemTotal:").unwrap_or(f64::NAN) / 1024.0 / 1024.0;
    let mut parts = vec![format!("{model}{vectors}, {cores} cores, {memory:.0} GiB"), date()?, einthoven()];
    if python {
        parts.push(format!("PyTorch {}", torch(&common.python)?));
    }
    Ok(parts.join("; "))
}

/// Whether products in bf16 can be measured.
pub fn has_bf16() -> bool {
    if IS_AVX2 {
        return false;
    }
    let before = matmul_precision();
    let has_it = set_matmul_precision(MatmulPrecision::Bf16).is_ok();
    has_it && set_matmul_precision(before).is_ok()
}

/// Peak memory of this process in MiB.
pub fn peak_mib() -> Option<f64> {
    Some(kib("/proc/self/status", "VmHWM:")? / 1024.0)
}

fn kib(file: &str, key: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The version, with the commit where there is one.
fn einthoven() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let folder = env!("CARGO_MANIFEST_DIR");
    let git = Command::new("git").args(["-C", folder, "describe", "--always", "--dirty", "--exclude=*"]).output();
    match git {
        Ok(output) if output.status.success() => {
            format!("Einthoven {version} ({})", String::from_utf8_lossy(&output.stdout).trim())
        }
        _ => format!("Einthoven {version}"),
    }
}

fn torch(python: &str) -> Result<String> {
    let output = Command::new(python).args(["-c", "import torch; print(torch.__version__)"]).output();
    let output = output.map_err(|error| format!("cannot start `{python}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{python}` has no torch; name another interpreter with --python").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Today in UTC, `YYYY-MM-DD`.
fn date() -> Result<String> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 86_400;
    let (year, month, day) = civil(days);
    Ok(format!("{year}-{month:02}-{day:02}"))
}

/// Year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01 (Hinnant, "chrono-compatible
/// low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_are_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_779), (2026, 11, 22));
    }
}

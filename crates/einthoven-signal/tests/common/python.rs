//! Python packages that read and write the same formats, where they are installed.

use std::ffi::OsStr;
use std::process::Command;

/// What a Python script that needs a package prints; none, with a word, where Python or the package is absent.
///
/// `EINTHOVEN_PYTHON` names another interpreter than `python3`.
pub fn python<S: AsRef<OsStr>>(package: &str, script: &str, arguments: impl IntoIterator<Item = S>) -> Option<String> {
    let interpreter = std::env::var_os("EINTHOVEN_PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(&interpreter).args(["-c", &format!("import {package}")]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: Python's {package} is not installed");
        return None;
    }
    let output = Command::new(&interpreter).args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

//! Help for tests that go in through the front door: the built command, the project's folders, and the data beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The `einthoven` command, built with the profile these tests were built with.
///
/// # Panics
/// When it does not build.
pub fn einthoven() -> Command {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let binary = BINARY.get_or_init(|| {
        // target/<profile>/deps/<test> -> target/<profile>
        let test = std::env::current_exe().expect("the path of this test");
        let profile = test.parent().and_then(Path::parent).expect("a test lives in target/<profile>/deps");
        let target = profile.parent().expect("a profile lives in the target folder");
        let mut build = Command::new(env!("CARGO"));
        // The whole workspace, as `cargo test --workspace` selects it: another selection would build the dependencies anew.
        build.args(["build", "--workspace", "--bins", "--quiet", "--target-dir"]).arg(target).current_dir(root());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells this test of its own package: build scripts that see it run again, and all that stands on them.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                build.env_remove(name);
            }
        }
        assert!(build.status().expect("cargo runs").success(), "the command does not build");
        profile.join(format!("einthoven{}", std::env::consts::EXE_SUFFIX))
    });
    let mut command = Command::new(binary);
    command.current_dir(root());
    command
}

/// Runs `einthoven` with these arguments.
///
/// # Panics
/// When it cannot be started.
pub fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    einthoven().args(arguments).output().expect("einthoven starts")
}

/// What a finished command printed to standard output.
///
/// # Panics
/// When it failed; the panic shows what it said.
pub fn succeeded(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command that had to fail said on standard error, with its exit code.
///
/// # Panics
/// When it succeeded or was ended by a signal.
pub fn failed(output: &Output) -> (i32, String) {
    let code = output.status.code().expect("ended by itself");
    assert_ne!(code, 0, "it succeeded: {}", String::from_utf8_lossy(&output.stdout));
    (code, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A folder of the real data beside the project, or `None` with a word that the test is skipped.
pub fn data(name: &str) -> Option<PathBuf> {
    let base = std::env::var_os("EINTHOVEN_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let folder = base.join(name);
    if !folder.exists() {
        println!("skipped: {} not found", folder.display());
        return None;
    }
    Some(folder)
}

//! How PyTorch is run.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Common, Result, machine};

/// Which PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As installed.
    Eager,
    /// `torch.compile`.
    Compiled,
    /// Eager with the fused AdamW, MKL's path for Intel's processors and huge pages.
    Tuned,
    /// Eager with `torch.set_float32_matmul_precision("medium")`, which lets matrix products round to bf16.
    Medium,
    /// Eager under `torch.autocast("cpu", dtype=torch.bfloat16)`.
    Autocast,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eager => "eager",
            Self::Compiled => "compiled",
            Self::Tuned => "tuned",
            Self::Medium => "medium",
            Self::Autocast => "autocast",
        })
    }
}

/// Python on one of the scripts in `pytorch/`, which takes the `folder` and the number of threads.
pub fn script(name: &str, folder: &Path, common: &Common) -> Command {
    let mut command = Command::new(&common.python);
    // Nothing is left beside the scripts.
    command.arg("-B");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("pytorch").join(name)).arg(folder);
    command.args(["--threads", &common.threads.to_string()]);
    if machine::IS_AVX2 {
        for (library, instructions) in
            [("ATEN_CPU_CAPABILITY", "avx2"), ("MKL_ENABLE_INSTRUCTIONS", "AVX2"), ("ONEDNN_MAX_CPU_ISA", "AVX2")]
        {
            command.env(library, instructions);
        }
    }
    command
}

/// The script that takes training steps.
pub fn steps(variant: Variant, folder: &Path, common: &Common) -> Result<Command> {
    let mut command = script("step.py", folder, common);
    match variant {
        Variant::Eager => {}
        Variant::Compiled => {
            command.arg("--compile");
        }
        Variant::Tuned => {
            command.arg("--fused").env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
            command.env("LD_PRELOAD", intel_path(folder)?);
        }
        Variant::Medium => {
            command.arg("--medium");
        }
        Variant::Autocast => {
            command.arg("--autocast");
        }
    }
    Ok(command)
}

/// A library that answers for MKL whether the processor is Intel's, built in `folder`.
fn intel_path(folder: &Path) -> Result<std::path::PathBuf> {
    let (source, library) = (folder.join("intel.c"), folder.join("intel.so"));
    std::fs::write(&source, "int mkl_serv_intel_cpu_true(void) { return 1; }\n")?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).stdout(Stdio::null());
    let built = compiler.status().is_ok_and(|status| status.success());
    if built { Ok(library) } else { Err("tuned PyTorch needs the C compiler `cc`".into()) }
}

//! What a pickle of a checkpoint may name.

/// Whether checkpoints of the published systems name this: tensors and containers, and the settings saved beside them.
pub(super) fn is_of_checkpoints(name: &str) -> bool {
    const PREFIXES: [&str; 10] = [
        "torch._utils._rebuild_",
        "torch.storage.",
        "torch.nn.parameter.",
        "numpy.core.multiarray.",
        "numpy._core.multiarray.",
        "omegaconf.",
        "fairseq.",
        "fairseq_signals.",
        "pathlib.",
        "collections.",
    ];
    const NAMES: [&str; 9] = [
        "torch.Size",
        "torch.device",
        "torch._tensor._rebuild_from_type_v2",
        "numpy.dtype",
        "numpy.ndarray",
        "argparse.Namespace",
        "typing.Any",
        "_codecs.encode",
        "copyreg._reconstructor",
    ];
    const BUILT_IN: [&str; 11] =
        ["object", "set", "frozenset", "dict", "list", "tuple", "int", "float", "bool", "str", "bytes"];
    let of_torch = name.strip_prefix("torch.").is_some_and(|rest| {
        let number = ["float", "bfloat", "int", "uint", "bool"].iter().any(|kind| rest.starts_with(kind));
        !rest.contains('.') && (rest.ends_with("Storage") || number)
    });
    let built_in = |rest: &str| BUILT_IN.contains(&rest);
    of_torch
        || NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.strip_prefix("builtins.").or(name.strip_prefix("__builtin__.")).is_some_and(built_in)
}

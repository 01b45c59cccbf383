"""Carries out the ONNX models in a folder and compares them with what Einthoven computed.

    python3 check_onnx.py FOLDER

For every NAME.onnx there is NAME.safetensors with the inputs `signals` and, if the model takes it, `valid`, and the expected outputs. Each
model goes through ONNX's checker with shape inference, then through onnxruntime with the whole batch and with its last recording alone.
Prints a line for each output with the largest difference relative to the largest value; fails beyond 1e-4.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-4


def check(path):
    onnx.checker.check_model(str(path), full_check=True)
    expected = load_file(path.with_suffix(".safetensors"))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    contract = json.loads(session.get_modelmeta().custom_metadata_map["contract"])
    inputs = {node.name: expected.pop(node.name) for node in session.get_inputs()}
    assert [len(contract["leads"]), contract["samples"]] == session.get_inputs()[0].shape[1:], contract
    names = [node.name for node in session.get_outputs()]
    assert sorted(names) == sorted(expected), (names, list(expected))
    for rows in (slice(None), slice(-1, None)):
        found = session.run(names, {name: value[rows] for name, value in inputs.items()})
        for name, value in zip(names, found):
            wanted = expected[name][rows]
            assert value.shape == wanted.shape, (name, value.shape, wanted.shape)
            off = float(np.abs(value - wanted).max() / np.abs(wanted).max())
            print(f"{path.stem}: {name} of {len(wanted)} recordings differs by {off:.1e}")
            assert off <= TOLERANCE, path


for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
    check(path)

"""Embeds a recording with what `einthoven export` wrote: FOLDER FILE.onnx RECORDING.csv. Prints both embeddings as JSON.

The recording is a table of twelve leads in millivolts at 500 Hz, with the leads' names in its first line.
"""

import json
import sys

import numpy as np
import onnxruntime

folder, onnx, recording = sys.argv[1:]
sys.path.insert(0, folder)
from load import load

with open(recording) as file:
    leads = file.readline().strip().split(",")
    millivolts = np.loadtxt(file, delimiter=",", dtype=np.float32).T
model = load(folder)
signals, valid = model.prepare([(millivolts, leads, 500.0)])
session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
inputs = {"signals": signals.numpy(), "valid": valid.numpy()}
inputs = {node.name: inputs[node.name] for node in session.get_inputs()}
outputs = dict(zip([node.name for node in session.get_outputs()], session.run(None, inputs)))
found = outputs.get("embedding", outputs["pooled"])
json.dump({"pytorch": model.embed(signals, valid)[0].tolist(), "onnx": found[0].tolist()}, sys.stdout)

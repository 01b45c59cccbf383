"""Times single operations in PyTorch, forward and backward, on request from the bench that runs both sides in turns.

    python3 ops.py FOLDER --threads 2

Reads JSON lines from standard input. `{"op": …, "options": …}` takes the inputs from `inputs.safetensors` in FOLDER, computes the result
and all gradients once, leaves them in `results.safetensors` and answers `null`; `{"repeat": n}` computes them n times and answers the
median seconds of the forward pass and of both passes. Ends at end of input, printing peak memory.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from adamw import Update
from op_twins import TWINS
from process import peak_mib, say


class Operation:
    """An operation on inputs `learns.0`, `fixed.1`, …, with the gradient of its result in `seed`."""

    def __init__(self, twin, tensors):
        self.twin = twin
        seed = tensors.pop("seed")
        self.inputs = [None] * len(tensors)
        for name, tensor in tensors.items():
            kind, index = name.split(".")
            tensor = twin.enter(int(index), tensor).contiguous()
            self.inputs[int(index)] = tensor.requires_grad_(kind == "learns")
        with torch.no_grad():
            shape = twin.leave(twin(*self.inputs)).shape
        self.seed = twin.enter_seed(seed.view(shape)).flatten()

    def passes(self):
        """The result, and the seconds of the forward pass and of both."""
        for leaf in self.inputs:
            leaf.grad = None
        start = time.perf_counter()
        y = self.twin(*self.inputs)
        forward = time.perf_counter() - start
        loss = torch.dot(y.flatten(), self.seed)
        start = time.perf_counter()
        loss.backward()
        return y, (forward, forward + time.perf_counter() - start)

    def time(self):
        return self.passes()[1]

    def results(self):
        y, _ = self.passes()
        results = {"y": self.twin.leave(y.detach()).contiguous()}
        for index, leaf in enumerate(self.inputs):
            if leaf.grad is not None:
                results[f"gradient.{index}"] = self.twin.leave_gradient(index, leaf.grad).contiguous()
        return results


parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

torch.set_num_threads(args.threads)
say({})
work = None
for line in sys.stdin:
    request = json.loads(line)
    if "op" in request:
        work = None
        tensors = load_file(args.folder / "inputs.safetensors")
        op, options = request["op"], request["options"]
        work = Update(tensors, fused=op == "adamw_fused") if op.startswith("adamw") else Operation(TWINS[op](**options), tensors)
        save_file(work.results(), args.folder / "results.safetensors")
        say(None)
    else:
        times = [work.time() for _ in range(request["repeat"])]
        say([statistics.median(column) for column in zip(*times)])
say({"peak_mib": peak_mib()})

"""Times training steps of the PyTorch twin, on request from the bench that runs both sides in turn.

    python3 step.py FOLDER --threads 2 [--compile]

FOLDER holds `config.json` (sizes), `model.safetensors` (weights under the published names) and `batch.safetensors`
(`signals` f32 `[batch, leads, samples]`, `ids` and `mask` i64 `[batch, tokens]`), written by the bench.
First prints one JSON line with the losses of the untouched weights, then for every line read from standard input takes one
training step (forward, backward, AdamW) and prints its duration in seconds; ends at end of input, printing peak memory.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from twin import Esi

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--compile", action="store_true")
args = parser.parse_args()

torch.set_num_threads(args.threads)
model = Esi(json.loads((args.folder / "config.json").read_text()))
missing, _ = model.load_state_dict(load_file(args.folder / "model.safetensors"), strict=False)
if missing:
    sys.exit(f"weights lack {missing}")
model.eval()  # dropout off on both sides: the same arithmetic is compared
batch = load_file(args.folder / "batch.safetensors")
signals, ids, mask = batch["signals"], batch["ids"], batch["mask"]
with torch.no_grad():
    contrastive, caption = model(signals, ids, mask)
print(json.dumps({"contrastive": contrastive.item(), "caption": caption.item(), "torch": torch.__version__}), flush=True)

step_model = torch.compile(model) if args.compile else model
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
for line in sys.stdin:
    start = time.perf_counter()
    optimiser.zero_grad(set_to_none=True)
    contrastive, caption = step_model(signals, ids, mask)
    (contrastive + caption).backward()
    optimiser.step()
    print(time.perf_counter() - start, flush=True)
print(json.dumps({"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)

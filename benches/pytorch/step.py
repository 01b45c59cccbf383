"""Times training steps and inference of the PyTorch twin, on request from the bench that runs both sides in turns.

    python3 step.py FOLDER --threads 2 [--compile] [--fused] [--medium | --autocast]

FOLDER holds `config.json` (sizes), `model.safetensors` (weights under the published names) and `batch.safetensors`
(`signals` f32 `[batch, leads, samples]`, `ids` and `mask` i64 `[batch, tokens]`), written by the bench.
First leaves the embeddings of the signals in `pytorch.safetensors` and prints one JSON line with the losses, all by the untouched
weights, or with the reason why `--compile` does not work here. Then for every line `step` read from standard input takes one
training step (forward, backward, AdamW), for every line `encode` embeds the signals, and prints the duration in seconds;
ends at end of input, printing peak memory.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from process import peak_mib, say
from twin import Esi

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--compile", action="store_true")
parser.add_argument("--fused", action="store_true", help="AdamW as one operation")
parser.add_argument("--medium", action="store_true", help="matrix products that may round to bf16")
parser.add_argument("--autocast", action="store_true", help="bf16 where autocast chooses it")
args = parser.parse_args()

torch.set_num_threads(args.threads)
if args.medium:
    torch.set_float32_matmul_precision("medium")
model = Esi(json.loads((args.folder / "config.json").read_text()))
missing, _ = model.load_state_dict(load_file(args.folder / "model.safetensors"), strict=False)
if missing:
    sys.exit(f"weights lack {missing}")
model.eval()  # dropout off on both sides: the same arithmetic is compared
batch = load_file(args.folder / "batch.safetensors")
signals, ids, mask = batch["signals"], batch["ids"], batch["mask"]


def rounding():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.autocast)


with torch.no_grad(), rounding():
    contrastive, caption = model(signals, ids, mask)
    save_file({"embeddings": model.encode(signals).float()}, args.folder / "pytorch.safetensors")
hello = {"contrastive": contrastive.item(), "caption": caption.item()}

losses = torch.compile(model) if args.compile else model
embed = torch.compile(model.encode) if args.compile else model.encode
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=args.fused or None)


def step():
    optimiser.zero_grad(set_to_none=True)
    with rounding():
        contrastive, caption = losses(signals, ids, mask)
    (contrastive + caption).backward()
    optimiser.step()


def encode():
    with torch.inference_mode(), rounding():
        embed(signals)


if args.compile:
    try:
        step()
        encode()
    except Exception as error:  # whatever the compiler of this machine makes of it
        say({"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"})
        sys.exit()
say(hello)
for line in sys.stdin:
    work = {"step": step, "encode": encode}[line.strip()]
    start = time.perf_counter()
    work()
    print(time.perf_counter() - start, flush=True)
say({"peak_mib": peak_mib()})

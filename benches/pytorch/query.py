"""Compares all records with texts by the PyTorch twin, on request from the bench that runs both sides.

    python3 query.py FOLDER --threads 2 --texts 71

FOLDER is as for `step.py`; the first texts of the batch are asked for. First leaves the cosines, `[records, texts]`, as `embeddings` in
`pytorch.safetensors` and prints an empty JSON object. Then for every line `query` read from standard input computes them anew and prints the
duration in seconds; ends at end of input, printing peak memory.
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

AT_ONCE = 16

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--texts", type=int, default=71)
args = parser.parse_args()

torch.set_num_threads(args.threads)
model = Esi(json.loads((args.folder / "config.json").read_text()))
missing, _ = model.load_state_dict(load_file(args.folder / "model.safetensors"), strict=False)
if missing:
    sys.exit(f"weights lack {missing}")
model.eval()
batch = load_file(args.folder / "batch.safetensors")
signals, ids = batch["signals"], batch["ids"][: args.texts]


@torch.inference_mode()
def query():
    texts = model.text_to_latents(model.pretrained_text_encoder(ids).last_hidden_state[:, 0])
    return torch.cat([model.encode(part) @ texts.T for part in signals.split(AT_ONCE)])


save_file({"embeddings": query()}, args.folder / "pytorch.safetensors")
say({})
for line in sys.stdin:
    start = time.perf_counter()
    query()
    print(time.perf_counter() - start, flush=True)
say({"peak_mib": peak_mib()})

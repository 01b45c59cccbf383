"""Searches stored embeddings for those nearest to a text, on request from the bench that does the same.

    python3 stored.py FOLDER --threads 2 --width 768 --neighbours 10

FOLDER holds `embeddings.f32` and `texts.f32`, rows of `width` numbers of four bytes. Prints an empty JSON object when they are in memory. Then
for every line read from standard input, the number of a text, prints the seconds it took and the greatest cosines; ends at end of
input, printing peak memory.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from process import peak_mib, say

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--width", type=int, default=768)
parser.add_argument("--neighbours", type=int, default=10)
args = parser.parse_args()

torch.set_num_threads(args.threads)


def read(name):
    return torch.from_numpy(np.fromfile(args.folder / name, np.float32).reshape(-1, args.width))


embeddings, texts = read("embeddings.f32"), read("texts.f32")


@torch.inference_mode()
def search(text):
    return torch.topk(embeddings @ texts[text], args.neighbours)


search(0)
say({})
for line in sys.stdin:
    start = time.perf_counter()
    found = search(int(line))
    seconds = time.perf_counter() - start
    say({"seconds": seconds, "cosines": found.values.tolist()})
say({"peak_mib": peak_mib()})

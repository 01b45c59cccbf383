"""An experiment from beginning to end in plain PyTorch: recordings read, the model trained and judged.

    python3 train.py FOLDER --threads 2 --seed 0 [--weights FILE]

FOLDER holds `task.json`, written by the bench. Prints one JSON line: the seconds after PyTorch was imported and the zero-shot
AUROC over the classes. With `--weights`, Einthoven's trained weights are judged and nothing is trained.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import torch
import wfdb
from safetensors.torch import load_file
from torch.nn.utils.rnn import pad_sequence

from corrected import Corrected
from process import peak_mib, say

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--weights", type=Path)
args = parser.parse_args()

start = time.perf_counter()
torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
task = json.loads((args.folder / "task.json").read_text())
setting, augment = task["train"], task["augment"]


def read(records):
    """Recordings in millivolts, `[records, leads, samples]`."""
    signals = (wfdb.rdrecord(record["path"]).p_signal.T for record in records)
    return torch.stack([torch.from_numpy(signal).float() for signal in signals])


def texts(ids):
    return pad_sequence([torch.tensor(text) for text in ids], batch_first=True)


def varied(x):
    """`x` `[batch, leads, samples]` in millivolts with small random changes."""
    batch, leads, samples = x.shape
    x = x * (augment["amplitude"] * torch.randn(batch, 1, 1)).exp()
    frequency = torch.empty(batch, 1, 1).uniform_(0.05, 0.5) / task["sampling_rate"]
    phase = torch.rand(batch, leads, 1)
    wander = torch.sin(2 * math.pi * (frequency * torch.arange(samples) + phase))
    x = x + augment["baseline_wander"] * torch.randn(batch, leads, 1) * wander
    most = round(augment["time_shift"] * task["sampling_rate"])
    shift = torch.randint(-most, most + 1, (batch, 1))
    x = x.gather(2, ((torch.arange(samples) - shift) % samples).unsqueeze(1).expand(-1, leads, -1))
    x = x + augment["additive_noise"] * torch.randn_like(x)
    masked = torch.rand(batch, leads, 1) < augment["lead_mask"]
    return x.masked_fill(masked & ~masked.all(1, keepdim=True), 0.0)


def groups(model):
    """Parameters with and without weight decay."""
    decayed, free = [], []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            matrix = name.endswith("weight") and parameter.squeeze().dim() > 1
            (decayed if matrix else free).append(parameter)
    return [{"params": decayed, "weight_decay": setting["weight_decay"]}, {"params": free, "weight_decay": 0.0}]


def train(model, signals, ids):
    """The moving average of the trained weights."""
    with torch.no_grad():
        pooled = [model.pool_texts(texts(ids[at : at + 32])) for at in range(0, len(ids), 32)]
        model.text_centre.copy_(torch.cat(pooled).mean(0))
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(groups(model), betas=setting["betas"], eps=setting["eps"])
    size, done = setting["batch_size"], 0
    per_epoch = len(ids) // size
    total = setting["epochs"] * per_epoch
    warmup = round(setting["warmup"] * total)
    model.train()
    model.pretrained_text_encoder.eval()
    for _ in range(setting["epochs"]):
        order = torch.randperm(len(ids)).tolist()
        for at in range(0, per_epoch * size, size):
            chosen = order[at : at + size]
            rate = (done + 1) / (warmup + 1) if done < warmup else (total - done) / (total - warmup)
            for group in optimiser.param_groups:
                group["lr"] = setting["learning_rate"] * rate
            contrastive, caption = model.losses(task["gain"] * varied(signals[chosen]), texts([ids[i] for i in chosen]))
            optimiser.zero_grad(set_to_none=True)
            (contrastive + caption).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), setting["clip_norm"])
            optimiser.step()
            with torch.no_grad():
                model.temperature.clamp_(max=math.log(100))
                rest = 1 - min(setting["ema"], (1 + done) / (10 + done))
                for kept, new in zip(average.parameters(), model.parameters()):
                    kept.lerp_(new, rest)
            done += 1
    return average


def auroc(scores, positive):
    """The probability that a positive has a higher score than a negative, ties counting half."""
    difference = scores[positive].unsqueeze(1) - scores[~positive].unsqueeze(0)
    return (difference.gt(0).double() + difference.eq(0).double() / 2).mean().item()


@torch.inference_mode()
def judge(model, signals, targets):
    """The mean zero-shot AUROC over the classes that occur, of recordings that have one of them."""
    model.eval()
    batches = (signals[at : at + 16] for at in range(0, len(signals), 16))
    embedded = torch.cat([model.encode_signals(task["gain"] * batch) for batch in batches])
    classes = torch.stack([model.encode_texts(texts(ids)).mean(0) for ids in task["prompts"]])
    scores = embedded @ torch.nn.functional.normalize(classes, dim=-1).T
    labelled = targets.any(1)
    return sum(auroc(s, t) for s, t in zip(scores[labelled].T, targets[labelled].T)) / len(classes)


model = Corrected(task["config"])
if args.weights:
    weights = load_file(args.weights)
    model.load_state_dict(weights)
else:
    text = load_file(task["text"])
    missing, _ = model.pretrained_text_encoder.load_state_dict(text, strict=False)
    assert not missing, missing
    training = task["training"]
    model = train(model, read(training), [record["ids"] for record in training])
found = judge(model, read(task["test"]), torch.tensor([record["targets"] for record in task["test"]]))
say({"auroc": found, "seconds": time.perf_counter() - start, "peak_mib": peak_mib()})

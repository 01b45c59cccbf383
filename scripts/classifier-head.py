"""Prints what PyTorch computes with a classifier's head and loss: the numbers in crates/einthoven-models/tests/published/classifier.rs.

    python scripts/classifier-head.py

Needs torch. The head is that of the PTB-XL benchmark behind its pooling (batch norm, dropout, linear, ReLU, batch norm, dropout,
linear), with dropout off; the loss is binary cross-entropy with logits. Inputs and weights are sines, so that whoever checks the
numbers can make them anew.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

RECORDS, WIDTH, HIDDEN, CLASSES = 5, 6, 4, 3


def sines(shape, seed, offset=0.0):
    count = torch.tensor(shape).prod().item()
    return (offset + 0.5 * torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + seed)).reshape(shape)


def head():
    layers = nn.Sequential(
        nn.BatchNorm1d(WIDTH), nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.BatchNorm1d(HIDDEN), nn.Linear(HIDDEN, CLASSES)
    ).double()
    with torch.no_grad():
        for seed, (name, parameter) in enumerate(layers.named_parameters()):
            is_gain = name in ("0.weight", "3.weight")
            parameter.copy_(sines(parameter.shape, float(seed), 1.0 if is_gain else 0.0))
    return layers


def numbers(tensor):
    return "[" + ", ".join(f"{value:.12f}" for value in tensor.flatten().tolist()) + "]"


pooled = sines([RECORDS, WIDTH], 10.0).requires_grad_()
targets = torch.tensor([[(record + 2 * label) % 3 == 0 for label in range(CLASSES)] for record in range(RECORDS)]).double()
layers = head().train()
logits = layers(pooled)
loss = F.binary_cross_entropy_with_logits(logits, targets)
loss.backward()
print("training logits", numbers(logits))
print("loss", f"{loss.item():.12f}")
print("gradient of pooled", numbers(pooled.grad))
for name, parameter in layers.named_parameters():
    print("gradient of", name, numbers(parameter.grad))
for name, buffer in layers.named_buffers():
    print("then", name, numbers(buffer.double()))
print("evaluation logits", numbers(layers.eval()(pooled)))

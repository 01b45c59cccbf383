"""A residual network in one dimension, as MERL's."""

import torch.nn.functional as F
from .common import mean_over_time, real_steps
from torch import nn


class Block(nn.Module):
    def __init__(self, bottleneck, inputs, inner, stride):
        super().__init__()
        outputs = 4 * inner if bottleneck else inner
        if bottleneck:
            plan = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
        else:
            plan = [(inputs, inner, 3, stride), (inner, outputs, 3, 1)]
        self.count = len(plan)
        for number, (a, b, kernel, step) in enumerate(plan, 1):
            setattr(self, f"conv{number}", nn.Conv1d(a, b, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{number}", nn.BatchNorm1d(b))
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv1d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm1d(outputs))
        self.outputs = outputs

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(y))
            y = F.relu(y) if number < self.count else y
        return F.relu(y + self.shortcut(x))


class Encoder(nn.Module):
    def __init__(self, config, leads):
        super().__init__()
        inputs = config["width"]
        self.conv1 = nn.Conv1d(leads, inputs, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm1d(inputs)
        self.depth = len(config["layers"])
        for stage, depth in enumerate(config["layers"]):
            blocks = []
            for index in range(depth):
                blocks.append(Block(config["bottleneck"], inputs, config["width"] << stage, 2 if stage and not index else 1))
                inputs = blocks[-1].outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.width = self.channels = inputs

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.depth):
            x = getattr(self, f"layer{stage + 1}")(x)
        lengths = real_steps(valid, 1 << self.depth, x.shape[-1])
        return mean_over_time(x, lengths), x, lengths

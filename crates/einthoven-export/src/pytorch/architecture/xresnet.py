"""XResNet in one dimension, as ESI and the PTB-XL benchmark have it."""

import torch
import torch.nn.functional as F
from .common import conv_norm, max_over_time, mean_over_time, real_steps
from torch import nn


class Block(nn.Module):
    def __init__(self, config, inputs, inner, stride):
        super().__init__()
        outputs, kernel = inner * config["expansion"], config["kernel"]
        if config["expansion"] == 1:
            plan = [(inputs, inner, kernel, stride), (inner, outputs, kernel, 1)]
        else:
            plan = [(inputs, inner, 1, 1), (inner, inner, kernel, stride), (inner, outputs, 1, 1)]
        self.convs = nn.ModuleList(conv_norm(*shape) for shape in plan)
        shortcut = [] if stride == 1 else [nn.AvgPool1d(2, ceil_mode=True)]
        self.idpath = nn.Sequential(*shortcut, *([] if inputs == outputs else [conv_norm(inputs, outputs, 1)]))

    def forward(self, x):
        y = x
        for index, conv in enumerate(self.convs):
            y = conv(F.relu(y) if index else y)
        return F.relu(y + self.idpath(x))


class Encoder(nn.Sequential):
    def __init__(self, config, leads):
        inner = int(64 * config["widen"])
        channels, inputs = inner * config["expansion"], leads
        layers = []
        for index, outputs in enumerate(config["stem"]):
            layers.append(conv_norm(inputs, outputs, config["stem_kernel"], 1 if index else 2))
            inputs = outputs
        layers.append(nn.MaxPool1d(3, 2, 1))
        for stage, depth in enumerate(config["layers"]):
            blocks = []
            for index in range(depth):
                blocks.append(Block(config, inputs, inner, 2 if stage and not index else 1))
                inputs = channels
            layers.append(nn.Sequential(*blocks))
        super().__init__(*layers)
        self.width, self.channels = 2 * channels, channels
        self.stride = 4 << (len(config["layers"]) - 1)

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        for index, layer in enumerate(self):
            x = F.relu(layer(x)) if index < 3 else layer(x)
        lengths = real_steps(valid, self.stride, x.shape[-1])
        return torch.cat([max_over_time(x, lengths), mean_over_time(x, lengths)], 1), x, lengths

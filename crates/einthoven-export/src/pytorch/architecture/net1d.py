"""Net1D, as ECGFounder's."""

import torch
import torch.nn.functional as F
from .common import mean_over_time, real_steps
from torch import nn


class SameConv(nn.Module):
    """Pads so that the length divides by the stride and nothing else."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x):
        length, kernel, stride = x.shape[-1], self.conv.kernel_size[0], self.conv.stride[0]
        padding = max(0, (-(-length // stride) - 1) * stride + kernel - length)
        return self.conv(F.pad(x, (padding // 2, padding - padding // 2)))


class Block(nn.Module):
    def __init__(self, config, inputs, width, is_first, halve):
        super().__init__()
        self.is_first, self.halve, self.width = is_first, halve, width
        self.conv1 = SameConv(inputs, width, 1)
        self.conv2 = SameConv(width, width, config["kernel"], 2 if halve else 1, width // config["group_width"])
        self.conv3 = SameConv(width, width, 1)
        self.se_fc1, self.se_fc2 = nn.Linear(width, width // 2), nn.Linear(width // 2, width)

    def forward(self, x):
        y = self.conv1(x if self.is_first else F.silu(x))
        y = self.conv3(F.silu(self.conv2(F.silu(y))))
        gates = torch.sigmoid(self.se_fc2(F.silu(self.se_fc1(y.mean(-1)))))
        if self.halve:
            x = F.max_pool1d(F.pad(x, (0, 1)), 2)
        more = self.width - x.shape[1]
        return y * gates[..., None] + F.pad(x, (0, 0, more // 2, more - more // 2))


class Stage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.block_list = nn.ModuleList(blocks)


class Encoder(nn.Module):
    def __init__(self, config, leads):
        super().__init__()
        self.first_conv = SameConv(leads, config["stem"], config["kernel"], 2)
        inputs, stages = config["stem"], []
        for stage, (width, depth) in enumerate(zip(config["widths"], config["layers"])):
            blocks = []
            for index in range(depth):
                blocks.append(Block(config, inputs, width, stage == index == 0, index == 0))
                inputs = width
            stages.append(Stage(blocks))
        self.stage_list = nn.ModuleList(stages)
        self.width = self.channels = inputs
        self.stride = 2 << len(stages)

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        x = F.silu(self.first_conv(x))
        for stage in self.stage_list:
            for block in stage.block_list:
                x = block(x)
        lengths = real_steps(valid, self.stride, x.shape[-1])
        return mean_over_time(x, lengths), x, lengths

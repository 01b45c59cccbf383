"""ConvNeXt V2 in one dimension, as ESI's signal encoder."""

import torch
import torch.nn.functional as F
from .common import mean_over_time, real_steps
from torch import nn

SIZES = {
    "atto": ([2, 2, 6, 2], [40, 80, 160, 320]),
    "femto": ([2, 2, 6, 2], [48, 96, 192, 384]),
    "pico": ([2, 2, 6, 2], [64, 128, 256, 512]),
    "nano": ([2, 2, 8, 2], [80, 160, 320, 640]),
    "tiny": ([3, 3, 9, 3], [96, 192, 384, 768]),
    "base": ([3, 3, 27, 3], [128, 256, 512, 1024]),
    "large": ([3, 3, 27, 3], [192, 384, 768, 1536]),
    "huge": ([3, 3, 27, 3], [352, 704, 1408, 2816]),
}


class Norm(nn.Module):
    """Over time, with eps added to the unbiased deviation, or over channels, a layer norm."""

    def __init__(self, channels, over):
        super().__init__()
        self.over = over
        self.weight = nn.Parameter(torch.ones(1, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x):
        if self.over == "time":
            return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) * self.weight + self.bias
        normed = F.layer_norm(x.transpose(1, 2), x.shape[1:2], self.weight.flatten(), self.bias.flatten(), 1e-6)
        return normed.transpose(1, 2)


class GlobalResponseNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x):
        norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        return self.gamma * (x * (norm / (norm.mean(-1, keepdim=True) + 1e-6))) + self.beta + x


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.grn = GlobalResponseNorm(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.norm(self.dwconv(x).transpose(1, 2))
        return x + self.pwconv2(self.grn(F.gelu(self.pwconv1(y)))).transpose(1, 2)


class Encoder(nn.Module):
    def __init__(self, config, leads, norm="channels"):
        super().__init__()
        size = config["size"]
        depths, widths = SIZES[size] if isinstance(size, str) else (size["custom"]["depths"], size["custom"]["widths"])
        norm = config.get("norm") or norm
        self.width = self.channels = widths[-1]
        downs = [nn.Sequential(nn.Conv1d(leads, widths[0], 4, 4), Norm(widths[0], norm))]
        downs += [nn.Sequential(Norm(a, norm), nn.Conv1d(a, b, 2, 2)) for a, b in zip(widths, widths[1:])]
        self.downsample_layers = nn.ModuleList(downs)
        self.stages = nn.ModuleList(nn.Sequential(*(Block(w) for _ in range(d))) for d, w in zip(depths, widths))
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        for down, stage in zip(self.downsample_layers, self.stages):
            x = stage(down(x))
        lengths = real_steps(valid, 32, x.shape[-1])
        return self.norm(mean_over_time(x, lengths)), x, lengths

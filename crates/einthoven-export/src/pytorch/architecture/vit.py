"""A vision transformer in one dimension, as MERL's."""

import torch
from .common import attention, mean_over_time, real_steps
from torch import nn

HEAD = 64


class PreNorm(nn.Module):
    def __init__(self, width, fn):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fn = fn

    def forward(self, x, *rest):
        return self.fn(self.norm(x), *rest)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * HEAD * heads)
        self.to_out = nn.Sequential(nn.Linear(HEAD * heads, width))

    def forward(self, x, lengths):
        return self.to_out(attention(*self.to_qkv(x).chunk(3, dim=-1), self.heads, lengths))


class FeedForward(nn.Module):
    def __init__(self, width, mlp):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, mlp), nn.GELU(), nn.Identity(), nn.Linear(mlp, width))

    def forward(self, x):
        return self.net(x)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attn = PreNorm(config["width"], Attention(config["width"], config["heads"]))
        self.ff = PreNorm(config["width"], FeedForward(config["width"], config["mlp"]))

    def forward(self, x, lengths):
        x = x + self.attn(x, lengths)
        return x + self.ff(x)


class Encoder(nn.Module):
    def __init__(self, config, leads):
        super().__init__()
        self.patch, self.depth = config["patch"], config["depth"]
        self.width = self.channels = config["width"]
        self.to_patch_embedding = nn.Conv1d(leads, self.width, self.patch, self.patch, bias=False)
        self.pos_embedding = nn.Parameter(torch.zeros(1, config["positions"], self.width))
        for index in range(self.depth):
            setattr(self, f"block{index}", Block(config))
        self.norm = nn.LayerNorm(self.width)

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        x = self.to_patch_embedding(x).transpose(1, 2)
        x = x + self.pos_embedding[:, : x.shape[1]]
        lengths = real_steps(valid, self.patch, x.shape[1])
        for index in range(self.depth):
            x = getattr(self, f"block{index}")(x, lengths)
        x = x.transpose(1, 2)
        return self.norm(mean_over_time(x, lengths)), x, lengths

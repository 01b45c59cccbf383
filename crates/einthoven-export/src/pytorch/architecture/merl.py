"""MERL's signal side: a network and the head that leads into the space shared with texts."""

from importlib import import_module

import torch
from torch import nn


class Pool(nn.Module):
    """A learned token that attends to all time steps, padding or not, as published."""

    def __init__(self, width, steps):
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(1, steps + 1, width))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.mhsa = nn.MultiheadAttention(width, 4, batch_first=True)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        token = (self.cls_token + self.positional_embedding[:, :1]).expand(len(x), -1, -1)
        x = torch.cat([token, x], 1) + self.positional_embedding
        return self.c_proj(self.mhsa(x[:, :1], x, x, need_weights=False)[0]).squeeze(1)


class Encoder(nn.Module):
    def __init__(self, config, leads):
        super().__init__()
        (kind, shape), width = next(iter(config["encoder"].items())), config["projection"]
        self.ecg_encoder = import_module(f".{kind}", __package__).Encoder(shape, leads)
        if kind == "resnet":
            self.downconv = nn.Conv1d(self.ecg_encoder.channels, width, 1)
            self.att_pool_head = Pool(width, config["steps"])
        else:
            hidden = config["hidden"]
            first = [nn.Linear(self.ecg_encoder.width, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
            self.proj_e = nn.Sequential(*first, nn.Linear(hidden, width), nn.BatchNorm1d(width))
        self.kind, self.width, self.channels = kind, width, self.ecg_encoder.channels

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        pooled, sequence, lengths = self.ecg_encoder(x, valid)
        if self.kind == "resnet":
            return self.att_pool_head(self.downconv(sequence).transpose(1, 2)), sequence, lengths
        return self.proj_e(pooled), sequence, lengths

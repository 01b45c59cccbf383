"""What the networks share. Sequences are `[batch, channels, time]`."""

import torch
import torch.nn.functional as F
from torch import nn


def real_steps(valid, stride, steps, whole=False):
    """How many of `steps` steps are not padding, when each stands for `stride` samples; at least one."""
    return None if valid is None else ((valid + (0 if whole else stride - 1)) // stride).clamp(1, steps)


def mask(lengths, steps):
    """True where a step is not padding, `[batch, steps]`."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def mean_over_time(x, lengths=None):
    if lengths is None:
        return x.mean(-1)
    return (x * mask(lengths, x.shape[-1])[:, None]).sum(-1) / lengths[:, None]


def max_over_time(x, lengths=None):
    if lengths is not None:
        x = x.masked_fill(~mask(lengths, x.shape[-1])[:, None], float("-inf"))
    return x.amax(-1)


def attention(queries, keys, values, heads, lengths=None):
    """`[batch, time, heads * width]` each; keys and values of padding do not count."""

    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    keep = None if lengths is None else mask(lengths, keys.shape[1])[:, None, None]
    return F.scaled_dot_product_attention(split(queries), split(keys), split(values), attn_mask=keep).transpose(1, 2).flatten(2)


def conv_norm(inputs, outputs, kernel, stride=1):
    """A convolution and a batch norm, unnamed."""
    conv = nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm1d(outputs))

"""Einthoven's operations in plain PyTorch, each in the layout that PyTorch is fastest or usual in.

Einthoven's layout is channels last, and texts end to end. A twin turns inputs into its own layout before anything is timed
(`enter`) and results and gradients back after (`leave`).
"""

import torch
import torch.nn.functional as F

from twin import SwiGlu, rotary


class Twin:
    """An operation in Einthoven's own layout."""

    def __init__(self, **options):
        self.__dict__.update(options)

    def enter(self, index, tensor):
        return tensor

    def enter_seed(self, seed):
        return seed

    def leave(self, y):
        return y

    def leave_gradient(self, index, gradient):
        return gradient


class ChannelsFirst(Twin):
    """`[batch, time, channels]` in Einthoven, `[batch, channels, time]` here."""

    def enter(self, index, tensor):
        return tensor.transpose(1, 2) if index == 0 else tensor

    def enter_seed(self, seed):
        return seed.transpose(1, 2) if seed.dim() == 3 else seed

    def leave(self, y):
        return y.transpose(1, 2) if y.dim() == 3 else y

    def leave_gradient(self, index, gradient):
        return gradient.transpose(1, 2) if index == 0 else gradient


class DepthwiseConv(ChannelsFirst):
    def __call__(self, x, w, b):
        return F.conv1d(x, w, b, padding=w.shape[-1] // 2, groups=len(w))


class Conv(ChannelsFirst):
    padding = 0

    def __call__(self, x, w, b):
        return F.conv1d(x, w, b, stride=self.stride, padding=self.padding)


class TimeNorm(ChannelsFirst):
    def __call__(self, x, w, b):
        x = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6)
        return x * w[:, None] + b[:, None]


class BatchNorm(ChannelsFirst):
    def __call__(self, x, w, b):
        return F.batch_norm(x, torch.zeros(len(w)), torch.ones(len(w)), w, b, training=True)


class MaxPool(ChannelsFirst):
    def __call__(self, x):
        return F.max_pool1d(x, self.kernel, self.stride, self.padding)


class AvgPool(ChannelsFirst):
    def __call__(self, x):
        return F.avg_pool1d(x, self.kernel)


class MeanOverTime(ChannelsFirst):
    def __call__(self, x):
        return x.mean(-1)


class MaxOverTime(ChannelsFirst):
    def __call__(self, x):
        return x.max(-1).values


class LayerNorm(Twin):
    def __call__(self, x, w, b):
        return F.layer_norm(x, w.shape, w, b, eps=1e-6)


def grn(x, gamma, beta):
    norm = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return gamma * (x * (norm / (norm.mean(-1, keepdim=True) + 1e-6))) + beta + x


class Grn(Twin):
    def __call__(self, x, gamma, beta):
        return grn(x, gamma, beta)


class ConvNextBlock(ChannelsFirst):
    def __call__(self, x, depthwise, depthwise_bias, norm, norm_bias, expand, expand_bias, gamma, beta, contract, contract_bias):
        y = F.conv1d(x, depthwise, depthwise_bias, padding=3, groups=len(depthwise)).transpose(1, 2)
        y = F.linear(F.layer_norm(y, norm.shape, norm, norm_bias, eps=1e-6), expand, expand_bias)
        return x + F.linear(grn(F.gelu(y), gamma, beta), contract, contract_bias).transpose(1, 2)


class Gelu(Twin):
    def __call__(self, x):
        return F.gelu(x)


class Silu(Twin):
    def __call__(self, x):
        return F.silu(x)


class Relu(Twin):
    def __call__(self, x):
        return F.relu(x)


class Gated(Twin):
    gate = SwiGlu()

    def __call__(self, x):
        return self.gate(x)


class SelfAttention(Twin):
    """Texts padded to the longest, with a mask where lengths differ."""

    def __init__(self, lengths, heads):
        self.heads, self.longest = heads, max(lengths)
        self.real = torch.arange(self.longest) < torch.tensor(lengths)[:, None]
        self.mask = None if self.real.all() else self.real[:, None, None, :]

    def enter(self, index, rows):
        padded = rows.new_zeros(*self.real.shape, rows.shape[-1])
        padded[self.real] = rows
        return padded

    def enter_seed(self, seed):
        return self.enter(0, seed)

    def leave(self, y):
        return y[self.real]

    def leave_gradient(self, index, gradient):
        return gradient[self.real]

    def __call__(self, qkv):
        b, n, _ = qkv.shape
        q, k, v = (part.view(b, n, self.heads, -1).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask).transpose(1, 2).reshape(b, n, -1)


class Rotary(Twin):
    def __call__(self, x):
        x = x.view(self.batch, -1, self.heads, x.shape[-1] // self.heads)
        return rotary(x.transpose(1, 2)).transpose(1, 2).reshape(x.shape[0] * x.shape[1], -1)


def attend(q, k, v, heads, causal):
    """`q` `[batch, n, heads·d]`, one head of `k` and `v` `[batch, m, d]`."""
    b, n, _ = q.shape
    q = q.view(b, n, heads, -1).transpose(1, 2)
    k, v = (t.unsqueeze(1).expand(-1, heads, -1, -1) for t in (k, v))
    if causal:
        q, k = rotary(q), rotary(k)
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).reshape(b, n, -1)


class CrossAttention(Twin):
    def __call__(self, q, kv):
        k, v = kv.view(self.batch, -1, kv.shape[-1]).chunk(2, dim=-1)
        y = attend(q.view(self.batch, -1, q.shape[-1]), k, v, self.heads, causal=False)
        return y.view(q.shape)


class ParallelBlock(Twin):
    gate = SwiGlu()

    def __call__(self, x, fused, attention_out, feed_forward_out):
        parts = F.linear(x.view(self.batch, -1, x.shape[-1]), fused)
        q, k, v, ff = parts.split((self.heads * self.width, self.width, self.width, 2 * self.inner), dim=-1)
        attended = attend(q, k, v, self.heads, causal=True)
        return (F.linear(attended, attention_out) + F.linear(self.gate(ff), feed_forward_out)).flatten(0, 1)


class Linear(Twin):
    def __call__(self, x, w, b):
        return F.linear(x, w, b)


class LinearBf16(Twin):
    def __call__(self, x, w, b):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return F.linear(x, w, b).float()


class JointLinear(Twin):
    def __call__(self, x, *layers):
        return torch.cat([F.linear(x, w, b) for w, b in zip(layers[::2], layers[1::2])], dim=-1)


class FeedForward(Twin):
    def __call__(self, x, expand, expand_bias, contract, contract_bias):
        return F.linear(F.gelu(F.linear(x, expand, expand_bias)), contract, contract_bias)


class WithIds(Twin):
    def __init__(self, ids):
        self.ids = torch.tensor(ids)


class Embedding(WithIds):
    def __call__(self, w):
        return F.embedding(self.ids, w)


class CrossEntropy(WithIds):
    def __call__(self, logits):
        return F.cross_entropy(logits, self.ids)


class LinearCrossEntropy(WithIds):
    def __call__(self, x, w):
        return F.cross_entropy(F.linear(x, w), self.ids)


class L2Normalize(Twin):
    def __call__(self, x):
        return F.normalize(x, dim=-1)


class InfoNce(Twin):
    def __call__(self, text, signal, scale):
        similarity = text @ signal.T * scale
        target = torch.arange(len(similarity))
        return (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2


TWINS = {
    "depthwise_conv1d": DepthwiseConv,
    "patch_conv1d": Conv,
    "conv1d": Conv,
    "time_norm": TimeNorm,
    "batch_norm": BatchNorm,
    "max_pool1d": MaxPool,
    "avg_pool1d": AvgPool,
    "mean_over_time": MeanOverTime,
    "max_over_time": MaxOverTime,
    "layer_norm": LayerNorm,
    "grn": Grn,
    "convnext_block": ConvNextBlock,
    "gelu": Gelu,
    "silu": Silu,
    "relu": Relu,
    "swiglu": Gated,
    "self_attention": SelfAttention,
    "rotary": Rotary,
    "cross_attention": CrossAttention,
    "parallel_block": ParallelBlock,
    "linear": Linear,
    "linear_bf16": LinearBf16,
    "joint_linear": JointLinear,
    "feed_forward": FeedForward,
    "embedding": Embedding,
    "cross_entropy": CrossEntropy,
    "linear_cross_entropy": LinearCrossEntropy,
    "l2_normalize": L2Normalize,
    "info_nce": InfoNce,
}

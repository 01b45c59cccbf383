"""ESI in plain PyTorch, as a PyTorch user would write it: the twin that Einthoven's training step is measured against.

Parameter names are the published state-dict names, so that weights saved by Einthoven load as they are and the two
losses can be compared before anything is timed. The text encoder is Hugging Face's `BertModel`.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from transformers import BertConfig, BertModel


class TimeNorm(nn.Module):
    """The published `channels_first` norm: every channel normalised over time, eps added to the unbiased deviation."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) * self.weight + self.bias


class Grn(nn.Module):
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
        self.grn = Grn(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.norm(self.dwconv(x).transpose(1, 2))
        return x + self.pwconv2(self.grn(F.gelu(self.pwconv1(y)))).transpose(1, 2)


class ConvNextV2(nn.Module):
    """Signals `[batch, leads, samples]` to embeddings `[batch, widths[-1]]`."""

    def __init__(self, leads, depths, widths, classes=5, norm=TimeNorm):
        super().__init__()
        stem = nn.Sequential(nn.Conv1d(leads, widths[0], 4, 4), norm(widths[0]))
        downs = [nn.Sequential(norm(a), nn.Conv1d(a, b, 2, 2)) for a, b in zip(widths, widths[1:])]
        self.downsample_layers = nn.ModuleList([stem, *downs])
        self.stages = nn.ModuleList(nn.Sequential(*(Block(w) for _ in range(d))) for d, w in zip(depths, widths))
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.head = nn.Linear(widths[-1], classes)

    def sequence(self, x):
        """Signals to features over time, `[batch, widths[-1], samples / 32]`."""
        for down, stage in zip(self.downsample_layers, self.stages):
            x = stage(down(x))
        return x

    def forward(self, x):
        return self.norm(self.sequence(x).mean(-1))


class BiasFreeNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gamma)


class SwiGlu(nn.Module):
    def forward(self, x):
        value, gate = x.chunk(2, dim=-1)
        return F.silu(gate) * value


def rotary(x):
    half = x.shape[-1] // 2
    frequency = 1.0 / 10000 ** (torch.arange(half) / half)
    angle = torch.outer(torch.arange(x.shape[-2]), frequency).repeat(1, 2)
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * angle.cos() + turned * angle.sin()


class ParallelBlock(nn.Module):
    def __init__(self, dim, heads, dim_head, ff_mult):
        super().__init__()
        self.heads, self.split = heads, (heads * dim_head, dim_head, dim_head, 2 * ff_mult * dim)
        self.norm = BiasFreeNorm(dim)
        self.fused_attn_ff_proj = nn.Linear(dim, sum(self.split), bias=False)
        self.attn_out = nn.Linear(heads * dim_head, dim, bias=False)
        self.ff_out = nn.Sequential(SwiGlu(), nn.Linear(ff_mult * dim, dim, bias=False))

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v, ff = self.fused_attn_ff_proj(self.norm(x)).split(self.split, dim=-1)
        q = rotary(q.view(b, n, self.heads, -1).transpose(1, 2))
        k, v = (t.unsqueeze(1).expand(-1, self.heads, -1, -1) for t in (rotary(k), v))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.attn_out(attended.transpose(1, 2).reshape(b, n, -1)) + self.ff_out(ff)


class CrossAttention(nn.Module):
    def __init__(self, dim, heads, dim_head, ff_mult):
        super().__init__()
        self.heads = heads
        self.norm = BiasFreeNorm(dim)
        self.to_q = nn.Linear(dim, heads * dim_head, bias=False)
        self.to_kv = nn.Linear(dim, 2 * dim_head, bias=False)
        self.to_out = nn.Linear(heads * dim_head, dim, bias=False)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * ff_mult * dim, bias=False), SwiGlu(), nn.Linear(ff_mult * dim, dim, bias=False))

    def forward(self, x, context):
        b, n, _ = x.shape
        x = self.norm(x)
        q = self.to_q(x).view(b, n, self.heads, -1).transpose(1, 2)
        k, v = (t.unsqueeze(1).expand(-1, self.heads, -1, -1) for t in self.to_kv(context).chunk(2, dim=-1))
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.to_out(attended.transpose(1, 2).reshape(b, n, -1)) + self.ff(x)


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, *rest):
        return x + self.fn(x, *rest)


class Latents(nn.Module):
    def __init__(self, width, latents):
        super().__init__()
        self.to_latents = nn.Linear(width, latents, bias=False)

    def forward(self, x):
        return F.normalize(self.to_latents(x), dim=-1)


class Esi(nn.Module):
    """The published system's live parameters and losses. `config` is the dictionary described in `step.py`."""

    def __init__(self, config):
        super().__init__()
        dim, latents = config["dim"], config["latents"]
        shape = (dim, config["heads"], config["dim_head"], config["ff_mult"])
        bert = BertConfig(**config["bert"])
        self.pretrained_text_encoder = BertModel(bert)
        self.img_encoder = ConvNextV2(config["leads"], config["depths"], config["widths"])
        self.img_token_head = nn.Linear(config["widths"][-1], dim)
        self.img_attn_pool_norm = BiasFreeNorm(dim)
        self.img_to_latents = Latents(dim, latents)
        self.text_to_latents = Latents(dim, latents)
        self.multimodal_layers = nn.ModuleList(
            nn.ModuleList([Residual(ParallelBlock(*shape)), Residual(CrossAttention(*shape))]) for _ in range(config["depth"])
        )
        self.to_logits = nn.Sequential(BiasFreeNorm(dim), nn.Linear(dim, bert.vocab_size, bias=False))
        self.temperature = nn.Parameter(torch.ones(1))

    def signal(self, signals):
        """Signals `[batch, leads, samples]` to one vector `[batch, dim]` each, before the shared space."""
        return self.img_attn_pool_norm(self.img_token_head(self.img_encoder(signals)))

    def encode(self, signals):
        """Signals `[batch, leads, samples]` to embeddings `[batch, latents]` of length 1."""
        return self.img_to_latents(self.signal(signals))

    def forward(self, signals, ids, mask):
        """Signals `[batch, leads, samples]`, ids and mask `[batch, tokens]` to (contrastive, caption) losses."""
        hidden = self.pretrained_text_encoder(ids[:, :-1], attention_mask=mask[:, :-1]).last_hidden_state
        text, tokens = hidden[:, 0], hidden[:, 1:]
        signal = self.signal(signals)
        context = signal.unsqueeze(1).expand(-1, tokens.shape[1], -1)
        for own, cross in self.multimodal_layers:
            tokens = cross(own(tokens), context)
        logits = self.to_logits(tokens)
        caption = F.cross_entropy(logits.transpose(1, 2), ids[:, 2:], ignore_index=0)
        similarity = self.text_to_latents(text) @ self.img_to_latents(signal).T * self.temperature.exp()
        target = torch.arange(len(similarity))
        contrastive = (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2
        return contrastive, caption

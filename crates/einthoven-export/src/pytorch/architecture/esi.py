"""ESI's signal side: an encoder and the head that leads into the space shared with texts."""

import torch
import torch.nn.functional as F
from .common import attention
from torch import nn


class GainNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.gamma)


class Latents(nn.Module):
    def __init__(self, width, latents):
        super().__init__()
        self.to_latents = nn.Linear(width, latents, bias=False)

    def forward(self, x):
        return F.normalize(self.to_latents(x), dim=-1)


class Pool(nn.Module):
    """Learned queries that each gather a token from the sequence; all heads share keys and values."""

    def __init__(self, width, context, heads, dim_head):
        super().__init__()
        self.heads = heads
        self.norm, self.context_norm = GainNorm(width), GainNorm(context)
        self.to_q = nn.Linear(width, heads * dim_head, bias=False)
        self.to_kv = nn.Linear(context, 2 * dim_head, bias=False)
        self.to_out = nn.Linear(heads * dim_head, width, bias=False)

    def forward(self, queries, context, lengths):
        queries = self.to_q(self.norm(queries)).expand(len(context), -1, -1)
        keys, values = (x.repeat(1, 1, self.heads) for x in self.to_kv(self.context_norm(context)).chunk(2, dim=-1))
        return self.to_out(attention(queries, keys, values, self.heads, lengths))


class Esi(nn.Module):
    def __init__(self, config, encoder):
        super().__init__()
        width, decoder = config["text"]["hidden_size"], config["decoder"]
        self.img_encoder = encoder
        self.img_token_head = nn.Linear(encoder.width, width)
        self.img_attn_pool_norm = GainNorm(width)
        self.img_to_latents = Latents(width, config["latents"])
        self.corrected = config["mode"] == "corrected"
        if self.corrected:
            self.img_queries = nn.Parameter(torch.zeros(1 + config["signal_tokens"], width))
            self.img_attn_pool = Pool(width, encoder.channels, decoder["heads"], decoder["dim_head"])

    def forward(self, signals, valid=None):
        """Signals `[batch, leads, samples]` to embeddings of length 1; a model in `paper` mode takes no notice of `valid`."""
        pooled, sequence, lengths = self.img_encoder(signals, valid if self.corrected else None)
        embedding = self.img_token_head(pooled)
        if self.corrected:
            embedding = embedding + self.img_attn_pool(self.img_queries[:1], sequence.transpose(1, 2), lengths).squeeze(1)
        return self.img_to_latents(self.img_attn_pool_norm(embedding))

"""ESI in Einthoven's `corrected` mode with a locked text encoder, in plain PyTorch: the model of `train.py`.

Parameter names are Einthoven's, so that the weights it has trained load as they are and must be judged the same.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from transformers import BertConfig, BertModel

from twin import BiasFreeNorm, ConvNextV2, CrossAttention, Latents, ParallelBlock, Residual


class ChannelNorm(nn.Module):
    """A layer norm over the channels of `[batch, channels, time]`."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x):
        normed = F.layer_norm(x.transpose(1, 2), x.shape[1:2], self.weight.flatten(), self.bias.flatten(), 1e-6)
        return normed.transpose(1, 2)


class AttentionPool(nn.Module):
    """Queries `[tokens, dim]` over features `[batch, time, width]` to `[batch, tokens, dim]`."""

    def __init__(self, dim, width, heads, dim_head):
        super().__init__()
        self.heads = heads
        self.norm = BiasFreeNorm(dim)
        self.context_norm = BiasFreeNorm(width)
        self.to_q = nn.Linear(dim, heads * dim_head, bias=False)
        self.to_kv = nn.Linear(width, 2 * dim_head, bias=False)
        self.to_out = nn.Linear(heads * dim_head, dim, bias=False)

    def forward(self, queries, features):
        b, n = len(features), len(queries)
        q = self.to_q(self.norm(queries)).view(1, n, self.heads, -1).transpose(1, 2).expand(b, -1, -1, -1)
        kv = self.to_kv(self.context_norm(features)).chunk(2, dim=-1)
        k, v = (t.unsqueeze(1).expand(-1, self.heads, -1, -1) for t in kv)
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.to_out(attended.transpose(1, 2).reshape(b, n, -1))


class Corrected(nn.Module):
    """`config` is the dictionary that the bench writes: sizes, and the folder of the text encoder."""

    def __init__(self, config):
        super().__init__()
        dim, latents, width = config["dim"], config["latents"], config["widths"][-1]
        shape = (dim, config["heads"], config["dim_head"], config["ff_mult"])
        bert = BertConfig(**config["bert"])
        self.pretrained_text_encoder = BertModel(bert, add_pooling_layer=False)
        self.img_encoder = ConvNextV2(config["leads"], config["depths"], config["widths"], norm=ChannelNorm)
        self.img_encoder.head = None
        self.img_token_head = nn.Linear(width, dim)
        self.img_queries = nn.Parameter(torch.randn(1 + config["signal_tokens"], dim))
        self.img_attn_pool = AttentionPool(dim, width, *shape[1:3])
        self.img_attn_pool_norm = BiasFreeNorm(dim)
        self.text_token_norm = BiasFreeNorm(dim)
        self.text_cls_norm = BiasFreeNorm(dim)
        self.text_centre = nn.Parameter(torch.zeros(dim))
        self.img_to_latents = Latents(dim, latents)
        self.text_to_latents = Latents(dim, latents)
        self.multimodal_layers = nn.ModuleList(
            nn.ModuleList([Residual(ParallelBlock(*shape)), Residual(CrossAttention(*shape))]) for _ in range(config["depth"])
        )
        self.to_logits = nn.Sequential(BiasFreeNorm(dim), nn.Linear(dim, bert.vocab_size, bias=False))
        self.temperature = nn.Parameter(torch.full((1,), math.log(1 / 0.07)))
        self.pretrained_text_encoder.requires_grad_(False)
        self.start()

    def start(self):
        """Weights as Einthoven's models begin, where they are not PyTorch's own."""
        for layer in self.img_encoder.modules():
            if isinstance(layer, (nn.Conv1d, nn.Linear)):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        nn.init.trunc_normal_(self.img_encoder.downsample_layers[0][0].bias, std=0.02)
        nn.init.zeros_(self.img_token_head.bias)

    def signal(self, signals):
        """Signals `[batch, leads, samples]` to an embedding `[batch, dim]` and tokens for the decoder."""
        features = self.img_encoder.sequence(signals)
        gathered = self.img_attn_pool(self.img_queries, features.transpose(1, 2))
        embedding = self.img_token_head(self.img_encoder.norm(features.mean(-1))) + gathered[:, 0]
        return self.img_attn_pool_norm(embedding), self.img_attn_pool_norm(gathered[:, 1:])

    def encode_signals(self, signals):
        return self.img_to_latents(self.signal(signals)[0])

    @torch.no_grad()
    def pool_texts(self, ids):
        """Ids `[batch, tokens]`, 0 where a text has ended, to the mean over its tokens, `[batch, dim]`."""
        mask = ids.ne(0)
        hidden = self.pretrained_text_encoder(ids, attention_mask=mask.long()).last_hidden_state
        return (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)

    def encode_texts(self, ids):
        return self.text_to_latents(self.text_cls_norm(self.pool_texts(ids) - self.text_centre))

    def losses(self, signals, ids):
        """Signals `[batch, leads, samples]` and ids `[batch, tokens]` to (contrastive, caption) losses."""
        signal, context = self.signal(signals)
        similarity = self.encode_texts(ids) @ self.img_to_latents(signal).T * self.temperature.exp()
        same = (ids.unsqueeze(0) == ids.unsqueeze(1)).all(-1) & ~torch.eye(len(ids), dtype=torch.bool)
        similarity = similarity.masked_fill(same, -torch.inf)
        target = torch.arange(len(ids))
        contrastive = (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2
        tokens = self.text_token_norm(self.pretrained_text_encoder.embeddings.word_embeddings(ids[:, :-1]))
        for own, cross in self.multimodal_layers:
            tokens = cross(own(tokens), context)
        caption = F.cross_entropy(self.to_logits(tokens).transpose(1, 2), ids[:, 1:], ignore_index=0)
        return contrastive, caption

"""The encoder of wav2vec 2.0, as ECG-FM's, under fairseq's names."""

import torch.nn.functional as F
from .common import attention, mean_over_time, real_steps
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class Extractor(nn.Module):
    def __init__(self, config, leads):
        super().__init__()
        channels = config["channels"]
        layers = []
        for index in range(config["convolutions"]):
            layer = [nn.Conv1d(channels if index else leads, channels, 2, 2, bias=False)]
            layer += [] if index else [nn.Identity(), nn.GroupNorm(channels, channels)]
            layers.append(nn.Sequential(*layer))
        self.conv_layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.conv_layers:
            x = F.gelu(layer(x))
        return x


class Positions(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, kernel = config["width"], config["position_kernel"]
        conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=config["position_groups"])
        self.pos_conv = nn.Sequential(weight_norm(conv, dim=2))

    def forward(self, x):
        return F.gelu(self.pos_conv(x)[..., : x.shape[-1]])


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, lengths):
        return self.out_proj(attention(self.q_proj(x), self.k_proj(x), self.v_proj(x), self.heads, lengths))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["width"]
        self.self_attn = SelfAttention(width, config["heads"])
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, config["mlp"]), nn.Linear(config["mlp"], width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x, lengths):
        x = self.self_attn_layer_norm(x + self.self_attn(x, lengths))
        return self.final_layer_norm(x + self.fc2(F.gelu(self.fc1(x))))


class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer_norm = nn.LayerNorm(config["width"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["depth"]))

    def forward(self, x, lengths):
        x = self.layer_norm(x)
        for layer in self.layers:
            x = layer(x, lengths)
        return x


class Encoder(nn.Module):
    def __init__(self, config, leads):
        super().__init__()
        channels, width = config["channels"], config["width"]
        self.feature_extractor = Extractor(config, leads)
        self.layer_norm = nn.LayerNorm(channels)
        self.post_extract_proj = nn.Identity() if channels == width else nn.Linear(channels, width)
        self.conv_pos = Positions(config)
        self.encoder = Transformer(config)
        self.width = self.channels = width
        self.stride = 1 << config["convolutions"]

    def forward(self, x, valid=None):
        """Signals `[batch, leads, samples]` to (pooled `[batch, width]`, sequence, steps that are not padding)."""
        x = self.post_extract_proj(self.layer_norm(self.feature_extractor(x).transpose(1, 2)))
        lengths = real_steps(valid, self.stride, x.shape[1], whole=True)
        x = x + self.conv_pos(x.transpose(1, 2)).transpose(1, 2)
        x = self.encoder(x, lengths).transpose(1, 2)
        return mean_over_time(x, lengths), x, lengths

"""Writes checkpoints of published ECG encoders with random weights, and what PyTorch computes with them.

    python scripts/published-twins.py FOLDER          small ones, as in crates/einthoven-models/tests/fixtures/published
    python scripts/published-twins.py FOLDER --full   the published sizes

Needs torch. Each NAME.pt has the authors' tensor names and container; NAME.out.pt holds what becomes of `signal`: `sequence` [batch, time,
channels] and `pooled` [batch, width], and `shape`, the shape of `signal`. Of MERL it also holds `tokens` [texts, longest], padded with 0 to
`lengths` [texts], `attention` [batch, time], how much of `pooled` comes from each moment as far as attention says, its text encoder's `heads`, what its text side makes of them, `texts` [texts, width], and `cosines` [batch, texts]. The networks are written from their papers' and checkpoints'
facts in plain functions of a state dict.
"""

import argparse
import math
import os
import sys

import torch
import torch.nn.functional as F


class Weights(dict):
    """A state dict that draws a tensor the first time its name is asked for."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, name, shape, scale, offset=0.0):
        if name not in self:
            self[name] = offset + scale * torch.randn(shape, generator=self.generator)
        return self[name]

    def affine(self, name, width):
        return self.draw(f"{name}.weight", [width], 0.2, 1.0), self.draw(f"{name}.bias", [width], 0.2)

    def linear(self, x, name, outputs, bias=True):
        inputs = x.shape[-1]
        weight = self.draw(f"{name}.weight", [outputs, inputs], 1 / math.sqrt(inputs))
        return F.linear(x, weight, self.draw(f"{name}.bias", [outputs], 0.2) if bias else None)

    def conv(self, x, name, outputs, kernel, bias=False, groups=1, **options):
        inputs = x.shape[1] // groups
        weight = self.draw(f"{name}.weight", [outputs, inputs, kernel], math.sqrt(1.5 / (inputs * kernel)))
        return F.conv1d(x, weight, self.draw(f"{name}.bias", [outputs], 0.2) if bias else None, groups=groups, **options)

    def batch_norm(self, x, name):
        width = x.shape[1]
        weight, bias = self.affine(name, width)
        mean = self.draw(f"{name}.running_mean", [width], 0.2)
        if f"{name}.running_var" not in self:
            self[f"{name}.running_var"] = 0.5 + torch.rand([width], generator=self.generator)
            self[f"{name}.num_batches_tracked"] = torch.tensor(7)
        return F.batch_norm(x, mean, self[f"{name}.running_var"], weight, bias)

    def layer_norm(self, x, name):
        weight, bias = self.affine(name, x.shape[-1])
        return F.layer_norm(x, x.shape[-1:], weight, bias)


def attention(q, k, v, heads, mask=None):
    def split(t):
        return t.unflatten(-1, (heads, -1)).transpose(1, 2)

    return F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=mask).transpose(1, 2).flatten(2)


def resnet(w, x, prefix, bottleneck, layers, width):
    x = F.relu(w.batch_norm(w.conv(x, f"{prefix}conv1", width, 7, stride=2, padding=3), f"{prefix}bn1"))
    for stage, depth in enumerate(layers):
        inner = width << stage
        for index in range(depth):
            name, stride = f"{prefix}layer{stage + 1}.{index}", 2 if stage and not index else 1
            outputs = 4 * inner if bottleneck else inner
            plan = [(inner, 1, 1), (inner, 3, stride), (outputs, 1, 1)] if bottleneck else [(inner, 3, stride), (inner, 3, 1)]
            y = x
            for number, (channels, kernel, step) in enumerate(plan, 1):
                y = w.conv(y, f"{name}.conv{number}", channels, kernel, stride=step, padding=kernel // 2)
                y = w.batch_norm(y, f"{name}.bn{number}")
                y = F.relu(y) if number < len(plan) else y
            if stride != 1 or x.shape[1] != outputs:
                x = w.batch_norm(w.conv(x, f"{name}.shortcut.0", outputs, 1, stride=stride), f"{name}.shortcut.1")
            x = F.relu(y + x)
    w.draw(f"{prefix}linear.weight", [10, x.shape[1]], 0.1)
    w.draw(f"{prefix}linear.bias", [10], 0.1)
    return x


def vit(w, x, prefix, width, depth, heads, mlp, patch, positions):
    x = w.conv(x, f"{prefix}to_patch_embedding", width, patch, stride=patch).transpose(1, 2)
    x = x + w.draw(f"{prefix}pos_embedding", [1, positions, width], 0.5)
    flow = torch.eye(x.shape[1])
    for index in range(depth):
        attn, ff = f"{prefix}block{index}.attn", f"{prefix}block{index}.ff"
        q, k, v = w.linear(w.layer_norm(x, f"{attn}.norm"), f"{attn}.fn.to_qkv", 3 * 64 * heads).chunk(3, dim=-1)
        looks = [torch.softmax(a @ b.mT / 8, -1) for a, b in zip(q.split(64, -1), k.split(64, -1))]
        flow = (torch.stack(looks).mean(0) + torch.eye(x.shape[1])) / 2 @ flow
        x = x + w.linear(attention(q, k, v, heads), f"{attn}.fn.to_out.0", width)
        y = F.gelu(w.linear(w.layer_norm(x, f"{ff}.norm"), f"{ff}.fn.net.0", mlp))
        x = x + w.linear(y, f"{ff}.fn.net.3", width)
    return x, w.layer_norm(x.mean(1), f"{prefix}norm"), flow.mean(1)


def bert(w, tokens, mask, name, width, depth, heads, mlp, words, positions):
    """Hidden states of a BERT, normed behind each part."""
    def norm(x, name):
        return F.layer_norm(x, [width], *w.affine(f"{name}.LayerNorm", width), eps=1e-12)

    tables = [("word", words), ("position", positions), ("token_type", 2)]
    tables = [w.draw(f"{name}.embeddings.{table}_embeddings.weight", [rows, width], 0.5) for table, rows in tables]
    w[f"{name}.embeddings.position_ids"] = torch.arange(positions)[None]
    x = norm(tables[0][tokens] + tables[1][: tokens.shape[1]] + tables[2][0], f"{name}.embeddings")
    for index in range(depth):
        layer = f"{name}.encoder.layer.{index}"
        q, k, v = [w.linear(x, f"{layer}.attention.self.{part}", width) for part in ("query", "key", "value")]
        y = w.linear(attention(q, k, v, heads, mask[:, None, None]), f"{layer}.attention.output.dense", width)
        x = norm(y + x, f"{layer}.attention.output")
        y = w.linear(F.gelu(w.linear(x, f"{layer}.intermediate.dense", mlp)), f"{layer}.output.dense", width)
        x = norm(y + x, f"{layer}.output")
    return x


def merl_texts(w, pooled, attention, hidden, **shape):
    """The text side, what it makes of some tokens, and the rest of a checkpoint."""
    for name in ["linear1.weight", "linear2.weight"]:
        w.draw(name, [4, 4], 0.1)
    lengths = torch.tensor([7, 4, 11])
    places = torch.arange(int(lengths.max()))
    mask = places < lengths[:, None]
    # Words anywhere in the table, `[CLS]` and `[SEP]` among them or not: the network does not know.
    tokens = torch.where(mask, (places * 7 + lengths[:, None] * 3) % (shape["words"] - 1) + 1, 0)
    states = bert(w, tokens, mask, "lm_model", **shape)
    opening = torch.tanh(w.linear(states[:, 0], "lm_model.pooler.dense", shape["width"]))
    texts = w.linear(F.gelu(w.linear(opening, "proj_t.0", hidden)), "proj_t.2", pooled.shape[-1])
    cosines = F.normalize(pooled) @ F.normalize(texts).T
    return {"attention": attention, "tokens": tokens, "lengths": lengths, "heads": torch.tensor([shape["heads"]]), "texts": texts, "cosines": cosines}


def merl_resnet(w, x, bottleneck, layers, width, projection, text):
    sequence = resnet(w, x, "ecg_encoder.", bottleneck, layers, width)
    y = w.conv(sequence, "downconv", projection, 1, bias=True).transpose(1, 2)
    pool, steps = "att_pool_head", y.shape[1]
    place = w.draw(f"{pool}.positional_embedding", [1, steps + 1, projection], 0.5)
    token = (w.draw(f"{pool}.cls_token", [1, 1, projection], 1.0) + place[:, :1]).expand(len(y), -1, -1)
    y = torch.cat([token, y], 1) + place
    weight = w.draw(f"{pool}.mhsa.in_proj_weight", [3 * projection, projection], 1 / math.sqrt(projection))
    bias = w.draw(f"{pool}.mhsa.in_proj_bias", [3 * projection], 0.2)
    out = [w.draw(f"{pool}.mhsa.out_proj.weight", [projection] * 2, 0.3), w.draw(f"{pool}.mhsa.out_proj.bias", [projection], 0.2)]
    mhsa = torch.nn.MultiheadAttention(projection, 4, batch_first=True)
    mhsa.load_state_dict({"in_proj_weight": weight, "in_proj_bias": bias, "out_proj.weight": out[0], "out_proj.bias": out[1]})
    y, looks = mhsa.eval()(y[:, :1], y, y)
    looks = looks[:, 0, 1:]
    pooled = w.linear(y, f"{pool}.c_proj", projection).squeeze(1)
    return sequence.transpose(1, 2), pooled, merl_texts(w, pooled, looks / looks.sum(-1, keepdim=True), **text)


def merl_vit(w, x, hidden, projection, text, **shape):
    sequence, pooled, attention = vit(w, x, "ecg_encoder.", **shape)
    y = F.relu(w.batch_norm(w.linear(pooled, "proj_e.0", hidden), "proj_e.1"))
    y = w.batch_norm(w.linear(y, "proj_e.3", projection), "proj_e.4")
    return sequence, y, merl_texts(w, y, attention, **text)


def xresnet(w, x, expansion, layers, stem, inner, kernel):
    def layer(x, name, outputs, kernel, stride=1):
        y = w.conv(x, f"{name}.0", outputs, kernel, stride=stride, padding=(kernel - 1) // 2)
        return w.batch_norm(y, f"{name}.1")

    for index, outputs in enumerate(stem):
        x = F.relu(layer(x, f"{index}", outputs, kernel, 1 if index else 2))
    x = F.max_pool1d(x, 3, stride=2, padding=1)
    for stage, depth in enumerate(layers):
        for index in range(depth):
            name, stride = f"{stage + 4}.{index}", 2 if stage and not index else 1
            outputs = inner * expansion
            plan = [(inner, kernel, stride), (outputs, kernel, 1)] if expansion == 1 else [(inner, 1, 1), (inner, kernel, stride), (outputs, 1, 1)]
            y = x
            for number, (channels, size, step) in enumerate(plan):
                y = layer(y, f"{name}.convs.{number}", channels, size, step)
                y = F.relu(y) if number + 1 < len(plan) else y
            if stride != 1:
                x = F.avg_pool1d(x, 2, ceil_mode=True)
            if x.shape[1] != outputs:
                x = layer(x, f"{name}.idpath.{int(stride != 1)}", outputs, 1)
            x = F.relu(y + x)
    head = len(layers) + 4
    w.draw(f"{head}.4.weight", [5, 2 * x.shape[1]], 0.1)
    w.draw(f"{head}.4.bias", [5], 0.1)
    return x.transpose(1, 2), torch.cat([x.amax(2), x.mean(2)], 1)


def ecg_fm(w, x, channels, convolutions, width, depth, mlp, kernel, groups):
    for index in range(convolutions):
        x = w.conv(x, f"feature_extractor.conv_layers.{index}.0", channels, 2, stride=2)
        if index == 0:
            x = F.group_norm(x, channels, *w.affine("feature_extractor.conv_layers.0.2", channels))
        x = F.gelu(x)
    x = w.layer_norm(x.transpose(1, 2), "layer_norm")
    if channels != width:
        x = w.linear(x, "post_extract_proj", width)
    name = "conv_pos.pos_conv.0"
    v = w.draw(f"{name}.weight_v", [width, width // groups, kernel], 1.0)
    g = w.draw(f"{name}.weight_g", [1, 1, kernel], 0.1, 1.0)
    bias = w.draw(f"{name}.bias", [width], 0.2)
    weight = g * v / v.norm(dim=(0, 1), keepdim=True)
    placed = F.conv1d(x.transpose(1, 2), weight, bias, padding=kernel // 2, groups=groups)
    x = x + F.gelu(placed[..., : x.shape[1]]).transpose(1, 2)
    x = w.layer_norm(x, "encoder.layer_norm")
    for index in range(depth):
        name = f"encoder.layers.{index}"
        q, k, v = [w.linear(x, f"{name}.self_attn.{part}_proj", width) for part in "qkv"]
        y = w.linear(attention(q, k, v, max(1, width // 64)), f"{name}.self_attn.out_proj", width)
        x = w.layer_norm(x + y, f"{name}.self_attn_layer_norm")
        y = w.linear(F.gelu(w.linear(x, f"{name}.fc1", mlp)), f"{name}.fc2", width)
        x = w.layer_norm(x + y, f"{name}.final_layer_norm")
    for name, shape in [("mask_emb", [width]), ("quantizer.vars", [1, 4, 4]), ("project_q.weight", [4, 4]), ("final_proj.weight", [4, width])]:
        w.draw(name, shape, 0.1)
    return x, x.mean(1)


def ecg_founder(w, x, stem, widths, layers, kernel, group_width):
    def dead_norm(name, width):
        for part, value in [("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)]:
            w.setdefault(f"{name}.{part}", torch.full([width], value))
        w.setdefault(f"{name}.num_batches_tracked", torch.tensor(0))

    def same(x, name, outputs, kernel, stride=1, groups=1):
        length = x.shape[-1]
        padding = max(0, (-(-length // stride) - 1) * stride + kernel - length)
        x = F.pad(x, (padding // 2, padding - padding // 2))
        return w.conv(x, f"{name}.conv", outputs, kernel, bias=True, stride=stride, groups=groups)

    x = F.silu(same(x, "first_conv", stem, kernel, 2))
    dead_norm("first_bn", stem)
    for stage, (width, depth) in enumerate(zip(widths, layers)):
        for index in range(depth):
            name = f"stage_list.{stage}.block_list.{index}"
            y = x if stage == index == 0 else F.silu(x)
            for number, channels in [(1, x.shape[1]), (2, width), (3, width)]:
                dead_norm(f"{name}.bn{number}", channels)
            y = F.silu(same(y, f"{name}.conv1", width, 1))
            y = F.silu(same(y, f"{name}.conv2", width, kernel, 2 if index == 0 else 1, width // group_width))
            y = same(y, f"{name}.conv3", width, 1)
            gates = w.linear(F.silu(w.linear(y.mean(-1), f"{name}.se_fc1", width // 2)), f"{name}.se_fc2", width)
            y = y * torch.sigmoid(gates)[..., None]
            if index == 0:
                x = F.max_pool1d(F.pad(x, (0, 1)), 2)
            more = width - x.shape[1]
            x = y + F.pad(x, (0, 0, more // 2, more - more // 2))
    w.draw("dense.weight", [5, x.shape[1]], 0.1)
    w.draw("dense.bias", [5], 0.1)
    return x.transpose(1, 2), x.mean(-1)


def encoder_only(w, x, **shape):
    x = resnet(w, x, "", **shape)
    return x.transpose(1, 2), x.mean(-1)


def fairseq(state):
    settings = argparse.Namespace(arch="wav2vec2_cmsc", lr=[5e-5])
    return {"args": settings, "cfg": {"model": {"_name": "wav2vec2_cmsc"}}, "model": state, "optimizer_history": [{"num_updates": 3}]}


def plain(state):
    return state


def small_vit(width, depth, heads, mlp, patch, positions):
    return dict(width=width, depth=depth, heads=heads, mlp=mlp, patch=patch, positions=positions)


SMALL_TEXT = dict(hidden=12, width=8, depth=2, heads=2, mlp=12, words=30, positions=16)
MEDCPT = dict(hidden=256, width=768, depth=12, heads=12, mlp=3072, words=30522, positions=512)

# Name: network, its shape, samples, the authors' container, whether in the format before PyTorch 1.6.
SMALL = {
    "merl-resnet": (merl_resnet, dict(bottleneck=False, layers=[2, 1], width=4, projection=8, text=SMALL_TEXT), 200, lambda s: {f"module.{k}": v for k, v in s.items()}, False),
    "merl-resnet-encoder": (encoder_only, dict(bottleneck=True, layers=[1, 2], width=2), 201, plain, True),
    "merl-vit": (merl_vit, dict(hidden=12, projection=8, text=SMALL_TEXT, **small_vit(8, 1, 1, 12, 20, 10)), 200, plain, False),
    "xresnet1d": (xresnet, dict(expansion=4, layers=[1, 2, 1], stem=[3, 3, 6], inner=2, kernel=5), 250, lambda s: {"model": s, "opt": None}, True),
    "ecg-fm": (ecg_fm, dict(channels=8, convolutions=4, width=16, depth=2, mlp=24, kernel=8, groups=4), 320, fairseq, False),
    "ecgfounder": (ecg_founder, dict(stem=4, widths=[4, 8], layers=[2, 1], kernel=6, group_width=4), 203, lambda s: {"state_dict": s, "step": 3, "val_auroc": 0.5}, False),
}
FULL = {
    "merl-resnet18": (merl_resnet, dict(bottleneck=False, layers=[2, 2, 2, 2], width=64, projection=256, text=SMALL_TEXT), 5000, plain, False),
    "merl-resnet34": (merl_resnet, dict(bottleneck=False, layers=[3, 4, 6, 3], width=64, projection=256, text=SMALL_TEXT), 5000, plain, False),
    "merl-resnet50": (merl_resnet, dict(bottleneck=True, layers=[3, 4, 6, 3], width=64, projection=256, text=SMALL_TEXT), 5000, plain, False),
    "merl-resnet101": (merl_resnet, dict(bottleneck=True, layers=[3, 4, 23, 3], width=64, projection=256, text=SMALL_TEXT), 5000, plain, False),
    "merl-vit-tiny": (merl_vit, dict(hidden=256, projection=256, text=MEDCPT, **small_vit(192, 12, 3, 768, 50, 100)), 5000, plain, False),
    "merl-vit-small": (merl_vit, dict(hidden=256, projection=256, text=SMALL_TEXT, **small_vit(384, 12, 6, 1536, 50, 100)), 5000, plain, False),
    "merl-vit-base": (merl_vit, dict(hidden=256, projection=256, text=SMALL_TEXT, **small_vit(768, 12, 12, 3072, 50, 100)), 5000, plain, False),
    "xresnet1d101": (xresnet, dict(expansion=4, layers=[3, 4, 23, 3], stem=[32, 32, 64], inner=64, kernel=5), 250, lambda s: {"model": s, "opt": None}, True),
    "ecg-fm": (ecg_fm, dict(channels=256, convolutions=4, width=768, depth=12, mlp=3072, kernel=128, groups=16), 2500, fairseq, False),
    "ecgfounder": (ecg_founder, dict(stem=64, widths=[64, 160, 160, 400, 400, 1024, 1024], layers=[2, 2, 2, 3, 3, 4, 4], kernel=16, group_width=16), 5000, lambda s: {"state_dict": s, "step": 3, "val_auroc": 0.5}, False),
}


def signal(batch, leads, samples):
    """Sines that differ by recording and lead, so that whoever reads the outputs can make the input anew."""
    b, l, t = torch.meshgrid(*[torch.arange(n, dtype=torch.float64) for n in (batch, leads, samples)], indexing="ij")
    return (torch.sin(t * (0.11 + 0.017 * l) + b) + 0.5 * torch.sin(t * 0.031 * (b + 1) + l)).float()


@torch.no_grad()
def main(folder, models):
    os.makedirs(folder, exist_ok=True)
    for number, (name, (network, shape, samples, container, legacy)) in enumerate(models.items()):
        values = signal(2, 12, samples)
        weights = Weights(number)
        sequence, pooled, *texts = network(weights, values, **shape)
        state = {key: value.clone() for key, value in weights.items()}
        path = os.path.join(folder, name)
        torch.save(container(state), f"{path}.pt", _use_new_zipfile_serialization=not legacy)
        outputs = {"shape": torch.tensor(values.shape), "sequence": sequence.contiguous(), "pooled": pooled.contiguous()}
        for more in texts:
            outputs |= more
        torch.save(outputs, f"{path}.out.pt")


if __name__ == "__main__":
    main(sys.argv[1], FULL if "--full" in sys.argv[2:] else SMALL)

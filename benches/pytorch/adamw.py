"""A step of AdamW in PyTorch."""

import time

import torch


class Update:
    """AdamW on tensors `parameter.NAME` with gradients `gradient.NAME`."""

    def __init__(self, tensors, fused):
        self.parameters = {}
        for name, tensor in tensors.items():
            kind, _, name = name.partition(".")
            if kind == "parameter":
                self.parameters[name] = tensor.requires_grad_()
                tensor.grad = tensors[f"gradient.{name}"]
        self.optimiser = torch.optim.AdamW(self.parameters.values(), lr=1e-3, weight_decay=0.01, fused=fused or None)

    def time(self):
        start = time.perf_counter()
        self.optimiser.step()
        return 0.0, time.perf_counter() - start

    def results(self):
        self.time()
        return {name: parameter.detach() for name, parameter in self.parameters.items()}

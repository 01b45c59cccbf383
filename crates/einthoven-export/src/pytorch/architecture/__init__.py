"""The network of `network.json`, under the published names of its parameters, and what it is fed."""

from importlib import import_module

from .contract import prepare


def network(config):
    signal = config["signal"]
    encoder = import_module(f".{signal['kind']}", __name__).Encoder
    if "mode" not in config:
        return encoder(signal, config["leads"])
    published = {"norm": "time"} if config["mode"] == "paper" and signal["kind"] == "convnext" else {}
    return import_module(".esi", __name__).Esi(config, encoder(signal, config["leads"], **published))


__all__ = ["network", "prepare"]

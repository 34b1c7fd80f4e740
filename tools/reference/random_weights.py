# SPDX-License-Identifier: MIT
"""Seeded weights for a reference model: every tensor matters, and activations keep a healthy size."""
import re
import zlib

import numpy as np
import torch

NORM = re.compile(r"(norm|norm_pre|layernorm|layer_norm|ln_final|norms\.3)\.(weight|bias)$")
SCALE = re.compile(r"(?<!grn\.)(gamma|layer_scale|layer_scale_parameter)$")
RESPONSE = re.compile(r"grn\.(weight|bias|gamma|beta)$")


def draw(name, shape, norms, generator):
    normal = generator.standard_normal(shape)
    if RESPONSE.search(name):
        return 0.5 * normal
    if SCALE.search(name):
        return np.sign(normal) * generator.uniform(0.1, 1.0, shape)
    if NORM.search(name) or name in norms:
        return 1 + 0.25 * normal if name.endswith("weight") else 0.3 * normal
    if len(shape) >= 2:
        return normal / np.sqrt(np.prod(shape[1:]))
    return 0.2 * normal


def norm_names(model):
    """Norms that a Sequential numbers instead of naming."""
    from layers import ChannelNorm
    return {f"{name}.{part}" for name, module in model.named_modules() if isinstance(module, ChannelNorm)
            for part in ("weight", "bias")}


def fill(model, seed, scales=(), dtype=torch.float32):
    """scales: (pattern, factor) pairs, for tensors that shall be small. dtype: what the file will hold."""
    norms = norm_names(model)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            generator = np.random.Generator(np.random.PCG64(zlib.crc32(f"{seed} {name}".encode())))
            values = draw(name, tuple(tensor.shape), norms, generator)
            for pattern, factor in scales:
                if re.search(pattern, name):
                    values = values * factor
            tensor.copy_(torch.as_tensor(np.asarray(values, np.float32)).to(dtype))
    return model


def checkpoint(model, dtype=torch.float32):
    """{name: tensor} as a file holds them; a tensor with two names appears under both."""
    return {name: tensor.detach().to(dtype) for name, tensor in model.state_dict().items()}

"""The detector's network in PyTorch, NHWC, with the names and layouts of a .vew file (docs/format.md)."""
import torch
import torch.nn.functional as F

DEPTHS, DIMS, RATIO, EPS = (1, 2, 2, 2), (16, 40, 64, 96), 4, 1e-6
OUTPUTS = 15  # score, box (4), points (10)


def make_parameters(seed=1):
    g = torch.Generator().manual_seed(seed)
    p = {}

    def normal(*shape, std):
        return torch.randn(*shape, generator=g) * std

    def norm(name, c):
        p[name + ".weight"], p[name + ".bias"] = torch.ones(c), torch.zeros(c)

    def dense(name, *shape):
        fan = 1
        for s in shape[1:]:
            fan *= s
        p[name + ".weight"], p[name + ".bias"] = normal(*shape, std=fan ** -0.5), torch.zeros(shape[0])

    dense("stem.0", DIMS[0], 4, 4, 3)
    norm("stem.norm", DIMS[0])
    for s, (depth, c) in enumerate(zip(DEPTHS, DIMS)):
        if s:
            norm("stage.%d.down.norm" % s, DIMS[s - 1])
            dense("stage.%d.down" % s, c, 2, 2, DIMS[s - 1])
        for b in range(depth):
            at = "stage.%d.block.%d" % (s, b)
            p[at + ".dw.weight"], p[at + ".dw.bias"] = normal(7, 7, c, std=1 / 7), torch.zeros(c)
            norm(at + ".norm", c)
            dense(at + ".fc1", RATIO * c, c)
            dense(at + ".fc2", c, RATIO * c)
            p[at + ".scale"] = torch.full((c,), 0.3)
    for s in (1, 2, 3):
        norm("map.%d.norm" % s, DIMS[s])
        dense("map.%d" % s, OUTPUTS, DIMS[s])
        p["map.%d.weight" % s] *= 0.3
        p["map.%d.bias" % s][0] = -4.0
    return p


def layer_norm(p, name, x):
    return F.layer_norm(x.float(), x.shape[-1:], p[name + ".weight"], p[name + ".bias"], EPS)


def patches(p, name, x, n):
    """A convolution with as many pixels a step as its side: a dense layer over patches."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // n, n, w // n, n, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h // n, w // n, n * n * c)
    return F.linear(x, p[name + ".weight"].flatten(1), p[name + ".bias"])


def block(p, at, x):
    w = p[at + ".dw.weight"]
    y = F.conv2d(x.permute(0, 3, 1, 2), w.permute(2, 0, 1)[:, None], p[at + ".dw.bias"], padding=3, groups=w.shape[2])
    y = layer_norm(p, at + ".norm", y.permute(0, 2, 3, 1))
    y = F.gelu(F.linear(y, p[at + ".fc1.weight"], p[at + ".fc1.bias"]))
    return x + p[at + ".scale"] * F.linear(y, p[at + ".fc2.weight"], p[at + ".fc2.bias"])


def forward(p, x):
    """x: [b][h][w][3], (pixel / 255 - 0.5) / 0.5, sides multiples of 32 -> maps of strides 8, 16, 32, [b][h][w][15]."""
    x = layer_norm(p, "stem.norm", patches(p, "stem.0", x, 4))
    maps = []
    for s, depth in enumerate(DEPTHS):
        if s:
            x = patches(p, "stage.%d.down" % s, layer_norm(p, "stage.%d.down.norm" % s, x), 2)
        for b in range(depth):
            x = block(p, "stage.%d.block.%d" % (s, b), x)
        if s:
            with torch.autocast("cpu", enabled=False):  # positions need more than bfloat16's 8 bits
                y = layer_norm(p, "map.%d.norm" % s, x)
                maps.append(F.linear(y, p["map.%d.weight" % s], p["map.%d.bias" % s]))
    return maps


def all_cells(p, x):
    return torch.cat([m.flatten(1, 2) for m in forward(p, x)], 1)

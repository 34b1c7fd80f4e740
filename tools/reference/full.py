# SPDX-License-Identifier: MIT
"""Published shapes under timm's names, for integration tests and benchmarks (random weights)."""
import json

from cases import HALF, SMALL_STEM, timm_config
from timm_convnext import TimmConvNeXt

WIDTHS = {"zepto": 32, "atto": 40, "femto": 48, "pico": 64, "nano": 80, "tiny": 96, "small": 96, "base": 128,
          "large": 192, "xlarge": 256, "xxlarge": 384, "huge": 352}
DEPTHS = {"zepto": (2, 2, 4, 2), "atto": (2, 2, 6, 2), "femto": (2, 2, 6, 2), "pico": (2, 2, 6, 2),
          "nano": (2, 2, 8, 2), "tiny": (3, 3, 9, 3), "xxlarge": (3, 4, 30, 3)}
CONV_MLP = ("zepto", "atto", "femto", "pico", "nano")


def shape(size):
    return dict(depths=DEPTHS.get(size, (3, 3, 27, 3)), dims=tuple(WIDTHS[size] << i for i in range(4)))


def v1(size, told=None, **options):
    conv = size in CONV_MLP or options.get("head_norm_first", False)
    return dict(shape(size), conv_mlp=conv, **options), dict(told or {}, **({"conv_mlp": True} if conv else {}))


def v2(size):
    options, told = v1(size, dict(use_grn=True, ls_init_value=None), grn=True, layer_scale=False)
    return options, told


def models():
    for size in ("atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge"):
        yield f"convnext_{size}", v1(size)
    yield "convnext_xxlarge", v1("xxlarge", dict(norm_eps=1e-5), eps=1e-5)
    yield "convnext_tiny_hnf", v1("tiny", dict(head_norm_first=True), head_norm_first=True)
    for size in ("atto", "femto", "pico"):
        yield f"convnext_{size}_ols", v1(size, dict(stem_type="overlap_tiered"), stem="overlap_tiered")
    yield "convnext_nano_ols", v1("nano", dict(stem_type="overlap"), stem="overlap")
    yield "convnext_atto_rms", v1("atto", dict(norm_layer="rmsnorm2d"), norm="rmsnorm")
    simple = dict(norm_layer="simplenorm")
    yield "convnext_zepto_rms", v1("zepto", simple, norm="simplenorm")
    yield "convnext_zepto_rms_ols", v1("zepto", dict(simple, stem_type="overlap_act"), norm="simplenorm",
                                       stem="overlap_act")
    for size in ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge"):
        yield f"convnextv2_{size}", v2(size)


MODELS = dict(models())


def build(name):
    """The model, its sidecar files and what random_weights shall scale."""
    options, told = MODELS[name]
    config = timm_config(name, dict(depths=options["depths"], dims=options["dims"], **told), 1000,
                         **(HALF if "zepto" in name else {}))
    last = {"overlap": 1, "overlap_tiered": 1, "overlap_act": 2}.get(options.get("stem"))
    scales = SMALL_STEM if last is None else [(rf"stem\.{last}\.", 0.02)]
    return TimmConvNeXt(classes=1000, **options), config, scales


def write_sidecars(folder, sidecars):
    for name, content in sidecars.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")

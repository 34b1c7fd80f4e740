# SPDX-License-Identifier: MIT
"""The fixture cases: one small model per family and peculiarity, with the sidecar files such a checkpoint has."""
import torch

from fb_convnext import FbConvNeXt
from hf_convnext import ConvNextForImageClassification, ConvNextModel, Dinov3ConvNextModel
from timm_convnext import OpenClip, TimmConvNeXt
from torchvision_convnext import TorchvisionConvNeXt

SIZES = [(32, 32), (64, 64), (112, 112), (224, 224), (225, 225), (288, 288), (96, 160), (101, 77)]

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
CLIP = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}

DEPTHS = (1, 1, 2, 1)
EVEN = dict(depths=DEPTHS, dims=(8, 16, 24, 40))
PART = dict(depths=DEPTHS, dims=(6, 12, 20, 36))  # no multiple of any vector
ODD = dict(depths=DEPTHS, dims=(5, 11, 19, 33))
WIDE = dict(depths=(1, 1, 1, 1), dims=(24, 40, 64, 80))

# The stem's last convolution is small everywhere, so that the first norm's eps is felt; in the models whose
# final norm has an eps of its own the last stage is small too.
STEM = r"(stem\.0|downsample_layers\.0\.0|patch_embeddings|features\.0\.0)\.(weight|bias)$"
SMALL_STEM = [(STEM, 0.02)]


def small_tail(down, fc2):
    return [(down + r"\.(weight|bias)$", 0.01), (fc2 + r"\.(weight|bias)$", 0.01)]


def timm_config(architecture, model_args, classes, **cfg):
    pretrained = {"input_size": [3, 224, 224], "fixed_input_size": False, "interpolation": "bicubic",
                  "crop_pct": 0.875, "crop_mode": "center", **IMAGENET, "num_classes": classes,
                  "pool_size": [7, 7], "first_conv": "stem.0", "classifier": "head.fc", **cfg}
    return {"config.json": {"architecture": architecture, "num_classes": classes,
                            "num_features": model_args["dims"][-1], "global_pool": "avg",
                            "model_args": {k: list(v) if isinstance(v, tuple) else v
                                           for k, v in model_args.items()},
                            "pretrained_cfg": pretrained}}


class Case:
    """kind: the embedding that ve-export gives by itself; told: it has to be told so, as nothing in such a
    checkpoint says it. also: further kinds to export."""

    def __init__(self, name, model, kind="norm", also=(), told=False, sidecars=None, scales=(),
                 dtype=torch.float32, shards=0, sizes=SIZES):
        self.name, self.model, self.sizes = name, model, sizes
        self.kind, self.also, self.told = kind, also, told
        self.sidecars = sidecars or {}
        self.scales = list(scales)
        self.dtype, self.shards = dtype, shards


def timm(name, architecture, shape, model_args=None, cfg=None, scales=None, case=None, **options):
    """model_args: how timm names in config.json what `options` say to our model. case: arguments of Case."""
    arguments = dict(shape, **(model_args or {}))
    config = timm_config(architecture, arguments, options.get("classes", 0), **(cfg or {}))
    return Case(name, lambda: TimmConvNeXt(**shape, **options), sidecars=config,
                scales=SMALL_STEM if scales is None else scales, **(case or {}))


CONV = dict(conv_mlp=True)


def timm_cases():
    yield timm("timm_v1", "convnext_atto", EVEN, CONV, classes=10, **CONV, case=dict(also=["pooled", "norm", "head"]))
    yield timm("timm_v1_linear", "convnext_tiny", PART)
    yield timm("timm_v1_odd", "convnext_nano", ODD, CONV, classes=7, **CONV)
    yield timm("timm_no_scale", "convnext_tiny", ODD, dict(ls_init_value=None), layer_scale=False)
    yield timm("timm_hnf", "convnext_tiny_hnf", PART, dict(CONV, head_norm_first=True), head_norm_first=True,
               classes=9, **CONV, case=dict(also=["pooled", "head"]))
    yield timm("timm_rms", "convnext_atto_rms", PART, dict(CONV, norm_layer="rmsnorm2d"), norm="rmsnorm", **CONV)
    yield timm("timm_xxlarge", "convnext_xxlarge", PART, dict(norm_eps=1e-5), eps=1e-5)
    yield timm("timm_pre_logits", "convnext_large_mlp", PART, dict(head_hidden_size=44), hidden=44, classes=18,
               case=dict(also=["head"]))
    yield timm("timm_head", "convnext_atto", PART, CONV, dict(HALF, input_size=[3, 112, 112], crop_pct=1.0),
               classes=24, **CONV, case=dict(kind="head", told=True))


def timm_stem_cases():
    simple = dict(CONV, norm_layer="simplenorm")
    yield timm("timm_ols_overlap", "convnext_nano_ols", PART, dict(CONV, stem_type="overlap"), None,
               [(r"stem\.1\.", 0.02)], stem="overlap", **CONV)
    yield timm("timm_ols_tiered", "convnext_atto_ols", dict(depths=DEPTHS, dims=(20, 24, 28, 36)),
               dict(CONV, stem_type="overlap_tiered"), None, [(r"stem\.1\.", 0.02)], stem="overlap_tiered", **CONV)
    yield timm("timm_zepto_rms", "convnext_zepto_rms", EVEN, simple, HALF, norm="simplenorm", **CONV)
    yield timm("timm_zepto_rms_ols", "convnext_zepto_rms_ols", ODD, dict(simple, stem_type="overlap_act"),
               dict(HALF, crop_pct=0.9), [(r"stem\.2\.", 0.02)], norm="simplenorm", stem="overlap_act", **CONV)


def timm_v2_cases():
    told = dict(use_grn=True, ls_init_value=None)
    v2 = dict(grn=True, layer_scale=False)
    yield timm("timm_v2", "convnextv2_atto", EVEN, dict(CONV, **told), classes=10, **CONV, **v2,
               case=dict(also=["pooled", "head"]))
    yield timm("timm_v2_linear", "convnextv2_tiny", ODD, told, **v2)
    yield timm("timm_v2_fcmae", "convnextv2_femto", PART, dict(CONV, **told), dict(tag="fcmae"), head_norm=False,
               **CONV, **v2)


def timm_file_cases():
    yield timm("timm_f16", "convnext_atto", WIDE, CONV, **CONV, case=dict(dtype=torch.float16))
    yield timm("timm_bf16", "convnext_tiny", WIDE, case=dict(dtype=torch.bfloat16))
    yield timm("timm_sharded", "convnext_tiny", PART, case=dict(shards=3))


def preprocessor(kind, **more):
    return {"image_processor_type": kind, "do_resize": True, "do_rescale": True, "do_normalize": True,
            "rescale_factor": 1 / 255, "image_mean": IMAGENET["mean"], "image_std": IMAGENET["std"], **more}


def hf_config(architecture, model_type, shape, eps, **more):
    return {"architectures": [architecture], "model_type": model_type, "depths": list(shape["depths"]),
            "hidden_sizes": list(shape["dims"]), "hidden_act": "gelu", "image_size": 224, "num_channels": 3,
            "num_stages": 4, "layer_norm_eps": eps, "drop_path_rate": 0.0, **more}


def hf_cases():
    convnext = preprocessor("ConvNextImageProcessor", size={"shortest_edge": 224}, crop_pct=0.875, resample=3)
    dinov3 = preprocessor("DINOv3ViTImageProcessorFast", resample=2, size={"height": 224, "width": 224})
    tail = SMALL_STEM + small_tail(r"stages\.3\.downsampling_layer\.1", r"stages\.3\.layers\.\d+\.pwconv2")
    yield Case("hf_convnext",
               lambda: ConvNextForImageClassification("convnext", 10, version=1, eps=1e-12, **EVEN),
               also=["pooled", "head"], scales=tail, sidecars={
                   "config.json": hf_config("ConvNextForImageClassification", "convnext", EVEN, 1e-12, patch_size=4),
                   "preprocessor_config.json": convnext})
    yield Case("hf_convnext_patch2", lambda: ConvNextModel(version=1, eps=1e-12, patch=2, **PART), scales=tail,
               sizes=[(32, 32), (112, 112), (96, 160), (101, 77)],
               sidecars={"config.json": hf_config("ConvNextModel", "convnext", PART, 1e-12, patch_size=2)})
    yield Case("hf_convnextv2", lambda: ConvNextModel(version=2, eps=1e-12, **PART), scales=tail, sidecars={
        "config.json": hf_config("ConvNextV2Model", "convnextv2", PART, 1e-12, patch_size=4),
        "preprocessor_config.json": convnext})
    yield Case("hf_convnextv2_eps",
               lambda: ConvNextForImageClassification("convnextv2", 6, version=2, eps=1e-4, **ODD), scales=tail,
               sidecars={"config.json": hf_config("ConvNextV2ForImageClassification", "convnextv2", ODD, 1e-4,
                                                  patch_size=4)})
    yield Case("hf_dinov3", lambda: Dinov3ConvNextModel(**PART), also=["pooled"],
               scales=[(r"stages\.0\.downsample_layers\.0\.", 0.02)], sidecars={
                   "config.json": hf_config("DINOv3ConvNextModel", "dinov3_convnext", PART, 1e-6),
                   "preprocessor_config.json": dinov3})


def other_cases():
    yield Case("torchvision", lambda: TorchvisionConvNeXt(classes=16, **PART), told=True, also=["pooled", "head"],
               scales=SMALL_STEM)
    yield Case("fb_v1", lambda: FbConvNeXt(version=1, classes=10, **PART), also=["head"], scales=SMALL_STEM)
    yield Case("fb_v2", lambda: FbConvNeXt(version=2, classes=10, **ODD), scales=SMALL_STEM)
    yield Case("fb_dinov3", lambda: FbConvNeXt(version=1, dinov3=True, **ODD), scales=SMALL_STEM)


def open_clip_config(trunk, projection, dim):
    model = {"embed_dim": dim,
             "vision_cfg": {"timm_model_name": trunk, "timm_model_pretrained": False, "timm_pool": "",
                            "timm_proj": projection, "timm_drop": 0.0, "timm_drop_path": 0.1, "image_size": 256},
             "text_cfg": {"context_length": 5, "vocab_size": 11, "width": 8, "heads": 2, "layers": 1}}
    return {"open_clip_config.json": {"model_cfg": model, "preprocess_cfg": {
        **CLIP, "interpolation": "bicubic", "resize_mode": "shortest"}}}


def open_clip_cases():
    yield Case("openclip_proj", lambda: OpenClip(22, "linear", False, **ODD), "head", ["norm"], scales=SMALL_STEM,
               sidecars=open_clip_config("convnext_base_w", "linear", 22))
    yield Case("openclip_mlp", lambda: OpenClip(14, "mlp", True, **PART), "head", ["pooled"], scales=SMALL_STEM,
               sidecars=open_clip_config("convnext_large_d", "mlp", 14))


def all_cases():
    for family in (timm_cases, timm_stem_cases, timm_v2_cases, timm_file_cases, hf_cases, other_cases,
                   open_clip_cases):
        yield from family()

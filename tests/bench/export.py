"""Writes the bundled models as ONNX graphs, with an input and a photo, for the programs that they are compared with.

The modules are named as the tensors in our weight folders are, so that loading checks every name and shape.
"""

import json
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, tokens):
        _, count, width = tokens.shape
        # One product for queries, keys and values, as on our side; the exporter joins the weights.
        parts = (self.q_proj, self.k_proj, self.v_proj)
        joined = functional.linear(tokens, torch.cat([part.weight for part in parts]), torch.cat([part.bias for part in parts]))
        query, key, value = joined.reshape(-1, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind()
        scores = query @ key.transpose(2, 3) * (width // self.heads) ** -0.5
        return self.out_proj((scores.softmax(-1) @ value).transpose(1, 2).reshape(-1, count, width))


class LayerScale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(width))


class Layer(nn.Module):
    def __init__(self, width, heads, eps):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.attention = Attention(width, heads)
        self.layer_scale1, self.layer_scale2 = LayerScale(width), LayerScale(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, tokens):
        tokens = tokens + self.attention(self.norm1(tokens)) * self.layer_scale1.lambda1
        inner = functional.gelu(self.mlp["fc1"](self.norm2(tokens)))
        return tokens + self.mlp["fc2"](inner) * self.layer_scale2.lambda1


class Upscale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.ConvTranspose2d(width, width, 2, 2)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        self.layernorm2d = nn.LayerNorm(width, 1e-6)

    def forward(self, features):
        features = self.conv2(functional.gelu(self.conv1(features)))
        return self.layernorm2d(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Embeddings(nn.Module):
    def __init__(self, width, patch, grid):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.patch_embeddings = nn.ModuleDict({"projection": nn.Conv2d(3, width, patch, patch)})
        self.position_embeddings = nn.Embedding(grid * grid, width)

    def forward(self, images):
        patches = self.patch_embeddings["projection"](images).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(images.shape[0], -1, -1), patches + self.position_embeddings.weight], 1)


class Encoder(nn.Module):
    """From images to tokens, `[B, 1 + L, D]`."""

    def __init__(self, config):
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.grid = config["image_size"] // config["patch_size"]
        self.embeddings = Embeddings(width, config["patch_size"], self.grid)
        self.layers = nn.Sequential(*(Layer(width, config["num_attention_heads"], eps) for _ in range(config["num_hidden_layers"])))
        self.layernorm = nn.LayerNorm(width, eps)

    def forward(self, images):
        return self.layernorm(self.layers(self.embeddings(images)))


class Segmenter(Encoder):
    """From images to all that masks are drawn from: class logits, mask embeddings and pixels.

    A mask is the product of an embedding with the pixels. Applications draw the few masks that they show, so no mask is here.
    """

    def __init__(self, config):
        super().__init__(config)
        width, upscales = config["hidden_size"], config["num_upscale_blocks"]
        self.class_predictor = nn.Linear(width, len(config["id2label"]) + 1)
        self.mask_head = nn.ModuleDict({name: nn.Linear(width, width) for name in ("fc1", "fc2", "fc3")})
        self.upscale_block = nn.ModuleDict({"block": nn.Sequential(*(Upscale(width) for _ in range(upscales)))})
        self.extent, self.shift = nn.Linear(width, 5), nn.Linear(width, 2)

    def forward(self, images):
        patches = super().forward(images)[:, 1:]
        embeddings = self.mask_head["fc2"](functional.gelu(self.mask_head["fc1"](patches)))
        embeddings = self.mask_head["fc3"](functional.gelu(embeddings))
        curve_x, slope_x, curve_y, slope_y, peak = self.extent(patches).split(1, 2)
        x, y = self.centres(self.grid).split(1, 2)
        rest = peak + (curve_x * x - slope_x) * x + (curve_y * y - slope_y) * y
        bowls = torch.cat([curve_x, slope_x - 2 * curve_x * x, curve_y, slope_y - 2 * curve_y * y, rest], 2)
        features = patches.transpose(1, 2).reshape(-1, patches.shape[2], self.grid, self.grid)
        features = self.upscale_block["block"](features)
        side = features.shape[2]
        pixels = features.flatten(2).transpose(1, 2)
        x, y = (self.shift(pixels) + self.centres(side)).split(1, 2)
        places = torch.cat([x * x, x, y * y, y, torch.ones_like(x)], 2)
        return self.class_predictor(patches), torch.cat([embeddings, bowls], 2), torch.cat([pixels, places], 2)

    @staticmethod
    def centres(side):
        """Returns x and y of each cell in quarters of the canvas, `[1, cells, 2]`."""
        along = 4 * (torch.arange(side) + 0.5) / side
        y, x = torch.meshgrid(along, along, indexing="ij")
        return torch.stack([x, y], 2).reshape(1, -1, 2)


def tensors(folder):
    """Reads a weight folder; 8-bit matrices are multiplied by their scales."""
    stored = {name: tensor.float() for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}
    scales = {name: stored.pop(name) for name in list(stored) if name.endswith("_scale")}
    return {name: tensor * scales.get(f"{name}_scale", 1) for name, tensor in stored.items()}


def export(weights, photo, out):
    """Writes encoder.onnx, segmenter.onnx, photo.png and input.f32; returns what a table says of the model."""
    config, preprocess = (json.loads((weights / f"{name}config.json").read_text()) for name in ("", "preprocessor_"))
    side = config["image_size"]
    out.mkdir(parents=True, exist_ok=True)
    image = Image.open(photo).convert("RGB").resize((side, side))
    image.save(out / "photo.png")
    pixels = numpy.asarray(image, numpy.float32) * preprocess["rescale_factor"] - preprocess["image_mean"]
    images = torch.tensor(pixels / preprocess["image_std"]).permute(2, 0, 1)[None].float().contiguous()
    images.numpy().tofile(out / "input.f32")
    stored = tensors(weights)
    for model, name, outputs in (
        (Encoder(config), "encoder", ["tokens"]),
        (Segmenter(config), "segmenter", ["class_logits", "embeddings", "pixels"]),
    ):
        model.load_state_dict({key: stored[key] for key in model.state_dict()})
        axes = {key: {0: "batch"} for key in ["images", *outputs]}
        names = {"input_names": ["images"], "output_names": outputs, "dynamic_axes": axes}
        torch.onnx.export(model.eval(), (images,), out / f"{name}.onnx", opset_version=17, dynamo=False, **names)
    assert set(stored) == set(model.state_dict()), "the segmenter has every tensor of the folder"
    return {"side": side, "tokens": (side // config["patch_size"]) ** 2 + 1}

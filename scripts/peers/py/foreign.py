"""Model files as others write them, by the real torch.save and NumPy, from given weights; and each file's logits by its own module."""

import pathlib
from collections import OrderedDict

import numpy as np
import torch
from exchange import answer, question
from plain_model import grid_tokens, in_float64, over_grid
from safetensors.torch import save_file
from torch import nn

arguments, arrays = question()
folder = pathlib.Path(arguments["folder"])
p, n_heads, d_head, d_model = (arguments["config"][key] for key in ("p", "n_heads", "d_head", "d_model"))
trained = {name: torch.from_numpy(array) for name, array in arrays.items() if not name.startswith("bias/")}
biases = {name.removeprefix("bias/"): torch.from_numpy(array) for name, array in arrays.items() if name.startswith("bias/")}
biased = trained | biases
ATTN, MLP = "blocks.0.attn.", "blocks.0.mlp."
inner = n_heads * d_head
logits = {}


def plainly(weights):
    return over_grid(in_float64({name: tensor.numpy() for name, tensor in weights.items()}), p)[0]


def fused(weights, letter):
    """[head, d_model, d_head] as a linear map's [out, in] = [head*d_head, d_model]."""
    return weights[f"{ATTN}W_{letter}"].permute(0, 2, 1).reshape(inner, d_model)


def save(name, what, expected):
    torch.save(what, folder / name)
    logits[name] = expected.double().numpy()


class Attention(nn.Module):
    """Separate linear maps with their heads side by side."""

    def __init__(self):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d_model, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, d_model)

    def forward(self, x):
        q, k, v = (
            layer(x).unflatten(-1, (n_heads, d_head)).transpose(1, 2) for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2))


class Model(nn.Module):
    def __init__(self, attn):
        super().__init__()
        d_mlp, classes = biased[f"{MLP}W_in"].shape[1], biased["unembed.W_U"].shape[1]
        self.tok_emb = nn.Embedding(p + 1, d_model)
        self.pos_emb = nn.Embedding(3, d_model)
        self.attn = attn
        self.fc1, self.fc2 = nn.Linear(d_model, d_mlp), nn.Linear(d_mlp, d_model)
        self.head = nn.Linear(d_model, classes)

    def forward(self, tokens):
        x = self.tok_emb(tokens) + self.pos_emb.weight
        attended = self.attn(x) if isinstance(self.attn, Attention) else self.attn(x, x, x, need_weights=False)[0]
        x = x + attended
        x = x + self.fc2(torch.relu(self.fc1(x)))
        return self.head(x)[:, -1]


def fill(module):
    b = biased
    parts = {
        "tok_emb.weight": b["embed.W_E"],
        "pos_emb.weight": b["pos_embed.W_pos"],
        "fc1.weight": b[f"{MLP}W_in"].T,
        "fc1.bias": b[f"{MLP}b_in"],
        "fc2.weight": b[f"{MLP}W_out"].T,
        "fc2.bias": b[f"{MLP}b_out"],
        "head.weight": b["unembed.W_U"].T,
        "head.bias": b["unembed.b_U"],
    }
    out_weight = b[f"{ATTN}W_O"].reshape(inner, d_model).T
    qkv = [fused(b, letter) for letter in "QKV"]
    qkv_bias = [b[f"{ATTN}b_{letter}"].reshape(inner) for letter in "QKV"]
    parts |= {"attn.out_proj.weight": out_weight, "attn.out_proj.bias": b[f"{ATTN}b_O"]}
    if isinstance(module.attn, nn.MultiheadAttention):
        parts |= {"attn.in_proj_weight": torch.cat(qkv), "attn.in_proj_bias": torch.cat(qkv_bias)}
    else:
        for letter, weight, bias in zip("qkv", qkv, qkv_bias):
            parts |= {f"attn.{letter}_proj.weight": weight, f"attn.{letter}_proj.bias": bias}
    module.load_state_dict(parts)
    return module


def module_logits(module):
    with torch.no_grad():
        return torch.cat([module(tokens) for tokens in grid_tokens(p).split(4096)])


without_biases, with_biases = plainly(trained), plainly(biased)
state = OrderedDict(trained)
save("state-dict.pth", state, without_biases)
save("under-model.pth", {"epoch": 7, "model": state, "train_losses": [0.5, 0.25], "optimizer": {"lr": 1e-3}}, without_biases)
save("parameters.pt", OrderedDict((name, nn.Parameter(tensor)) for name, tensor in biased.items()), with_biases)
# Strided views on one storage, and float64.
save("strided.pth", {name: tensor.double().mT.contiguous().mT for name, tensor in trained.items()}, without_biases)

extra_class = torch.cat([trained["unembed.W_U"], torch.ones(d_model, 1)], dim=1)
transposed = {
    "embed.W_E": trained["embed.W_E"].T,
    "pos_embed.W_pos": trained["pos_embed.W_pos"],
    **{f"{ATTN}W_{letter}": trained[f"{ATTN}W_{letter}"].mT for letter in "KQV"},
    f"{ATTN}W_O": trained[f"{ATTN}W_O"].reshape(inner, d_model).T,
    f"{ATTN}mask": torch.tril(torch.ones(3, 3)),
    f"{MLP}W_in": trained[f"{MLP}W_in"].T,
    f"{MLP}b_in": biases[f"{MLP}b_in"],
    f"{MLP}W_out": trained[f"{MLP}W_out"].T,
    f"{MLP}b_out": biases[f"{MLP}b_out"],
    "unembed.W_U": extra_class,
}
some_biases = {name: biases[name] for name in (f"{MLP}b_in", f"{MLP}b_out")}
transposed = {name: tensor.contiguous() for name, tensor in transposed.items()}
save("transposed.pth", {"model": transposed}, plainly(trained | some_biases))

for name, attn in (("linear.pth", Attention()), ("multihead.pth", nn.MultiheadAttention(d_model, n_heads, batch_first=True))):
    module = fill(Model(attn))
    torch.save(module.state_dict(), folder / name)
    logits[name] = module_logits(module.double()).numpy()

np.savez(folder / "arrays.npz", **{name: tensor.numpy() for name, tensor in trained.items()})
np.savez_compressed(folder / "compressed.npz", **{name: tensor.numpy() for name, tensor in trained.items()})
save_file(dict(biased), folder / "plain.safetensors")
logits |= {"arrays.npz": without_biases.numpy(), "compressed.npz": without_biases.numpy()}
logits["plain.safetensors"] = with_biases.numpy()
answer(logits)

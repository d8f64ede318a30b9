"""TransformerLens's own model, loaded from exports: logits, attention and neurons at the last position over the grid."""

import json
import warnings

import torch
from exchange import answer, question
from recorded import over_grid
from safetensors.torch import load_file

warnings.filterwarnings("ignore")
from transformer_lens import HookedTransformer, HookedTransformerConfig  # noqa: E402

HOOKS = {"pattern": "blocks.0.attn.hook_pattern", "post": "blocks.0.mlp.hook_post"}
out, unknown = {}, {}


def load(export, dtype, direction):
    """The model, and the names that only one of the two sides knows: none, so that the file loads strictly."""
    with open(export["config"]) as file:
        stored = json.load(file)
    changes = {"attention_dir": direction, "dtype": dtype, "device": "cpu"}
    model = HookedTransformer(HookedTransformerConfig(**stored | changes))
    missing, unexpected = model.load_state_dict(load_file(export["weights"]), strict=False)
    if not missing and not unexpected:
        model.load_state_dict(load_file(export["weights"]), strict=True)
    return model.to(dtype).eval(), list(missing) + list(unexpected)


arguments, _ = question()
for key, export in arguments.items():
    for dtype in ("float32", "float64"):
        for direction in ("causal", "bidirectional"):
            model, unknown[key] = load(export, getattr(torch, dtype), direction)
            if dtype == "float32" and direction == "causal":
                torch.save(model.state_dict(), export["state"])
            for name, array in over_grid(model, export["p"], HOOKS).items():
                out[f"{key}/{dtype}/{direction}/{name}"] = array
answer(out, unknown)

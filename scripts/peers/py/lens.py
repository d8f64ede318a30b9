"""TransformerLens's own model, loaded from exports: logits, attention and neurons at the last position over the grid."""

import json
import warnings

import torch
from exchange import answer, question
from plain_model import grid_tokens
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
            parts = []
            with torch.no_grad():
                for tokens in grid_tokens(export["p"]).split(2048):
                    logits, cache = model.run_with_cache(tokens, names_filter=list(HOOKS.values()))
                    parts.append((logits[:, -1], cache[HOOKS["pattern"]][:, :, -1], cache[HOOKS["post"]][:, -1]))
            for name, tensors in zip(("logits", *HOOKS), zip(*parts)):
                out[f"{key}/{dtype}/{direction}/{name}"] = torch.cat(tensors).double().numpy()
answer(out, unknown)

"""What a model of TransformerLens computes at the last position over the grid, under the names that the comparison has for it."""

import torch
from plain_model import grid_tokens


def over_grid(model, p, hooks):
    """Logits, and what the named hooks see, all at the last position, by short name; `hooks`: attention's and the neurons' names."""
    parts = []
    with torch.no_grad():
        for tokens in grid_tokens(p).split(2048):
            logits, cache = model.run_with_cache(tokens, names_filter=list(hooks.values()))
            parts.append((logits[:, -1], cache[hooks["pattern"]][:, :, -1], cache[hooks["post"]][:, -1]))
    return {name: torch.cat(tensors).double().numpy() for name, tensors in zip(("logits", "pattern", "post"), zip(*parts))}

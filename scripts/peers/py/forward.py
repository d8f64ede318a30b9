"""Logits, attention and neurons over the grid of models written plainly in PyTorch, float64."""

from exchange import answer, question
from plain_model import in_float64, over_grid

arguments, arrays = question()
out = {}
for key, p in arguments.items():
    weights = in_float64({name.removeprefix(f"{key}/"): array for name, array in arrays.items() if name.startswith(f"{key}/")})
    logits, pattern, post = over_grid(weights, p)
    causal, _, _ = over_grid(weights, p, causal=True)
    found = {"logits": logits, "pattern": pattern, "post": post, "causal": causal}
    out |= {f"{key}/{name}": tensor.numpy() for name, tensor in found.items()}
answer(out)

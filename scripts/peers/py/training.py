"""Full-batch training by PyTorch in float32 and in float64: weights, moments and loss after some steps."""

import torch
from adamw import Training
from exchange import answer, question

arguments, arrays = question()
out = {}
for dtype in ("float32", "float64"):
    training = Training(arguments, arrays, getattr(torch, dtype))
    for _ in training.run():
        pass
    with torch.no_grad():
        found = {"loss": training.head_losses()} | training.left()
    out |= {f"{dtype}/{name}": tensor.double().numpy() for name, tensor in found.items()}
answer(out)

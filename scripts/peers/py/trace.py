"""Twenty full-batch steps by PyTorch in float64: what each step saw and left behind."""

import torch
from adamw import Training
from exchange import answer, question

training = Training(*question(), torch.float64)
out = {}
steps = []
for losses, raw, filtered, first in training.run():
    out |= {f"gradient/{name}": gradient for name, gradient in first.items()}
    steps.append((losses, raw, filtered))
out |= training.left("weight/")
out |= {name: torch.stack(tensors) for name, tensors in zip(("loss", "norms", "filtered"), zip(*steps))}
names = sorted(training.weights)
answer({name: tensor.numpy() for name, tensor in out.items()}, {"torch": torch.__version__, "names": names})

"""Full-batch training by PyTorch's autograd and its AdamW, with Grokfast-EMA in front: weights, moments and loss after some steps."""

import math

import torch
from exchange import answer, question
from plain_model import forward, grid_tokens

arguments, arrays = question()
config, heads = arguments["config"], arguments["heads"]
p, alpha, amplification = config["p"], config["grokfast_alpha"], config["grokfast_lambda"]
train = torch.from_numpy(arrays["train"]).long()
initial = {name.removeprefix("weight/"): array for name, array in arrays.items() if name.startswith("weight/")}
x0, x1, _ = grid_tokens(p)[train].unbind(dim=1)
number = x0 + x1 if config["task"] == "nanda" else x0 + x1 * p


def head_losses(logits):
    """Mean cross-entropy of each head, nats."""
    losses, start = [], 0
    for q in heads:
        losses.append(torch.nn.functional.cross_entropy(logits[:, start : start + q], number % q))
        start += q
    return torch.stack(losses)


def run(dtype):
    weights = {name: torch.tensor(array, dtype=dtype, requires_grad=True) for name, array in initial.items()}
    optimiser = torch.optim.AdamW(
        weights.values(),
        lr=config["lr"],
        betas=(config["beta1"], config["beta2"]),
        eps=config["eps"],
        weight_decay=config["weight_decay"],
    )
    average = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    tokens = grid_tokens(p)[train]
    scale = 1.0 if len(heads) == 1 else 1 / torch.tensor([len(heads) * math.log(q) for q in heads], dtype=dtype)
    for step in range(1, arguments["steps"] + 1):
        for group in optimiser.param_groups:
            group["lr"] = config["lr"] * min(step / config["warmup"], 1) if config["warmup"] > 0 else config["lr"]
        optimiser.zero_grad()
        (head_losses(forward(weights, tokens)[0]) * scale).sum().backward()
        with torch.no_grad():
            for name, weight in weights.items():
                average[name] = alpha * average[name] + (1 - alpha) * weight.grad
                weight.grad += amplification * average[name]
        optimiser.step()
    with torch.no_grad():
        loss = head_losses(forward(weights, tokens)[0])
    found = {"loss": loss}
    for name, weight in weights.items():
        state = optimiser.state[weight]
        found |= {name: weight.detach(), f"m/{name}": state["exp_avg"], f"v/{name}": state["exp_avg_sq"], f"ema/{name}": average[name]}
    return found


out = {}
for dtype in ("float32", "float64"):
    for name, tensor in run(getattr(torch, dtype)).items():
        out[f"{dtype}/{name}"] = tensor.double().numpy()
answer(out)

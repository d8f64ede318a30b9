"""Twenty full-batch steps by PyTorch's autograd and its AdamW in float64, with Grokfast-EMA in front: what each step saw and left behind."""

import math

import torch
from exchange import answer, question
from plain_model import forward, grid_tokens

arguments, arrays = question()
config, heads = arguments["config"], arguments["heads"]
p, alpha, amplification = config["p"], config["grokfast_alpha"], config["grokfast_lambda"]
train = torch.from_numpy(arrays["train"]).long()
weights = {
    name.removeprefix("weight/"): torch.tensor(array, dtype=torch.float64, requires_grad=True)
    for name, array in arrays.items()
    if name.startswith("weight/")
}
tokens = grid_tokens(p)[train]
x0, x1 = tokens[:, 0], tokens[:, 1]


def head_losses(logits):
    """Mean cross-entropy of each output head, nats: of n mod q, or for q = p of the digits' sum."""
    losses, start = [], 0
    for q in heads:
        target = (x0 + x1 if q == p else x0 + x1 * p) % q
        losses.append(torch.nn.functional.cross_entropy(logits[:, start : start + q], target))
        start += q
    return torch.stack(losses)


optimiser = torch.optim.AdamW(
    weights.values(),
    lr=config["lr"],
    betas=(config["beta1"], config["beta2"]),
    eps=config["eps"],
    weight_decay=config["weight_decay"],
)
average = {name: torch.zeros_like(weight) for name, weight in weights.items()}
scale = torch.tensor([1 / (len(heads) * math.log(q)) for q in heads], dtype=torch.float64)
names = sorted(weights)
losses, norms, filtered = [], [], []
out = {}
for step in range(1, arguments["steps"] + 1):
    for group in optimiser.param_groups:
        group["lr"] = config["lr"] * min(step / config["warmup"], 1)
    optimiser.zero_grad()
    loss = head_losses(forward(weights, tokens)[0])
    (loss * scale).sum().backward()
    losses.append(loss.detach())
    norms.append(torch.stack([weights[name].grad.norm() for name in names]))
    if step == 1:
        out |= {f"gradient/{name}": weights[name].grad.clone() for name in names}
    with torch.no_grad():
        for name, weight in weights.items():
            average[name] = alpha * average[name] + (1 - alpha) * weight.grad
            weight.grad += amplification * average[name]
    filtered.append(torch.stack([weights[name].grad.norm() for name in names]))
    optimiser.step()
for name, weight in weights.items():
    state = optimiser.state[weight]
    out |= {
        f"weight/{name}": weight.detach(),
        f"m/{name}": state["exp_avg"],
        f"v/{name}": state["exp_avg_sq"],
        f"ema/{name}": average[name],
    }
out |= {"loss": torch.stack(losses), "norms": torch.stack(norms), "filtered": torch.stack(filtered)}
answer({name: tensor.numpy() for name, tensor in out.items()}, {"torch": torch.__version__, "names": names})

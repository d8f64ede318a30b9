"""Full-batch steps by PyTorch's autograd and its AdamW, with Grokfast-EMA in front."""

import math

import torch
from plain_model import forward, grid_tokens


class Training:
    """A model in training: `arguments` has the config, the output heads' moduli and the steps; `arrays` samples and weights."""

    def __init__(self, arguments, arrays, dtype):
        self.config, self.heads, self.steps = arguments["config"], arguments["heads"], arguments["steps"]
        self.tokens = grid_tokens(self.config["p"])[torch.from_numpy(arrays["train"]).long()]
        self.weights = {
            name.removeprefix("weight/"): torch.tensor(array, dtype=dtype, requires_grad=True)
            for name, array in arrays.items()
            if name.startswith("weight/")
        }
        self.average = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        heads = self.heads
        # One head alone is trained on its plain cross-entropy, several each on theirs over ln q.
        scale = [1.0] if len(heads) == 1 else [1 / (len(heads) * math.log(q)) for q in heads]
        self.scale = torch.tensor(scale, dtype=dtype)
        self.optimiser = torch.optim.AdamW(
            self.weights.values(),
            lr=self.config["lr"],
            betas=(self.config["beta1"], self.config["beta2"]),
            eps=self.config["eps"],
            weight_decay=self.config["weight_decay"],
        )

    def head_losses(self):
        """Mean cross-entropy of each output head, nats: of n mod q, or for q = p of the digits' sum."""
        p, (x0, x1, _) = self.config["p"], self.tokens.unbind(dim=1)
        logits = forward(self.weights, self.tokens)[0]
        losses, start = [], 0
        for q in self.heads:
            target = (x0 + x1 if q == p else x0 + x1 * p) % q
            losses.append(torch.nn.functional.cross_entropy(logits[:, start : start + q], target))
            start += q
        return torch.stack(losses)

    def norms(self):
        """The gradients' L2 norms, in order of the weights' names."""
        return torch.stack([self.weights[name].grad.norm() for name in sorted(self.weights)])

    def run(self):
        """Takes the steps. After each gradient: the step's number, the losses before it, the gradients' norms raw and filtered."""
        alpha, amplification, warmup = (self.config[key] for key in ("grokfast_alpha", "grokfast_lambda", "warmup"))
        for step in range(1, self.steps + 1):
            for group in self.optimiser.param_groups:
                group["lr"] = self.config["lr"] * (min(step / warmup, 1) if warmup > 0 else 1)
            self.optimiser.zero_grad()
            losses = self.head_losses()
            (losses * self.scale).sum().backward()
            raw = self.norms()
            first = {name: weight.grad.clone() for name, weight in self.weights.items()} if step == 1 else {}
            with torch.no_grad():
                for name, weight in self.weights.items():
                    self.average[name] = alpha * self.average[name] + (1 - alpha) * weight.grad
                    weight.grad += amplification * self.average[name]
            yield losses.detach(), raw, self.norms(), first
            self.optimiser.step()

    def left(self, prefix=""):
        """Weights (their names after `prefix`), the moments of AdamW (`m/`, `v/`) and the averages of Grokfast (`ema/`)."""
        found = {}
        for name, weight in self.weights.items():
            state = self.optimiser.state[weight]
            found |= {
                f"{prefix}{name}": weight.detach(),
                f"m/{name}": state["exp_avg"],
                f"v/{name}": state["exp_avg_sq"],
                f"ema/{name}": self.average[name],
            }
        return found

"""A model of one's own, as one writes it in PyTorch: addition mod 31, trained until it groks.

Writes mine.pth, the samples it saw (mine.split.json), and what PyTorch measures on all of them (mine.json).
Notebook 4 takes it from there. Needs PyTorch; half a minute on a CPU.
"""

import json

import torch
from torch import nn

P, D, HEADS, HIDDEN = 31, 64, 4, 256


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(P + 1, D)  # the digits, and "="
        self.positions = nn.Parameter(torch.randn(3, D) / D**0.5)
        self.attn = nn.MultiheadAttention(D, HEADS, bias=False, batch_first=True)
        self.fc1 = nn.Linear(D, HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, D)
        self.head = nn.Linear(D, P, bias=False)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions
        x = x + self.attn(x, x, x, need_weights=False)[0]
        x = x + self.fc2(torch.relu(self.fc1(x)))
        return self.head(x[:, -1])


torch.manual_seed(1)
a, b = torch.meshgrid(torch.arange(P), torch.arange(P), indexing="ij")
a, b = a.flatten(), b.flatten()
tokens = torch.stack([a, b, torch.full_like(a, P)], dim=1)
answers = (a + b) % P
train = torch.randperm(P * P)[: int(0.8 * P * P)]
model = Model()
nn.init.normal_(model.tokens.weight, std=D**-0.5)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))
for epoch in range(1001):
    loss = nn.functional.cross_entropy(model(tokens[train]), answers[train])
    if epoch < 1000:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 250 == 0:
        with torch.no_grad():
            right = (model(tokens).argmax(1) == answers).double().mean().item()
        print(f"epoch {epoch}: training loss {loss.item():.3g}, accuracy on all samples {right:.4f}")
with torch.no_grad():
    final = nn.functional.cross_entropy(model.double()(tokens), answers)
torch.save({"model": model.float().state_dict(), "config": {"n_heads": HEADS, "activation": "relu"}}, "mine.pth")
with open("mine.split.json", "w") as file:
    json.dump(sorted(train.tolist()), file)
with open("mine.json", "w") as file:
    json.dump({"accuracy": right, "cross_entropy": final.item(), "torch": torch.__version__}, file)

"""The model of docs/peers.md in PyTorch, all three positions, nothing precomputed; weights under TransformerLens's names and shapes."""

import math

import torch

torch.set_num_threads(1)


def grid_tokens(p):
    """Every sample in grid order (row x0, column x1) with '=' = p behind it, [p*p, 3]."""
    index = torch.arange(p * p)
    return torch.stack([index // p, index % p, torch.full_like(index, p)], dim=1)


def forward(weights, tokens, causal=False):
    """Logits, attention from '=' and neurons after the ReLU, all at the last position."""

    def bias(name):
        return weights.get(name, 0.0)

    attn, mlp = "blocks.0.attn.", "blocks.0.mlp."
    x = weights["embed.W_E"][tokens] + weights["pos_embed.W_pos"]  # [batch, pos, d_model]

    def project(letter):
        return torch.einsum("bpd,hde->bphe", x, weights[f"{attn}W_{letter}"]) + bias(f"{attn}b_{letter}")  # [batch, pos, head, d_head]

    q, k, v = project("Q"), project("K"), project("V")
    scores = torch.einsum("bqhe,bkhe->bhqk", q, k) / math.sqrt(q.shape[-1])  # [batch, head, query, key]
    if causal:
        n = tokens.shape[1]
        scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -math.inf)
    pattern = scores.softmax(dim=-1)  # [batch, head, query, key]
    z = torch.einsum("bhqk,bkhe->bqhe", pattern, v)  # [batch, pos, head, d_head]
    resid_mid = x + torch.einsum("bqhe,hed->bqd", z, weights[f"{attn}W_O"]) + bias(f"{attn}b_O")  # [batch, pos, d_model]
    post = torch.relu(resid_mid @ weights[f"{mlp}W_in"] + bias(f"{mlp}b_in"))  # [batch, pos, d_mlp]
    resid_post = resid_mid + post @ weights[f"{mlp}W_out"] + bias(f"{mlp}b_out")  # [batch, pos, d_model]
    logits = resid_post @ weights["unembed.W_U"] + bias("unembed.b_U")  # [batch, pos, classes]
    return logits[:, -1], pattern[:, :, -1], post[:, -1]


def over_grid(weights, p, causal=False, batch=4096):
    """`forward` over all p*p samples, a few thousand at a time, without gradients."""
    with torch.no_grad():
        parts = [forward(weights, tokens, causal) for tokens in grid_tokens(p).split(batch)]
    return [torch.cat(part) for part in zip(*parts)]


def in_float64(arrays):
    return {name: torch.from_numpy(array).double() for name, array in arrays.items()}

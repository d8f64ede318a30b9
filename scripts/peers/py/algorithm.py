"""What each neuron computes and whether that closed form is the model, written from the definitions alone, in float64.

Nothing here is taken from the TypeScript side: the model's forward pass is written out over all p * p samples, every fit is a least-squares
problem for `numpy.linalg.lstsq`, and every rung of the ladder is its logits in full.
"""

import itertools

import numpy as np
from exchange import answer, question

arguments, arrays = question()
out = {}


def forward(w, p):
    """Residual stream before the MLP and pre-activations at the last position, [p * p, .]; sample x0 * p + x1."""
    x0, x1 = np.divmod(np.arange(p * p), p)
    tokens = np.stack([x0, x1, np.full(p * p, p)], axis=1)  # [batch, pos]
    z = w["embed.W_E"][tokens] + w["pos_embed.W_pos"]  # [batch, pos, d_model]
    W_Q, W_K, W_V, W_O = (w[f"blocks.0.attn.W_{name}"] for name in "QKVO")
    middle = z[:, -1].copy()  # [batch, d_model]
    for head in range(len(W_Q)):
        scores = np.einsum("bd,bpd->bp", z[:, -1] @ W_Q[head], z @ W_K[head]) / np.sqrt(W_Q.shape[2])
        pattern = np.exp(scores - scores.max(axis=1, keepdims=True))
        pattern /= pattern.sum(axis=1, keepdims=True)  # [batch, pos]
        middle += np.einsum("bp,bpd->bd", pattern, z @ W_V[head]) @ W_O[head]
    return middle, middle @ w["blocks.0.mlp.W_in"]


def waves(k, m, c, p):
    """cos and sin of 2 pi k c x / m over the p tokens; m = 2 has a cosine alone."""
    angle = 2 * np.pi * k * c * np.arange(p) / m
    return np.stack([np.cos(angle)] if m == 2 else [np.cos(angle), np.sin(angle)], axis=1)


def fit(columns, values):
    """Least squares on centred columns: coefficients [columns, neurons] and the explained sum of squares [neurons]."""
    centred = columns - columns.mean(axis=0)
    coefficients = np.linalg.lstsq(centred, values, rcond=None)[0]
    return coefficients, ((centred @ coefficients) ** 2).sum(axis=0)


def harmonic(coefficients):
    """Amplitude and phase of a cos + b sin = A cos(angle + phi)."""
    a, b = coefficients[0], coefficients[1] if len(coefficients) > 1 else np.zeros_like(coefficients[0])
    return np.hypot(a, b), np.arctan2(-b, a)


def double_centred(logits, p):
    grid = logits.reshape(p, p, -1)
    return (grid - grid.mean(axis=0, keepdims=True) - grid.mean(axis=1, keepdims=True) + grid.mean(axis=(0, 1))).reshape(logits.shape)


def scores(logits, targets):
    """Accuracy and mean cross-entropy of one task, exact where the target leads by far: log1p of what the others are to it."""
    every = np.arange(len(targets))
    gaps = logits - logits[every, targets][:, None]
    gaps[every, targets] = -np.inf
    lead = np.maximum(gaps.max(axis=1), 0)
    loss = lead + np.log1p(np.exp(gaps - lead[:, None]).sum(axis=1) + np.expm1(-lead))
    return (logits.argmax(axis=1) == targets).mean(), loss.mean()


def neurons_of(name, u, p, moduli, digits):
    """The closed form of every neuron; all results under `name`."""
    grid = u.reshape(p, p, -1)
    mu = grid.mean(axis=(0, 1))
    f, g = grid.mean(axis=1) - mu, grid.mean(axis=0) - mu  # [p, neurons]
    total = (f**2).sum(axis=0) + (g**2).sum(axis=0)
    # A neuron that is constant over the samples has no wave: its shares are 0.
    live = u.var(axis=0) > 0
    total = np.where(live, total, np.inf)
    fits = {}
    for m, (c0, c1) in zip(moduli, digits):
        for k in range(1, max(2, (m - 1) // 2 + 1)):
            fits[m, k] = fit(waves(k, m, c0, p), f), fit(waves(k, m, c1, p), g)
    pairs = list(fits)
    shares = np.stack([(fits[pair][0][1] + fits[pair][1][1]) / total for pair in pairs])  # [pairs, neurons]
    best = shares.argmax(axis=0)
    # x0 at one frequency and x1 at another of the modulus that the neuron has.
    crossed, modulus = np.zeros_like(total), np.array([pairs[i][0] for i in best])
    for (m, k), (n, other) in itertools.product(pairs, pairs):
        if m == n and k != other:
            shared = (fits[m, k][0][1] + fits[m, other][1][1]) / total
            crossed = np.where(modulus == m, np.maximum(crossed, shared), crossed)
    line = [fit(waves(k, p, 1, p), f)[1] + fit(waves(k, p, 1, p), g)[1] for k in range(1, (p - 1) // 2 + 1)]
    every = np.arange(len(total))
    A, phi0 = (np.stack([harmonic(fits[pair][0][0]) for pair in pairs])[best, i, every] for i in (0, 1))
    B, phi1 = (np.stack([harmonic(fits[pair][1][0]) for pair in pairs])[best, i, every] for i in (0, 1))
    closed = np.empty_like(u)
    for j, index in enumerate(best):
        m, k = pairs[index]
        (low, _), (high, _) = fits[pairs[index]]
        c0, c1 = digits[list(moduli).index(m)]
        parts = [waves(k, m, c, p) for c in (c0, c1)]
        parts = [part - part.mean(axis=0) for part in parts]
        closed[:, j] = (mu[j] + (parts[0] @ low[:, j])[:, None] + (parts[1] @ high[:, j])[None, :]).reshape(-1)
    out[f"{name}/additive_share"] = np.array([((f**2).mean(axis=0) + (g**2).mean(axis=0)).sum() / u.var(axis=0).sum()])
    out[f"{name}/m"], out[f"{name}/k"] = (live * np.array([pairs[i][part] for i in best], dtype=np.float64) for part in (0, 1))
    out[f"{name}/R2"], out[f"{name}/crossed_R2"] = shares.max(axis=0), crossed
    out[f"{name}/grid_R2"] = np.stack(line).max(axis=0) / total
    for key, values in {"A": A, "B": B, "phi0": phi0, "phi1": phi1}.items():
        out[f"{name}/{key}"] = np.where(live, values, 0)
    out[f"{name}/mu"] = mu
    return [pairs[i] if live[j] else None for j, i in enumerate(best)], closed, phi0 + phi1


def read_outs(name, C, u, chosen, sums, moduli, starts):
    """What each neuron writes to the logits: `own_share`, `output_k`, `phase_error`, and its row projected on its own frequency."""
    written, ideal = np.zeros_like(C), np.zeros_like(C)
    own, output_k, error = [], [], []
    spread = np.abs(u).var(axis=0)
    energies = np.stack([
        ((C[:, s : s + m] - C[:, s : s + m].mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for m, s in zip(moduli, starts)
    ])  # [tasks, neurons]
    for j, pair in enumerate(chosen):
        if pair is None:
            for values in (own, output_k, error):
                values.append(0)
            continue
        m, k = pair
        start = starts[list(moduli).index(m)]
        row = C[j, start : start + m] - C[j, start : start + m].mean()
        own.append(energies[list(moduli).index(m), j] / energies[:, j].sum())
        bins = np.abs(np.fft.rfft(row))[1:]
        output_k.append(bins.argmax() + 1)
        angle = 2 * np.pi * k * np.arange(m) / m
        columns = np.stack([np.cos(angle)] if m == 2 else [np.cos(angle), np.sin(angle)], axis=1)
        coefficients = np.linalg.lstsq(columns, row, rcond=None)[0]
        r, psi = harmonic(coefficients[:, None])
        error.append(np.angle(np.exp(1j * (psi[0] - sums[j]))))
        written[j, start : start + m] = columns @ coefficients
        ideal[j, start : start + m] = r[0] * np.cos(angle + sums[j])
    out[f"{name}/own_share"], out[f"{name}/output_k"] = np.array(own), np.array(output_k, dtype=np.float64)
    out[f"{name}/phase_error"] = np.array(error)
    out[f"{name}/own_share_total"] = np.array([(np.array(own) * energies.sum(axis=0) * spread).sum() / (energies.sum(axis=0) * spread).sum()])
    return written, ideal


def within_tasks(logits, moduli, starts):
    """Centred over samples and, within each task, over classes."""
    centred = logits - logits.mean(axis=0)
    for m, s in zip(moduli, starts):
        centred[:, s : s + m] -= centred[:, s : s + m].mean(axis=1, keepdims=True)
    return centred


def ladder(name, w, p, moduli, digits, starts, shuffled):
    x0, x1 = np.divmod(np.arange(p * p), p)
    targets = [(c0 * x0 + c1 * x1) % m for m, (c0, c1) in zip(moduli, digits)]
    if shuffled is not None:
        targets = shuffled.astype(int)  # [tasks, batch]
    middle, u = forward(w, p)
    W_U = w["unembed.W_U"]
    C = w["blocks.0.mlp.W_out"] @ W_U  # [d_mlp, logits]
    chosen, closed, sums = neurons_of(name, u, p, moduli, digits)
    written, ideal = read_outs(name, C, u, chosen, sums, moduli, starts)
    skip, half = middle @ W_U, u @ C / 2
    even = np.abs(u) @ C / 2
    model = skip + half + even
    hat = np.maximum(closed, 0)
    rungs = {
        "model": model,
        "interaction": double_centred(model, p),
        "linear": skip + half,
        "even": even,
        "u_hat": np.abs(closed) @ C / 2,
        "u_hat_relu": skip + hat @ C,
        "circuit": double_centred(hat @ written, p),
        "ideal": double_centred(hat @ ideal, p),
    }
    for rung, logits in rungs.items():
        found = [scores(logits[:, s : s + m], target) for m, s, target in zip(moduli, starts, targets)]
        out[f"{name}/{rung}/accuracy"], out[f"{name}/{rung}/loss"] = (np.array(values) for values in zip(*found))
    a, b = within_tasks(skip, moduli, starts), within_tasks(half, moduli, starts)
    length = np.sqrt((a**2).sum() * (b**2).sum())
    out[f"{name}/skip_cosine"] = np.array([(a * b).sum() / length if length > 0 else 0.0])


for model in arguments["models"]:
    prefix = f"{model['name']}/"
    shuffled = arrays.pop(f"{prefix}targets", None)
    weights = {key[len(prefix) :]: array.astype(np.float64) for key, array in arrays.items() if key.startswith(prefix)}
    ladder(model["name"], weights, *(model[key] for key in ("p", "moduli", "digits", "starts")), shuffled)
answer(out)

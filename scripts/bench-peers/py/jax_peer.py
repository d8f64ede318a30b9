"""The training step in JAX: value_and_grad, AdamW by hand over the tree of weights; one epoch a call, or many in a scan."""

import os

from protocol import serve, tokens_and_targets


def build(question):
    # Other processes measure on the same device.
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    import functools
    import math

    import jax
    import jax.numpy as jnp
    import numpy as np

    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if question["precision"] == "tf32" else "highest")
    config, heads = question["config"], question["heads"]
    scanned = question["variant"] == "scan"
    file = np.load(question["weights"])
    initial = {name.split(".")[-1]: file[name] for name in file.files}
    tokens, targets = tokens_and_targets(config, heads, question["samples"])
    tokens, targets = jnp.array(tokens), jnp.array(targets)  # [batch, 3], [heads, batch]
    head_weights = jnp.array(question["headWeights"], dtype=jnp.float32)  # [heads]
    edges = np.cumsum(heads)[:-1].tolist()
    width = config["d_model"]
    last_only = question["positions"] == "last"

    def forward(weights, masks):
        x = weights["W_E"][tokens] + weights["W_pos"]  # [batch, pos, d_model]
        stream = x[:, -1:] if last_only else x  # [batch, query, d_model]
        q = jnp.einsum("bqd,hde->bqhe", stream, weights["W_Q"])  # [batch, query, head, d_head]
        k = jnp.einsum("bkd,hde->bkhe", x, weights["W_K"])  # [batch, key, head, d_head]
        v = jnp.einsum("bkd,hde->bkhe", x, weights["W_V"])  # [batch, key, head, d_head]
        if last_only:
            # One query: products of matrices with one row are better left to the compiler as sums.
            scores = (q * k).sum(-1, keepdims=True) / math.sqrt(q.shape[-1])  # [batch, key, head, 1]
            z = (jax.nn.softmax(scores, axis=1) * v).sum(1, keepdims=True)  # [batch, 1, head, d_head]
        else:
            scores = jnp.einsum("bqhe,bkhe->bhqk", q, k) / math.sqrt(q.shape[-1])  # [batch, head, query, key]
            z = jnp.einsum("bhqk,bkhe->bqhe", jax.nn.softmax(scores), v)  # [batch, query, head, d_head]
        stream = stream + jnp.einsum("bqhe,hed->bqd", z, weights["W_O"])  # [batch, query, d_model]
        if masks is not None:
            stream = stream * masks[0]
        stream = stream + jax.nn.relu(stream @ weights["W_in"]) @ weights["W_out"]  # [batch, query, d_model]
        if masks is not None:
            stream = stream * masks[1]
        return stream[:, -1] @ weights["W_U"]  # [batch, classes]

    def objective(weights, masks):
        parts = jnp.split(forward(weights, masks), edges, axis=1)
        chosen = [jnp.take_along_axis(jax.nn.log_softmax(part), target[:, None], axis=1) for part, target in zip(parts, targets)]
        loss = -jnp.stack([value.mean() for value in chosen])  # [heads]
        return (loss * head_weights).sum(), loss

    tree = jax.tree.map
    beta1, beta2 = config["beta1"], config["beta2"]
    alpha, amplification = config["grokfast_alpha"], config["grokfast_lambda"]

    def epoch(state, rate):
        masks = None
        if config["dropout"] > 0:
            kept = jax.random.bernoulli(jax.random.fold_in(jax.random.key(0), state["step"]), 1 - rate, (2, width))
            masks = kept / (1 - rate)  # [2, d_model]
        weights, step = state["weights"], state["step"] + 1
        (_, loss), gradients = jax.value_and_grad(objective, has_aux=True)(weights, masks)
        averages = state["averages"]
        if amplification != 0:
            averages = tree(lambda e, g: alpha * e + (1 - alpha) * g, averages, gradients)
            gradients = tree(lambda g, e: g + amplification * e, gradients, averages)
        m = tree(lambda m, g: beta1 * m + (1 - beta1) * g, state["m"], gradients)
        v = tree(lambda v, g: beta2 * v + (1 - beta2) * g * g, state["v"], gradients)
        correct1, correct2 = 1 / (1 - beta1**step), 1 / (1 - beta2**step)

        def update(weight, m, v):
            direction = m * correct1 / (jnp.sqrt(v * correct2) + config["eps"])
            return weight - config["lr"] * (direction + config["weight_decay"] * weight)

        return {"weights": tree(update, weights, m, v), "m": m, "v": v, "averages": averages, "step": step}, loss

    @functools.partial(jax.jit, static_argnums=2, donate_argnums=0)
    def many(state, rate, epochs):
        return jax.lax.scan(lambda state, _: epoch(state, rate), state, length=epochs)

    once = jax.jit(epoch, donate_argnums=0)

    def start():
        # Donated buffers are lost: every restart makes its own.
        weights = tree(jnp.array, initial)
        zeros = lambda: tree(jnp.zeros_like, weights)
        averages = zeros() if amplification != 0 else {}
        return {"weights": weights, "m": zeros(), "v": zeros(), "averages": averages, "step": jnp.zeros((), jnp.int32)}

    held = {"state": start()}

    def train(epochs, rate):
        rate = jnp.float32(rate)
        if scanned:
            held["state"], losses = many(held["state"], rate, epochs)
        else:
            losses = []
            for _ in range(epochs):
                held["state"], loss = once(held["state"], rate)
                losses.append(loss)
        jax.block_until_ready(held["state"])
        return losses

    def losses(epochs):
        held["state"] = start()
        return [np.asarray(loss).tolist() for loss in train(epochs, 0)]

    device = jax.devices()[0]
    cuda = device.platform in ("gpu", "cuda")
    where = device.device_kind if cuda else f"CPU, {question['threads']} threads"
    return {"version": f"jax {jax.__version__}", "device": where, "cuda": cuda}, losses, lambda epochs: train(epochs, config["dropout"])


serve(build)

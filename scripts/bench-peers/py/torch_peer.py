"""The training step in PyTorch: modules, autograd, torch.optim.AdamW; eager, compiled, or compiled and captured in a CUDA graph."""

from protocol import serve, tokens_and_targets


def build(question):
    import math

    import numpy as np
    import torch
    import torch.nn.functional as F

    config, heads, variant = question["config"], question["heads"], question["variant"]
    torch.set_num_threads(question["threads"])
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    cuda = device.type == "cuda"
    # cuBLAS and the compiler's own products alike.
    torch.set_float32_matmul_precision("high" if question["precision"] == "tf32" else "highest")
    initial = np.load(question["weights"])
    tokens, targets = tokens_and_targets(config, heads, question["samples"])
    tokens = torch.tensor(tokens, device=device)  # [batch, 3]
    targets = torch.tensor(targets, device=device)  # [heads, batch]
    head_weights = torch.tensor(question["headWeights"], dtype=torch.float32, device=device)  # [heads]
    rate, width = config["dropout"], config["d_model"]
    last_only = question["positions"] == "last"

    class Transformer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name in initial.files:
                self.register_parameter(name.split(".")[-1], torch.nn.Parameter(torch.from_numpy(initial[name]).to(device)))

        def forward(self, tokens, mask_mid, mask_post):
            x = self.W_E[tokens] + self.W_pos  # [batch, pos, d_model]
            stream = x[:, -1:] if last_only else x  # [batch, query, d_model]
            q = torch.einsum("bqd,hde->bqhe", stream, self.W_Q)  # [batch, query, head, d_head]
            k = torch.einsum("bkd,hde->bkhe", x, self.W_K)  # [batch, key, head, d_head]
            v = torch.einsum("bkd,hde->bkhe", x, self.W_V)  # [batch, key, head, d_head]
            if last_only:
                # One query: products of matrices with one row are better left to the compiler as sums.
                scores = (q * k).sum(-1, keepdim=True) / math.sqrt(q.shape[-1])  # [batch, key, head, 1]
                z = (scores.softmax(dim=1) * v).sum(1, keepdim=True)  # [batch, 1, head, d_head]
            else:
                scores = torch.einsum("bqhe,bkhe->bhqk", q, k) / math.sqrt(q.shape[-1])  # [batch, head, query, key]
                z = torch.einsum("bhqk,bkhe->bqhe", scores.softmax(dim=-1), v)  # [batch, query, head, d_head]
            stream = stream + torch.einsum("bqhe,hed->bqd", z, self.W_O)  # [batch, query, d_model]
            if mask_mid is not None:
                stream = stream * mask_mid
            stream = stream + F.relu(stream @ self.W_in) @ self.W_out  # [batch, query, d_model]
            if mask_post is not None:
                stream = stream * mask_post
            return stream[:, -1] @ self.W_U  # [batch, classes]

    model = Transformer()

    def loss_per_head(mask_mid, mask_post):
        logits = model(tokens, mask_mid, mask_post).split(heads, dim=1)
        return torch.stack([F.cross_entropy(part, target) for part, target in zip(logits, targets)])  # [heads]

    parameters = list(model.parameters())
    graph = variant == "graph"
    optimiser = torch.optim.AdamW(
        parameters,
        lr=torch.tensor(config["lr"], device=device) if graph else config["lr"],
        betas=(config["beta1"], config["beta2"]),
        eps=config["eps"],
        weight_decay=config["weight_decay"],
        fused=True,
        capturable=graph,
    )
    averages = [torch.zeros_like(parameter) for parameter in parameters]
    alpha, amplification = config["grokfast_alpha"], config["grokfast_lambda"]
    compiled_loss = loss_per_head if variant == "eager" else torch.compile(loss_per_head)

    def grokfast(gradients):
        torch._foreach_lerp_(averages, gradients, 1 - alpha)
        torch._foreach_add_(gradients, averages, alpha=amplification)

    def step(mask_mid, mask_post):
        # A captured step must find its gradients where it left them.
        optimiser.zero_grad(set_to_none=not graph)
        loss = compiled_loss(mask_mid, mask_post)
        (loss * head_weights).sum().backward()
        if amplification != 0:
            grokfast([parameter.grad for parameter in parameters])
        optimiser.step()
        return loss.detach()

    def masks(on):
        if rate == 0:
            return None, None
        ones = torch.ones(width, device=device)
        return (F.dropout(ones, rate), F.dropout(ones, rate)) if on else (ones, ones.clone())

    def capture():
        """The whole step with both masks drawn outside, replayed by one call."""
        static = masks(False)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step(*static)
        torch.cuda.current_stream().wait_stream(stream)
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            loss = step(*static)

        def replay(mask_mid, mask_post):
            if mask_mid is not None:
                static[0].copy_(mask_mid)
                static[1].copy_(mask_post)
            captured.replay()
            return loss

        return replay

    run = step
    if graph:
        if not cuda:
            raise SystemExit("a CUDA graph needs CUDA")
        run = capture()

    def restart():
        """Weights, moments and averages as before the first step, in place."""
        with torch.no_grad():
            for name, parameter in zip(initial.files, parameters):
                parameter.copy_(torch.from_numpy(initial[name]))
            for average in averages:
                average.zero_()
            for state in optimiser.state.values():
                for value in state.values():
                    value.zero_()

    def finish():
        if cuda:
            torch.cuda.synchronize()

    def losses(epochs):
        restart()
        return [run(*masks(False)).cpu().tolist() for _ in range(epochs)]

    def block(epochs):
        for _ in range(epochs):
            run(*masks(True))
        finish()

    where = torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads"
    return {"version": f"torch {torch.__version__}", "device": where, "cuda": cuda}, losses, block


serve(build)

"""TransformerLens 4's native model, loaded strictly from exports; its state dicts, under the bridge's names and the model's own, saved."""

import json
import warnings

import torch
from exchange import answer, question
from recorded import over_grid
from safetensors.torch import load_file, save_file

warnings.filterwarnings("ignore")
from transformer_lens.config import TransformerBridgeConfig  # noqa: E402
from transformer_lens.model_bridge import TransformerBridge  # noqa: E402
from transformer_lens.model_bridge.sources import native  # noqa: E402, F401
from transformer_lens.utilities.tl_checkpoint_conversion import convert_tl_checkpoint  # noqa: E402

HOOKS = {"pattern": "blocks.0.attn.hook_pattern", "post": "blocks.0.mlp.out.hook_in"}
out, unknown = {}, {}

arguments, _ = question()
for key, export in arguments.items():
    with open(export["config"]) as file:
        stored = json.load(file)
    for direction in ("causal", "bidirectional"):
        config = TransformerBridgeConfig.from_dict(stored | {"attention_dir": direction, "device": "cpu"})
        bridge = TransformerBridge.boot_native(config)
        bridge.load_state_dict(convert_tl_checkpoint(load_file(export["weights"]), config), strict=True)
        if direction == "causal":
            states = {"bridge": bridge.state_dict(), "wrapped": bridge.original_model.state_dict()}
            plain = native.NativeModel(config)
            # The bridge wraps the parts of its model, each of which then has two names more; by itself the model has none of them.
            own = {name.replace("_original_component.", ""): tensor for name, tensor in states["wrapped"].items()}
            unused = plain.load_state_dict(own, strict=False).missing_keys
            states["native"] = plain.state_dict()
            unknown[key] = list(unused)
            for kind, state in states.items():
                torch.save(state, f"{export['state']}.{kind}.pth")
            copies = {name: tensor.contiguous().clone() for name, tensor in states["bridge"].items()}
            save_file(copies, f"{export['state']}.bridge.safetensors")
        for dtype in ("float32", "float64"):
            model = bridge.to(getattr(torch, dtype)).eval()
            for name, array in over_grid(model, export["p"], HOOKS).items():
                out[f"{key}/{dtype}/{direction}/{name}"] = array
answer(out, unknown)

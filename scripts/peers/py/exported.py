"""Our exports read by Python's own libraries: the tensors as stored, and the logits over the grid."""

import numpy as np
from exchange import answer, question
from plain_model import grid_tokens, in_float64, over_grid
from safetensors.numpy import load_file


def onnx_logits(path, p):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"tokens": grid_tokens(p).numpy().astype(np.int64)})[0]


def stored_arrays(path):
    if path.endswith(".safetensors"):
        return load_file(path)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


arguments, _ = question()
out = {}
for key, export in arguments.items():
    path, p = export["path"], export["p"]
    if path.endswith(".onnx"):
        out[f"{key}/logits"] = onnx_logits(path, p)
    else:
        arrays = stored_arrays(path)
        out |= {f"{key}/tensor/{name}": array for name, array in arrays.items()}
        out[f"{key}/logits"] = over_grid(in_float64(arrays), p)[0].numpy()
answer(out)

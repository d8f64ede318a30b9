"""Questions from the TypeScript side and answers to it: `in.safetensors`, `in.json`, `out.safetensors`, `out.json` of one folder."""

import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

FOLDER = pathlib.Path(sys.argv[1])


def question():
    """The arguments and the arrays by name, writable."""
    arguments = json.loads((FOLDER / "in.json").read_text())
    arrays = {name: np.array(array) for name, array in load_file(FOLDER / "in.safetensors").items()}
    return arguments, arrays


def answer(arrays, values=None):
    """Arrays by name, kept in float32, float64 or int32, and plain values."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, FOLDER / "out.safetensors")
    (FOLDER / "out.json").write_text(json.dumps(values or {}))

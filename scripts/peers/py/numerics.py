"""NumPy's and SciPy's transforms and singular values of the given arrays."""

import numpy as np
import scipy.fft
import scipy.linalg
from exchange import answer, question

arguments, arrays = question()
out = {}


def split(name, values):
    out[f"{name}/re"], out[f"{name}/im"] = values.real.astype(np.float64), values.imag.astype(np.float64)


for n in arguments["lengths"]:
    z = arrays[f"dft/{n}/re"] + 1j * arrays[f"dft/{n}/im"]
    split(f"numpy/dft/{n}", np.fft.fft(z))
    split(f"scipy/dft/{n}", scipy.fft.fft(z))
for n in arguments["real"]:
    split(f"numpy/rfft/{n}", np.fft.rfft(arrays[f"dft/{n}/re"]))
for name in arguments["grids"]:
    grid = arrays[f"grid/{name}"]
    split(f"numpy/rfft2/{name}", np.fft.rfft2(grid))
    split(f"scipy/rfft2/{name}", scipy.fft.rfft2(grid))
    split(f"numpy/fft2/{name}", np.fft.fft2(grid))
    out[f"numpy/fftshift/{name}"] = np.fft.fftshift(grid)
for name in arguments["matrices"]:
    matrix = arrays[f"matrix/{name}"]
    left, singular_values, right = np.linalg.svd(matrix, full_matrices=False)
    # The sign that makes the left vector's entry of largest magnitude positive.
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    count = arguments["vectors"]
    out[f"numpy/singular_values/{name}"] = singular_values
    out[f"scipy/singular_values/{name}"] = scipy.linalg.svdvals(matrix, check_finite=True)
    out[f"numpy/U/{name}"] = (left * signs)[:, :count]
    out[f"numpy/V/{name}"] = (right.T * signs)[:, :count]
answer(out)

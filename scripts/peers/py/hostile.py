"""PyTorch archives whose pickle calls os.system, exec or a deep import when it is executed; each call leaves a mark."""

import builtins
import os
import pathlib
import pickle
import zipfile

import torch
from exchange import answer, question

arguments, arrays = question()
folder = pathlib.Path(arguments["folder"])
state = {name: torch.from_numpy(array) for name, array in arrays.items()}


def calling(function, *given):
    """An object whose unpickling calls the function."""

    class Call:
        def __reduce__(self):
            return function, given

    return Call()


def mark(name):
    return str(folder / f"{name}.mark")


def system(name):
    return calling(os.system, f'echo > "{mark(name)}"')


torch.save({"model": state, "note": system("beside.pth")}, folder / "beside.pth")
torch.save(state | {"embed.W_E": system("instead.pth")}, folder / "instead.pth")
code = f"open({mark('exec.pth')!r}, 'w').close()"
torch.save({"model": state, "note": calling(builtins.exec, code)}, folder / "exec.pth")
with open(folder / "bare.pkl", "wb") as file:
    pickle.dump({"model": system("bare.pkl")}, file)
with zipfile.ZipFile(folder / "alone.pth", "w") as archive:
    archive.writestr("archive/data.pkl", pickle.dumps(system("alone.pth"), protocol=2))

files = ["beside.pth", "instead.pth", "exec.pth", "bare.pkl", "alone.pth"]
executed = {}
for name in files:
    # What Python itself does with the file, so that the check can tell a harmless file from a reader that executes nothing.
    try:
        if name == "alone.pth":
            pickle.loads(zipfile.ZipFile(folder / name).read("archive/data.pkl"))
        elif name == "bare.pkl":
            pickle.loads((folder / name).read_bytes())
        else:
            torch.load(folder / name, weights_only=False)
    finally:
        path = pathlib.Path(mark(name))
        executed[name] = path.exists()
        path.unlink(missing_ok=True)
answer({}, {"files": files, "executed": executed})

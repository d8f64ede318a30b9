"""Executes one notebook: execute.py FILE OUT. What differs from one execution to the next (times, cell ids) does not reach OUT."""

import os
import sys
import warnings

warnings.filterwarnings("ignore")  # of Windows's event loop, once a notebook

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

path, out = sys.argv[1:]
book = nbformat.read(path, as_version=4)
client = NotebookClient(
    book,
    timeout=1200,
    startup_timeout=300,
    coalesce_streams=True,
    record_timing=False,
    resources={"metadata": {"path": os.path.dirname(path)}},
)
try:
    client.execute()
except CellExecutionError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
for number, cell in enumerate(book.cells):
    cell["id"] = f"cell-{number}"
    cell.metadata.pop("execution", None)
nbformat.validate(book)
nbformat.write(book, out)

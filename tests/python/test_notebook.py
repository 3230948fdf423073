"""In a real kernel of Jupyter: functions of cells, workers' output in them, interrupts."""

import queue
import threading

import pytest

manager = pytest.importorskip("jupyter_client.manager", reason="Jupyter is not installed")
pytest.importorskip("ipykernel", reason="Jupyter's kernel is not installed")

SECONDS = 60


class Notebook:
    def __init__(self):
        self.kernel, self.client = manager.start_new_kernel(kernel_name="python3")

    def run(self, code, interrupt_after=None):
        """What a cell gives: texts by stream, the value, the exception's name."""
        cell = self.client.execute(code)
        if interrupt_after is not None:
            threading.Timer(interrupt_after, self.kernel.interrupt_kernel).start()
        shown = {"stdout": "", "stderr": "", "value": None, "error": None}
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != cell:
                assert kind != "stream", f"output of no cell, or of another: {content}"
            elif kind == "stream":
                shown[content["name"]] += content["text"]
            elif kind == "execute_result":
                shown["value"] = content["data"]["text/plain"]
            elif kind == "error":
                shown["error"] = content["ename"]
            elif kind == "status" and content["execution_state"] == "idle":
                return shown

    def close(self):
        self.client.stop_channels()
        self.kernel.shutdown_kernel(now=False)


@pytest.fixture(scope="module")
def notebook():
    opened = Notebook()
    opened.run(
        "import time, numpy as np, gristmill as gm\n"
        "engine, executor = gm.Engine(2), gm.Executor(2)\n"
        "def scaled(rows):\n"
        "    print(len(rows), 'rows')\n"
        "    return rows * scale\n"
    )
    yield opened
    assert opened.run("engine.close(); executor.shutdown()")["error"] is None
    try:
        opened.close()
    except queue.Empty:
        pass


def test_functions_of_cells_see_what_later_cells_change(notebook):
    for scale in (3, 5):
        notebook.run(f"scale = {scale}")
        shown = notebook.run("engine.map_chunks(scaled, np.arange(4), chunk_size=2).tolist()")
        assert shown["value"] == str([scale * i for i in range(4)])


def test_what_workers_print_is_in_the_cell_that_they_work_for(notebook):
    notebook.run("scale = 1")
    shown = notebook.run("engine.map_chunks(scaled, np.arange(4), chunk_size=2).sum()")
    assert shown["stderr"].count("2 rows\n") == 2 and "worker" in shown["stderr"]
    shown = notebook.run("executor.submit(print, 'from a call').result()")
    assert shown["stderr"].endswith(": from a call\n") and shown["stdout"] == ""


@pytest.mark.parametrize(
    "code",
    [
        "engine.map_chunks(lambda rows: time.sleep(30) or rows, np.arange(4), dtype='i8')",
        "executor.submit(time.sleep, 5).result()",
    ],
)
def test_one_interrupt_ends_a_cell_and_the_next_one_works(notebook, code):
    assert notebook.run(code, interrupt_after=1)["error"] == "KeyboardInterrupt"
    assert notebook.run("executor.submit(pow, 2, 5).result()")["value"] == "32"
    assert notebook.run("engine.map_chunks(np.negative, np.arange(3)).sum()")["error"] is None


def test_an_exception_of_a_worker_is_that_of_the_cell(notebook):
    assert (
        notebook.run("engine.map_chunks(lambda rows: 1 / 0, np.arange(3))")["error"]
        == "FailedError"
    )
    assert notebook.run("executor.submit(divmod, 1, 0).result()")["error"] == "ZeroDivisionError"

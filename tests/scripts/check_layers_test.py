"""scripts/check-layers finds each kind of wrong arrow, and nothing in a right tree."""

import pathlib
import subprocess
import tempfile
import unittest

CHECK_LAYERS = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-layers"


def check(files):
    """Runs check-layers over a tree made of {name: text}; returns (exit code, what it printed)."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        done = subprocess.run(
            [CHECK_LAYERS, "--root", root], capture_output=True, text=True, check=False
        )
    return done.returncode, done.stdout


RIGHT = [
    ("include/gristmill/engine.h", "#include <gristmill/error.h>"),
    ("include/gristmill/kernel.hpp", "#include <Eigen/Core>"),
    ("ipc/ring.cc", '#include "ipc/ring.h"'),
    ("ipc/mapping.cc", "#include <boost/interprocess/mapped_region.hpp>"),
    ("ipc/codec.cc", "#include <msgpack.hpp>\nauto handle = msgpack::unpack(data, size);"),
    ("engine/pool.cc", '#include <gristmill/engine.h>\n#include "ipc/ring.h"\n#include <vector>'),
    ("workers/loop.cc", '#include "ipc/ring.h"\n#include "workers/host.h"'),
    ("workers/loop.cc", '/*\n#include "engine/pool.h"\n*/\n// #include "engine/pool.h"'),
    ("workers/loop.cc", '// of ipc/*.cc\n#include "workers/host.h"  // not engine/*.cc'),
    ("kernels/nearest.cc", "#include <gristmill/kernel.hpp>\n#include <Eigen/Core>"),
    ("cli/main.cc", "#include <CLI/CLI.hpp>\n#include <toml++/toml.h>\n#include <fmt/format.h>"),
    ("tests/unit/engine/pool_test.cc", '#include "engine/pool.h"\n#include "tests/support/x.h"'),
    ("bench/ring.cc", '#include "ipc/ring.h"\n#include <benchmark/benchmark.h>'),
    ("bench/peers.h", "#include <oneapi/tbb/parallel_for.h>"),
]

WRONG = [
    ("include/gristmill/engine.h", '#include "engine/pool.h"'),
    ("include/gristmill/engine.h", "#include <Eigen/Core>"),
    ("include/gristmill/engine.h", "#include <fmt/format.h>"),
    ("ipc/ring.cc", '#include "engine/pool.h"'),
    ("ipc/mapping.h", "#include <boost/interprocess/mapped_region.hpp>"),
    ("ipc/mapping.cc", "#include <boost/interprocess/sync/interprocess_mutex.hpp>"),
    ("ipc/mapping.cc", "#include <boost/interprocess/managed_shared_memory.hpp>"),
    ("ipc/ring.cc", "#include <msgpack.hpp>"),
    ("ipc/ring.cc", "auto handle = msgpack::unpack(data, size);"),
    ("engine/pool.cc", '#include "workers/loop.h"'),
    ("engine/pool.cc", '/* ipc/* */ #include "workers/loop.h" /* */'),
    ("engine/pool.cc", "#  include <boost/optional.hpp>"),
    ("engine/job.cc", "#include <nlohmann/json.hpp>"),
    ("engine/pool.cc", "#include <oneapi/tbb/parallel_for.h>"),
    ("engine/pool.cc", "#include <tbb/task_arena.h>"),
    ("engine/pool.cc", '#include "pool.h"'),
    ("engine/pool.cc", '#include "../ipc/ring.h"'),
    ("engine/pool.cc", "#include <ipc/ring.h>"),
    ("engine/pool.cc", '#include "gristmill/engine.h"'),
    ("workers/loop.cc", '#include "engine/pool.h"'),
    ("kernels/nearest.cc", '#include "ipc/ring.h"'),
    ("cli/main.cc", '#include "engine/pool.h"'),
    ("examples/places.cc", '#include "engine/pool.h"'),
    ("bench/ring.cc", '#include "tests/support/x.h"'),
    ("tests/unit/a_test.cc", "#include <boost/interprocess/ipc/message_queue.hpp>"),
    ("tests/unit/a_test.cc", "msgpack::unpack(data, size);"),
]


class CheckLayersTest(unittest.TestCase):
    """One tree per case, so that each wrong arrow is found on its own."""

    def test_right_arrows_pass(self):
        for name, text in RIGHT:
            with self.subTest(name=name, text=text):
                self.assertEqual(check({name: text})[0], 0)

    def test_each_wrong_arrow_is_found_with_its_file_and_line(self):
        for name, text in WRONG:
            with self.subTest(name=name, text=text):
                code, printed = check({name: "#include <vector>\n" + text})
                self.assertEqual(code, 1)
                self.assertTrue(printed.startswith(f"{name}:2: "), printed)
                self.assertEqual(printed.count("\n"), 1)

    def test_arrow_and_rule_are_named(self):
        _, printed = check({"engine/pool.cc": '#include "workers/loop.h"'})
        self.assertIn("engine -> workers", printed)
        self.assertIn("engine may include engine, include, ipc", printed)


if __name__ == "__main__":
    unittest.main()

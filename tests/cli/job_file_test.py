"""Job files: the same as the options, which override them."""

import json

from gristmill_cli import CliTest, main, npy_bytes, random_places, read_npy

JOB = """
kernel = "nearest"
chunk_size = 8
workers = 2

[inputs]
points = "places.npy"

[outputs]
distance = "km.npy"

[params]
metric = "euclidean"
"""


class JobFileTest(CliTest):
    def setUp(self):
        super().setUp()
        (self.folder / "jobs").mkdir()
        self.write_places("jobs/places.npy", 100)

    def plan(self, text, *flags):
        self.write("jobs/job.toml", text)
        done = self.succeed("run", "jobs/job.toml", "--dry-run", "--json", *flags)
        return json.loads(done.stdout)

    def refuse(self, text, *named):
        self.write("jobs/job.toml", text)
        done = self.run_cli("run", "jobs/job.toml")
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        for name in ('"jobs/job.toml"', *named):
            self.assertIn(name, done.stderr)

    def test_says_the_same_as_options(self):
        self.write("jobs/job.toml", JOB)
        self.succeed("run", "jobs/job.toml")
        self.succeed("run", "nearest", "--chunk-size", 8, "--workers", 2, "--input",
                     "jobs/places.npy", "--output", "distance=typed.npy", "--param",
                     "metric=euclidean")
        self.assertEqual(read_npy(self.folder / "jobs/km.npy"), read_npy(self.folder / "typed.npy"))

    def test_refuses_keys_of_too_many_parts(self):
        deep = ".".join(["a"] * 200_000)
        self.refuse(f"[{deep}]\n", "more than 8 dots")
        self.refuse(f"kernel = 'a'\n{deep} = 1\n", "more than 8 dots")
        self.refuse("a.b.c.'.'.\"=\\\"\".f.g.h.i . j = 1\n", "more than 8 dots")

    def test_a_date_with_a_bad_time_is_refused(self):
        self.refuse("a = 1979-05-27T$07:32:00\n", "line 1", "time")

    def test_refuses_other_than_ascii_outside_of_strings_and_comments(self):
        self.refuse("kernel = 'a'\na\u0494.b = 1\n", "line 2", "not ASCII")
        self.plan("# \u0494\n" + JOB)

    def test_an_error_has_no_control_characters(self):
        self.write("jobs/job.toml", 'kernel = "nearest"\nmemory = "\\u001b[31mred"\n')
        done = self.run_cli("run", "jobs/job.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("red", done.stderr)
        self.assertNotIn("\x1b", done.stderr)

    def test_dots_in_values_and_comments_are_no_parts(self):
        self.plan("# .........\n" + JOB.replace('"places.npy"', "'../jobs/./././././././places.npy'"))

    def test_options_override(self):
        plan = self.plan(JOB)
        self.assertEqual(plan["chunks"]["items"], 8)
        self.assertEqual(plan["workers"], 2)
        self.assertEqual([output["path"] for output in plan["outputs"]], ["jobs/km.npy"])
        self.write_places("few.npy", 9)
        plan = self.plan(JOB, "--chunk-size", 3, "--workers", 1, "--input", "few.npy",
                         "--output", "distance=here.npy", "--param", "metric=haversine")
        self.assertEqual(plan["items"], 9)
        self.assertEqual(plan["chunks"]["items"], 3)
        self.assertEqual(plan["workers"], 1)
        self.assertEqual([output["path"] for output in plan["outputs"]], ["here.npy"])

    def test_memory_keys(self):
        limited = JOB.replace("workers = 2", 'workers = 2\nmemory = "1GiB"\ncache = 0\nin_memory = true')
        self.assertEqual(self.plan(limited)["bytes"]["copied"], 1600)
        self.assertEqual(self.plan(JOB)["bytes"]["copied"], 0)
        for line, named in (
            ("memory = 0", '"0"'),
            ('memory = "much"', '"much"'),
            ("memory = 1.5", '"memory" is not a whole number or a string'),
            ("cache = -1", '"-1"'),
            ("in_memory = 1", '"in_memory" is not true or false'),
            ("memry = 1", '"memory"'),
        ):
            with self.subTest(line):
                self.refuse(f"{line}\n{JOB}", "line 1", named)
        self.write("jobs/job.toml", 'memory = 1000\n' + JOB.replace("[outputs]\ndistance = \"km.npy\"", ""))
        done = self.run_cli("run", "jobs/job.toml")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.succeed("run", "jobs/job.toml", "--memory", "64MiB")

    def test_options_add(self):
        plan = self.plan(JOB, "--output", "index=i.npy", "--input", "targets=jobs/places.npy")
        self.assertEqual({output["name"] for output in plan["outputs"]}, {"distance", "index"})
        self.assertEqual(plan["bytes"]["mapped"], 2 * 1600)

    def test_raw_input(self):
        self.write("jobs/raw.bin", npy_bytes(random_places(50), (50, 2))[-800:])
        for shape in ("[49, 2]", '"49x2"'):
            plan = self.plan(f"""
                kernel = "nearest"
                [inputs.points]
                path = "raw.bin"
                dtype = "float64"
                shape = {shape}
                offset = 16
                """)
            self.assertEqual(plan["items"], 49)

    def test_chunk_size_forms(self):
        job = 'kernel = "nearest"\nchunk_size = {}\ninputs.points = "places.npy"\n'
        for value in ('"auto"', "5", '"5"', '"1KiB"'):
            self.plan(job.format(value))
        for value in ("0", "-5", '"many"', "1.5", "true"):
            self.refuse(job.format(value), "chunk", "line 2")

    def test_mistakes_are_named_with_their_line(self):
        self.refuse("kernel = ", "line 1")
        self.refuse('chunk_size = 5\n', "kernel")
        self.refuse('kernel = "nearest"\nchunksize = 5\n', "line 2", '"chunksize"', '"chunk_size"')
        self.refuse('kernel = 5\n', "line 1", '"kernel"')
        self.refuse('kernel = "nearest"\nworkers = 0\n', "line 2", "workers")
        self.refuse('kernel = "nearest"\nworkers = true\n', "line 2", "workers")
        self.refuse('kernel = "nearest"\ninputs = "a.npy"\n', "line 2", '"inputs"')
        self.refuse('kernel = "nearest"\n[inputs]\npoints = 5\n', "line 3", '"points"')
        self.refuse('kernel = "nearest"\n[inputs]\npoints = {path="a", dtyp="int8"}\n',
                    "line 3", '"dtyp"', '"dtype"')
        self.refuse('kernel = "nearest"\n[inputs]\npoints = {dtype="int8", shape=[1]}\n', "path")
        self.refuse('kernel = "nearest"\n[inputs]\npoints = {path="a", dtype="int8"}\n', "shape")
        self.refuse('kernel = "nearest"\n[inputs]\npoints = {path="a", dtype="int7", shape=[1]}\n',
                    "line 3", '"int7"', '"int8"')
        self.refuse('kernel = "nearest"\n[params]\nmetric = 1979-05-27\n', "line 3", '"metric"')
        job = 'kernel = "describe"\n[inputs]\nrows = "places.npy"\n[params]\n'
        self.write_places("places.npy", 3)
        self.refuse(job + 'ddof = "one"\n', "line 5, column 8", '"ddof"', "int", '"one"')
        self.refuse(job + "ddof = 0.5\n", "line 5, column 8", '"ddof"', "int")
        self.refuse(job + "ddo = 1\n", "line 5, column 1", '"ddo"', '"ddof"')
        refused = 'kernel = "histogram"\ninputs.values = "places.npy"\nparams.bins = 0\n'
        self.refuse(refused, "line 3, column 15", '"bins"')
        self.refuse("  wokers = 2\n" + job, "line 1, column 3", '"workers"')

    def test_unnamed_input_over_several(self):
        job = JOB.replace("[outputs]", 'targets = "places.npy"\n[outputs]')
        self.write("jobs/job.toml", job)
        done = self.run_cli("run", "jobs/job.toml", "--input", "jobs/places.npy")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--input NAME=jobs/places.npy", done.stderr)

    def test_file_that_cannot_be_read(self):
        done = self.run_cli("run", "absent.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn('"absent.toml"', done.stderr)
        (self.folder / "folder.toml").mkdir()
        done = self.run_cli("run", "folder.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn('"folder.toml": not a regular file', done.stderr)


if __name__ == "__main__":
    main()

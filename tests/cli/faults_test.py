"""What a user sees of workers that die and of chunks that cannot be computed."""

import json
import os

from gristmill_cli import BIN, CliTest, main, read_npy

PLUGIN = BIN / "gristmill-test-misbehaving.so"


# A sanitizer has memory of its own, and would catch crashes before the worker does.
SANITIZED = "ASAN_OPTIONS" in os.environ


class FaultsTest(CliTest):
    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.environment["ASAN_OPTIONS"] += ":handle_segv=0"

    def misbehave(self, *options, at=35, how="segfault"):
        """A job of 100 items in chunks of 10."""
        return self.run_cli(
            *("run", "misbehave", "--plugin", PLUGIN, "--param", "items=100"),
            *("--param", f"at={at}", "--param", f"how={how}", "--chunk-size", "10"),
            *("--workers", "2", "--progress", "none", *options),
        )

    def test_a_chunk_that_crashes_again_and_again_fails_the_job(self):
        done = self.misbehave()
        self.assertEqual(done.returncode, 1)
        self.assertIn("was killed by SIGSEGV in chunk 3, rows 30 to 39", done.stderr)
        self.assertIn("It was tried 3 times", done.stderr)
        # The worker's own words, and where it crashed.
        self.assertIn("SIGSEGV", done.stderr)
        self.assertIn("gristmill-test-misbehaving", done.stderr)

    def test_skipping_ends_with_3_and_says_what_is_missing(self):
        done = self.misbehave("--on-error", "skip", "--output", "hash.npy", "--fill", "-1")
        self.assertEqual(done.returncode, 3)
        self.assertIn("90 items", done.stdout)
        self.assertIn("3 failed attempts, 3 workers started anew", done.stdout)
        self.assertIn(
            "quarantined: chunk 3, items 30 to 39: was killed by SIGSEGV", done.stdout
        )
        values, _ = read_npy(self.folder / "hash.npy")
        self.assertEqual([i for i, value in enumerate(values) if value == -1], list(range(30, 40)))

    def test_bisection_narrows_it_to_the_item(self):
        done = self.misbehave(
            "--on-error", "skip", "--bisect", "--fill", "-1", "--output", "hash.npy", how="exit0"
        )
        self.assertEqual(done.returncode, 3)
        self.assertIn("quarantined: chunk 3, item 35: ended with exit code 0", done.stdout)
        values, _ = read_npy(self.folder / "hash.npy")
        self.assertEqual([i for i, value in enumerate(values) if value == -1], [35])

    def test_json_and_job_log_have_certificates(self):
        done = self.misbehave("--on-error", "skip", "--json", "--joblog", "log.jsonl", "--retries", "1")
        self.assertEqual(done.returncode, 3)
        summary = json.loads(done.stdout)
        self.assertEqual(summary["outcome"], "done")
        self.assertEqual(summary["chunks"]["quarantined"], 1)
        faults = summary["faults"]
        self.assertEqual(faults["failed_attempts"], 2)
        first = faults["attempts"][0]
        self.assertEqual((first["chunk"], first["begin"], first["end"]), (3, 30, 40))
        self.assertEqual((first["attempt"], first["cause"], first["signal"]), (1, "signal", 11))
        self.assertIn("SIGSEGV", "\n".join(first["last_lines"]))
        self.assertGreater(first["wall_seconds"], 0)
        self.assertEqual(faults["quarantined"][0]["why"], "was killed by SIGSEGV")
        lines = (self.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        self.assertEqual(
            [event["event"] for event in events],
            ["failed_attempt", "failed_attempt", "quarantined", "end"],
        )
        self.assertEqual({key: events[0][key] for key in first}, first)

    def test_a_hang_ends_at_its_deadline(self):
        done = self.misbehave("--timeout", "300ms", "--retries", "0", how="hang")
        self.assertEqual(done.returncode, 1)
        self.assertIn("it was in one chunk for more than 0.3 s in chunk 3", done.stderr)

    def test_a_job_file_says_the_same(self):
        limit = "" if SANITIZED else 'memory_limit = "1GiB"\n'
        (self.folder / "job.toml").write_text(
            f'kernel = "misbehave"\nplugins = ["{PLUGIN}"]\nchunk_size = 10\nworkers = 2\n'
            'on_error = "skip"\nretries = 0\ntimeout = "10s"\nstopped_timeout = 5\nbisect = true\n'
            f"fill = -1\n{limit}"
            'params = { items = 100, at = 35, how = "failed" }\noutputs = { hash = "hash.npy" }\n',
            encoding="utf-8",
        )
        done = self.run_cli("run", "job.toml", "--progress", "none")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("item 35: ", done.stdout)

    def test_values_that_cannot_be_read(self):
        for options, text in [
            (("--retries", "-1"), 'invalid number of retries "-1"'),
            (("--retries", "1.5"), 'invalid number of retries "1.5"'),
            (("--timeout", "soon"), 'invalid time "soon"'),
            (("--timeout", "-1s"), 'invalid time "-1s"'),
            (("--stopped-timeout", ""), 'invalid time ""'),
            (("--on-error", "ignore"), 'invalid on_error "ignore": neither stop nor skip'),
            (("--fill", "much"), 'invalid fill value "much": no number'),
            (("--fill", "0.5"), "the fill value 0.5 is no int64"),
            (("--memory-limit", "0"), 'invalid memory limit "0"'),
            (("--joblog", "/nowhere/log"), 'cannot write the job log "/nowhere/log"'),
        ]:
            done = self.misbehave(*options)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(text, done.stderr)

    def test_a_bad_value_in_a_job_file_has_its_place(self):
        (self.folder / "job.toml").write_text(
            'kernel = "describe"\non_error = "ignore"\n', encoding="utf-8"
        )
        done = self.run_cli("run", "job.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 2, column 12", done.stderr)


if __name__ == "__main__":
    main()

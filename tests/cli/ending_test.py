"""How a job ends before its time: signals to gristmill, and the death of a worker or of gristmill."""

import json
import os
import signal
import subprocess

from gristmill_cli import CliTest, main, wait_until


class EndingTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write_places("many.npy", 300_000)

    def start_long_job(self, *arguments, **options):
        """Returns once its workers run and its output has been reserved."""
        process = self.start("run", "mean_distance", "-i", "many.npy", "-o", "mean=mean.npy",
                             "--workers", 2, *arguments, **options)
        wait_until(lambda: len(self.workers()) == 2 and len(self.files()) == 2,
                   f"for workers and the temporary file; exit code {process.poll()}")
        return process

    def check_ended(self, process, exit_code):
        done = self.finish(process)
        self.assertEqual(done.returncode, exit_code, done.stderr)
        self.assertEqual(self.workers(), [])
        self.assertEqual(self.files(), ["many.npy"])
        return done

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                process = self.start_long_job()
                process.send_signal(number)
                done = self.check_ended(process, 128 + number)
                self.assertIn(f"interrupted by {number.name}", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_ctrl_c_goes_to_the_whole_group(self):
        process = self.start_long_job("--json", start_new_session=True)
        os.killpg(process.pid, signal.SIGINT)
        done = self.check_ended(process, 130)
        self.assertEqual(json.loads(done.stdout)["outcome"], "cancelled")

    def test_two_signals_at_once_are_one(self):
        process = self.start_long_job()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        self.check_ended(process, 130)

    def test_progress_goes_to_stderr(self):
        process = self.start_long_job("--progress", "bar", stderr=subprocess.PIPE)
        text = ""
        while " items" not in text:
            text += os.read(process.stderr.fileno(), 1000).decode()
        self.assertIn("of 300,000 items", text)
        process.send_signal(signal.SIGINT)
        self.check_ended(process, 130)

    def test_death_of_a_worker_ends_the_job(self):
        process = self.start_long_job("--json")
        # A worker that has not begun its first chunk is not yet part of the job.
        victim = self.workers()[0]
        wait_until(lambda: busy_ticks(victim) > 10, "for the worker to compute")
        os.kill(victim, signal.SIGKILL)
        done = self.check_ended(process, 1)
        self.assertEqual(json.loads(done.stdout)["outcome"], "failed")
        for name in ("chunk", "rows", "SIGKILL"):
            self.assertIn(name, done.stderr)

    def test_death_of_gristmill_ends_its_workers(self):
        process = self.start_long_job()
        process.kill()
        self.finish(process)
        wait_until(lambda: not self.workers(), "for the workers to end")
        self.assertFalse((self.folder / "mean.npy").exists())


def busy_ticks(pid):
    """CPU time of a process in clock ticks."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    main()

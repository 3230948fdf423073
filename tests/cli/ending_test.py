"""How a job ends before its time: by signals, and by the death of a worker or of gristmill."""

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
        """Returns once its workers compute and its output has been reserved."""
        process = self.start("run", "mean_distance", "-i", "many.npy", "-o", "mean=mean.npy",
                             "--workers", 2, *arguments, **options)
        wait_until(lambda: len(self.computing_workers()) == 2
                   and self.has_unfinished_output(process),
                   "for the workers and the unfinished output")
        return process

    def computing_workers(self):
        return [pid for pid in self.workers() if busy_ticks(pid) > 5]

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

    def test_death_of_a_worker_does_not_end_the_job(self):
        process = self.start_long_job("--json")
        killed = self.computing_workers()[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(
            lambda: len(set(self.computing_workers()) - {killed}) >= 2, "for another worker"
        )
        process.send_signal(signal.SIGINT)
        done = self.check_ended(process, 130)
        self.assertEqual(json.loads(done.stdout)["outcome"], "cancelled")

    def test_an_input_that_is_written_to_meanwhile_is_an_error(self):
        process = self.start_long_job()
        with open(self.folder / "many.npy", "r+b") as file:
            file.seek(4000)
            file.write(b"other bytes")
        done = self.check_ended(process, 1)
        self.assertIn('input "many.npy" changed while the job ran', done.stderr)

    def test_a_truncated_input_is_named_and_not_the_kernel(self):
        process = self.start_long_job()
        os.truncate(self.folder / "many.npy", 4096)
        done = self.check_ended(process, 1)
        self.assertIn('input "many.npy" changed while the job ran', done.stderr)

    def test_death_of_gristmill_ends_its_workers(self):
        process = self.start_long_job()
        process.kill()
        self.finish(process)
        wait_until(lambda: not self.workers(), "for the workers to end")
        self.assertFalse((self.folder / "mean.npy").exists())


def busy_ticks(pid):
    """CPU time of a process in clock ticks; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    main()

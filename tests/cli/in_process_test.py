"""`gristmill run --in-process`: the same results, errors and ends, without a worker process."""

import os
import signal

from gristmill_cli import BIN, CliTest, main, wait_until

MISBEHAVE = ["run", "misbehave", "--plugin", BIN / "gristmill-test-misbehaving.so", "-p", "items=100",
             "--chunk-size", 10]


class InProcessTest(CliTest):
    def both(self, *arguments):
        """Exit code and stderr, which must not depend on where the workers are."""
        answers = []
        for more in ([], ["--in-process"]):
            done = self.run_cli(*arguments, *more)
            answers.append((done.returncode, done.stderr))
        self.assertEqual(answers[0], answers[1])
        return answers[0]

    def start_waiting_job(self, how, *arguments):
        """Returns once its two workers are in a chunk that does not end."""
        process = self.start(*MISBEHAVE, "-p", "at=-1", "-p", f"how={how}", "-p", "folder=.",
                             "--in-process", "--workers", 2, *arguments)
        wait_until(lambda: len(self.files()) >= 2, "for two announcements")
        return process

    def test_output_files_have_the_same_bytes(self):
        self.write_places("places.npy", 3000)
        jobs = {
            "nearest": ["index", "distance"],
            "mean_distance": ["mean", "max"],
            "describe": ["count", "mean", "std", "min", "max"],
            "copy": ["copy"],
        }
        for kernel, outputs in jobs.items():
            for more in (["--in-process", "--workers", 3], ["--workers", 2], ["--in-process"]):
                files = {name: self.folder / f"{name}.npy" for name in outputs}
                job = ["run", kernel, "-i", "places.npy", "--chunk-size", 70, *more]
                for name, file in files.items():
                    job += ["-o", f"{name}={file}"]
                self.succeed(*job)
                content = {name: file.read_bytes() for name, file in files.items()}
                with self.subTest(kernel=kernel, more=more):
                    self.assertEqual(content, self.first_content(kernel, content))

    def first_content(self, kernel, content):
        self.contents = getattr(self, "contents", {})
        return self.contents.setdefault(kernel, content)

    def test_the_inputs_can_be_placed_in_memory(self):
        self.write_places("places.npy", 3000)
        job = ["run", "nearest", "-i", "places.npy", "-o", "distance=km.npy"]
        self.succeed(*job)
        expected = (self.folder / "km.npy").read_bytes()
        self.succeed(*job, "--in-process", "--in-memory")
        self.assertEqual((self.folder / "km.npy").read_bytes(), expected)

    def test_no_worker_process_is_started(self):
        process = self.start_waiting_job("wait")
        self.assertEqual(self.processes(), [process.pid])
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(process).returncode, 130)

    def test_a_job_file_can_say_so(self):
        self.write("job.toml", f"""
            kernel = "misbehave"
            workers = 2
            in_process = true
            plugins = ["{BIN / 'gristmill-test-misbehaving.so'}"]
            params = {{ items = 100, at = -1, how = "wait", folder = "{self.folder}" }}
            """)
        process = self.start("run", "job.toml", "--chunk-size", 10)
        wait_until(lambda: len(self.files()) >= 3, "for two announcements")
        self.assertEqual(self.processes(), [process.pid])
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process).returncode, 143)

    def test_a_job_file_says_true_or_false(self):
        self.write("job.toml", 'kernel = "copy"\nin_process = 1\n')
        done = self.run_cli("run", "job.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn('line 2: "in_process" is not true or false', done.stderr)

    def test_errors_are_the_same(self):
        self.write("text.so", "no plug-in")
        code, text = self.both(*MISBEHAVE, "-p", "at=35", "-p", "how=failed", "--progress", "none")
        self.assertEqual(code, 1)
        self.assertIn("this is what went wrong", text)
        self.assertEqual(self.both(*MISBEHAVE, "-p", "plan=invalid")[0], 2)
        self.assertEqual(self.both("run", "x", "--plugin", "text.so")[0], 2)
        self.assertEqual(self.both("run", "nearst")[0], 2)

    def test_ctrl_c_ends_the_job_without_outputs(self):
        process = self.start_waiting_job("wait", "-o", "hash.npy")
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 130)
        self.assertIn("interrupted by SIGINT", done.stderr)
        self.assertFalse([name for name in self.files() if "npy" in name])

    def test_a_second_ctrl_c_ends_a_kernel_that_never_returns(self):
        process = self.start_waiting_job("hang")

        def has_ended():
            process.send_signal(signal.SIGINT)
            return process.poll() is not None

        wait_until(has_ended, "for the end by a later signal")
        self.assertEqual(self.finish(process).returncode, 130)

    def test_a_crash_takes_the_program(self):
        # Else a sanitizer turns the signal into an exit code.
        self.environment["ASAN_OPTIONS"] = (
            os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_abort=0"
        )
        done = self.run_cli(*MISBEHAVE, "-p", "how=segfault", "--in-process")
        self.assertEqual(done.returncode, -signal.SIGSEGV, done.stderr)


if __name__ == "__main__":
    main()

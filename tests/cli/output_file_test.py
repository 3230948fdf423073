"""Output files appear whole, replace what was there only at the end, leave nothing on failure."""

import os

from gristmill_cli import CliTest, main, read_npy, wait_until

OLD = b"what was there before"


class OutputFileTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write_places("places.npy", 100)

    def test_existing_file_is_replaced(self):
        self.write("d.npy", OLD)
        self.succeed("run", "nearest", "-i", "places.npy", "-o", "distance=d.npy")
        self.assertEqual(read_npy(self.folder / "d.npy")[1], (100,))
        self.assertEqual(self.files(), ["d.npy", "places.npy"])

    def test_no_clobber(self):
        job = ["run", "nearest", "-i", "places.npy", "-o", "distance=d.npy", "--no-clobber"]
        self.succeed(*job)
        self.write("d.npy", OLD)
        done = self.run_cli(*job)
        self.assertEqual(done.returncode, 2)
        self.assertIn('"d.npy"', done.stderr)
        self.assertEqual((self.folder / "d.npy").read_bytes(), OLD)
        self.assertEqual(self.files(), ["d.npy", "places.npy"])

    def test_existing_file_stays_until_the_end(self):
        self.write_places("many.npy", 300_000)
        self.write("mean.npy", OLD)
        process = self.start("run", "mean_distance", "-i", "many.npy", "-o", "mean=mean.npy")
        wait_until(lambda: self.has_unfinished_output(process), "for the unfinished output")
        self.assertEqual((self.folder / "mean.npy").read_bytes(), OLD)
        process.terminate()
        self.assertEqual(self.finish(process).returncode, 143)
        self.assertEqual((self.folder / "mean.npy").read_bytes(), OLD)
        self.assertEqual(self.files(), ["many.npy", "mean.npy", "places.npy"])

    def test_outputs_not_named_are_not_written(self):
        self.succeed("run", "nearest", "-i", "places.npy", "-o", "index=i.npy")
        self.assertEqual(self.files(), ["i.npy", "places.npy"])

    def test_full_disk(self):
        with self.file_system("disk", "size=256k") as disk:
            self.succeed("run", "nearest", "-i", "places.npy", "-o", "distance=disk/d.npy")
            (disk / "d.npy").unlink()
            self.write_places("many.npy", 100_000)
            done = self.run_cli("run", "nearest", "-i", "many.npy", "-o", "distance=disk/d.npy")
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn('output "distance"', done.stderr)
            self.assertIn("no space", done.stderr)
            self.assertEqual(os.listdir(disk), [])


if __name__ == "__main__":
    main()

"""The example programs do what they say."""

import signal

from gristmill_cli import DATA, CliTest, main, npy_bytes, wait_until


class ExamplesTest(CliTest):
    def write_world(self, places):
        flat = [degrees for place in places for degrees in place]
        names = [f"Place {i}, XX\n" for i in range(len(places))]
        self.write("cities_world.npy", npy_bytes(flat, (len(places), 2)))
        self.write("cities_world_names.txt", "".join(names))

    def test_quick_start(self):
        done = self.succeed(DATA / "cities_us.npy", program="quick_start")
        self.assertEqual(len(done.stdout.splitlines()), 5)
        self.assertRegex(done.stdout, r"(?m)^place 0: \d+\.\d+ km$")
        done = self.run_cli("absent.npy", program="quick_start")
        self.assertEqual(done.returncode, 1)
        self.assertIn("absent.npy", done.stderr)

    def test_places_names_the_three(self):
        # On the equator: at 1 and 0 degrees, then 3, 10 and 60 degrees east.
        self.write_world([(0, 1), (0, 0), (0, 3), (0, 10), (0, 60)])
        done = self.succeed(".", program="places")
        degree_km = 6371.0088 * 3.141592653589793 / 180
        self.assertIn("5 places", done.stdout)
        self.assertRegex(done.stdout, rf"Most central +Place 2, XX: {degree_km * 69 / 4:,.3f} km")
        self.assertRegex(done.stdout, rf"Most remote +Place 4, XX: {degree_km * 226 / 4:,.3f} km")
        self.assertRegex(done.stdout, rf"Loneliest +Place 4, XX: {degree_km * 50:,.3f} km.*Place 3")
        self.assertIn("GeoNames", done.stdout)

    def test_places_ends_on_ctrl_c(self):
        self.write_world([(i % 180 - 90, i % 360 - 180) for i in range(300_000)])
        process = self.start(".", program="places")
        wait_until(self.workers, "for workers")
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 130, done.stderr)
        self.assertEqual(self.workers(), [])

    def test_the_shipped_names_fit_their_places(self):
        for name, count in (("world", 171_075), ("us", 17_343)):
            text = (DATA / f"cities_{name}_names.txt").read_text(encoding="utf-8")
            self.assertEqual(len(text.splitlines()), count)
            size = (DATA / f"cities_{name}.npy").stat().st_size
            self.assertEqual(size, 128 + count * 16)


if __name__ == "__main__":
    main()

"""What is installed is enough: programs and kernels of others build with it and run, wherever it is."""

import shutil
import unittest

from installation import BUILD, CITIES, CXX, HERE, LIBDIR, SOURCE, InstallationTest

OUTSIDE = HERE / "outside"
# The first city, as cities_us.npy has it: 30.88296, -87.77305.
ANSWER = "norm 93.0477\ndistance 25.4662\n"


class PackageTest(InstallationTest):
    def build_with_pkg_config(self, prefix):
        def flags(package):
            path = prefix / LIBDIR / "pkgconfig"
            return f"$(PKG_CONFIG_PATH={path} pkg-config --cflags --libs {package})"

        self.shell(f"{CXX} -std=c++20 {OUTSIDE}/program.cc -o program {flags('gristmill')}")
        self.shell(
            f"{CXX} -std=c++20 -fPIC -shared -fvisibility=hidden {OUTSIDE}/row_norm.cc -o row_norm.so"
            f" -isystem /usr/include/eigen3 {flags('gristmill-kernel')}"
        )

    def test_nothing_in_it_names_another_folder(self):
        files = [path for path in self.prefix.rglob("*") if path.suffix in (".cmake", ".pc", ".h")]
        self.assertGreater(len(files), 10)
        for path in files:
            text = path.read_text(encoding="utf-8")
            for folder in (self.prefix, SOURCE, BUILD):
                self.assertNotIn(str(folder), text, path)

    def test_every_public_header_is_in_it(self):
        def headers(folder):
            return sorted(path.relative_to(folder) for path in folder.rglob("*.h*"))

        include = self.prefix / "include" / "gristmill"
        self.assertEqual(headers(include), headers(SOURCE / "include" / "gristmill"))

    def test_a_cmake_project_finds_the_package(self):
        self.configure(OUTSIDE, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Debug")
        self.shell("cmake --build build")
        self.assertEqual(self.shell(["build/program", "build/row_norm.so", CITIES]), ANSWER)

    def test_a_cmake_project_finds_the_package_of_the_build_tree(self):
        self.configure(OUTSIDE, f"-DCMAKE_PREFIX_PATH={BUILD}", "-DCMAKE_BUILD_TYPE=Debug")
        self.shell("cmake --build build")
        self.assertEqual(self.shell(["build/program", "build/row_norm.so", CITIES]), ANSWER)

    def test_a_package_of_another_minor_version_is_refused(self):
        project = self.folder / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\n"
            "project(other LANGUAGES CXX)\n"
            "find_package(gristmill ${WANTED} CONFIG REQUIRED COMPONENTS ${COMPONENT})\n"
        )
        here = [f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCOMPONENT=kernel"]
        self.configure(project, *here, "-DWANTED=0.1")
        for wrong in (["-DWANTED=0.0"], ["-DWANTED=0.2"], ["-DCOMPONENT=kernels"]):
            text = self.shell(["cmake", "-S", project, "-B", "build", *wrong], exit_code=1)
            self.assertIn("gristmillConfig.cmake", text)
            self.shell(["cmake", "-S", project, "-B", "build", *here, "-DWANTED=0.1"])

    def test_kernels_need_nothing_else_on_the_machine(self):
        project = self.folder / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\n"
            "project(kernels LANGUAGES CXX)\n"
            "find_package(gristmill CONFIG REQUIRED COMPONENTS kernel)\n"
            "gristmill_add_kernel(plain plain.cc)\n"
        )
        (project / "plain.cc").write_text("#include <gristmill/kernel.hpp>\n")
        absent = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in ("fmt", "Threads", "Eigen3")]
        self.configure(project, f"-DCMAKE_PREFIX_PATH={self.prefix}", *absent)
        self.shell("cmake --build build")

    def test_one_command_with_pkg_config_builds_a_program_or_a_kernel(self):
        self.build_with_pkg_config(self.prefix)
        self.assertEqual(self.shell(["./program", "row_norm.so", CITIES]), ANSWER)

    def test_an_installation_can_be_moved(self):
        moved = self.folder / "moved to"
        shutil.copytree(self.prefix, moved)
        listed = self.shell([moved / "bin" / "gristmill", "kernels", "nearest"])
        self.assertIn(f"{moved}/libexec/gristmill/gristmill-kernels.so", listed)
        # Of a folder with a blank in its name pkg-config makes what $(...) cannot take.
        moved = moved.rename(self.folder / "moved")
        self.build_with_pkg_config(moved)
        self.assertEqual(self.shell(["./program", "row_norm.so", CITIES]), ANSWER)
        shutil.rmtree(moved)
        text = self.shell(["./program", "row_norm.so", CITIES], exit_code=1)
        self.assertIn(f'nor at "{moved}/libexec/gristmill/gristmill-worker"', text)

    def test_a_project_that_gristmill_is_a_part_of_installs_only_its_own_files(self):
        self.configure(HERE / "part", f"-DGRISTMILL={SOURCE}")
        self.shell("cmake --install build --prefix prefix")
        files = [str(path.relative_to(self.folder)) for path in self.folder.glob("prefix/**/*.*")]
        self.assertEqual(files, ["prefix/whole/CMakeLists.txt"])
        steps = self.shell("ninja -C build -n program")
        for needed in ("gristmill-worker", "gristmill-kernels.so"):
            self.assertIn(f"bin/{needed}", steps)
        self.assertNotIn("gristmill/tests/", steps)


if __name__ == "__main__":
    unittest.main(verbosity=2)

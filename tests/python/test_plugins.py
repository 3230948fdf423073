"""Kernel plug-ins are built with what the package has, and nothing else."""

import os
import shutil
import subprocess

import gristmill as gm
import numpy as np
import pytest

SOURCE = """
#include <gristmill/kernel.hpp>
namespace gk = gristmill::kernel;

constexpr auto kScale =
    gk::define("scale", "each element times two")
        .inputs(gk::input<double>("values", "N x any shape"))
        .outputs(gk::output_like<double>("scaled", "as values", "values"))
        .map([](const gk::Request& job, const gk::Chunk& chunk) {
          const auto values = chunk.rows<double>(job.input("values"));
          const auto scaled = chunk.output<double>("scaled");
          for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] = 2 * values[i];
        });
GRISTMILL_KERNELS(gk::Defined<kScale>)
"""
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(scale LANGUAGES CXX)
find_package(gristmill 0.1 CONFIG REQUIRED COMPONENTS kernel)
gristmill_add_kernel(scale scale.cc)
"""
CXX = os.environ.get("CXX", "g++")


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def run(*command, folder, code=0):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def project(tmp_path):
    (tmp_path / "scale.cc").write_text(SOURCE)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    return tmp_path


def check(plugin):
    values = np.arange(1000.0)
    with gm.Engine(workers=2, plugins=[plugin]) as engine:
        assert np.array_equal(engine.run("scale", values)["scaled"], 2 * values)


def test_a_plugin_is_built_with_the_headers_alone(project):
    need(CXX)
    flags = ["-std=c++20", "-fPIC", "-shared", "-fvisibility=hidden", "-I", gm.get_include()]
    run(CXX, *flags, "scale.cc", "-o", "scale.so", folder=project)
    check(project / "scale.so")


def test_a_plugin_is_built_with_the_cmake_package(project):
    need("cmake", CXX)
    run("cmake", "-B", "build", f"-Dgristmill_DIR={gm.get_cmake_dir()}", folder=project)
    run("cmake", "--build", "build", folder=project)
    check(project / "build/scale.so")


def test_a_library_is_not_in_the_cmake_package(project):
    need("cmake", CXX)
    (project / "CMakeLists.txt").write_text(PROJECT.replace("kernel)", "engine)", 1))
    said = run(
        "cmake", "-B", "build", f"-Dgristmill_DIR={gm.get_cmake_dir()}", folder=project, code=1
    )
    assert "the component kernel only" in " ".join(said.split())

// Runs a job that never ends by itself, until somebody ends this process: endless_job FOLDER HOW.
#include <cstdio>

#include <gristmill/engine.h>

int main(int argc, char** argv) {
  using namespace gristmill;
  if (argc != 3) return 2;
  const std::filesystem::path bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  Engine engine({.workers = 3, .plugins = {bin / "gristmill-test-misbehaving.so"}});
  Job job = engine.submit({.kernel = "misbehave",
                           .params = {{"items", std::int64_t{100}},
                                      {"at", std::int64_t{-1}},
                                      {"how", argv[2]},
                                      {"folder", argv[1]}},
                           .chunk_size = ChunkSize::items(10)});
  std::printf("%s\n", job.wait().done() ? "done" : "not done");
}

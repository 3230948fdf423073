#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "engine/npy.h"
#include "ipc/codec.h"
#include "ipc/ring.h"
#include "tests/fuzz/target.h"
#include "tests/unit/ipc/codec_samples.h"

// Writes the seeds of tests/fuzz/corpus: of messages one of each kind, rings full of them, the .npy
// files of NumPy's three formats, and job files.
namespace gristmill::fuzz {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream << content;
  require(stream.flush().good(), "the folder can be written");
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
std::string bytes_in(T value) {
  return text_of(std::as_bytes(std::span(&value, 1)));
}

template <class Message>
void write_messages(const fs::path& folder, const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    const auto number = static_cast<std::size_t>(&message - messages.data());
    write_file(folder / std::to_string(number), text_of(ipc::encode(message)));
  }
}

// One step of ring_reader_target.cc.
std::string step(std::uint64_t head, std::string_view bytes) {
  return bytes_in(head) + bytes_in(static_cast<std::uint16_t>(bytes.size())) + std::string(bytes);
}

// What a writer leaves in the ring, and how far it is then.
std::string ring_of_reports() {
  const auto layout = std::make_unique<ipc::RingLayout>();
  const auto cursor = std::make_unique<ipc::RingCursor>();
  ipc::RingWriter writer(*layout, *cursor);
  for (const ipc::Report& report : ipc::sample_reports()) writer.push(ipc::encode(report));
  const std::uint64_t head = layout->head.load();
  return step(head, text_of(std::span(layout->frames).first(head)));
}

void write_ring_reads(const fs::path& folder) {
  const std::string reports = ring_of_reports();
  write_file(folder / "reports", bytes_in(std::uint64_t{0}) + reports);
  write_file(folder / "across_the_end", bytes_in(std::uint64_t{ipc::kRingBytes - 24}) + reports);
  write_file(folder / "across_the_wrap", bytes_in(std::uint64_t{0} - 24) + reports);
  const std::string frame = bytes_in(std::uint32_t{4}) + "abcd";
  write_file(folder / "two_steps", bytes_in(std::uint64_t{0}) + step(8, frame) + step(16, frame));
  write_file(folder / "head_behind", bytes_in(std::uint64_t{0}) + step(8, frame) + step(0, ""));
  write_file(folder / "length_too_large",
             bytes_in(std::uint64_t{0}) + step(16, bytes_in(ipc::kMaxFrameBytes + 1)));
}

void write_ring_writes(const fs::path& folder) {
  const auto push = [](std::uint64_t tail, std::uint16_t size) {
    return bytes_in(tail) + bytes_in(size);
  };
  write_file(folder / "read_in_time",
             bytes_in(std::uint64_t{0}) + push(0, 99) + push(104, 7) + push(120, 0xFFFF));
  write_file(folder / "full", bytes_in(std::uint64_t{ipc::kRingBytes - 24}) + push(0, 0xFFFF) +
                                  push(0, 0xFFFF) + push(0, 0xFFFF) + push(0, 0xFFFF));
  write_file(folder / "impossible", bytes_in(std::uint64_t{0}) + push(8, 1) + push(0, 1));
}

// As numpy.save() pads it; one length byte more for formats from 2.0 on.
std::string npy(char major, std::string dict, std::size_t data_bytes) {
  const std::size_t begin = major == 1 ? 10 : 12;
  dict.resize((begin + dict.size() + 1 + 63) / 64 * 64 - begin - 1, ' ');
  dict += '\n';
  const auto size = static_cast<std::uint32_t>(dict.size());
  return std::string("\x93NUMPY") + major + '\0' + bytes_in(size).substr(0, begin - 8) + dict +
         std::string(data_bytes, '\x01');
}

void write_npy_files(const fs::path& folder) {
  write_file(folder / "format_1",
             npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }", 48));
  write_file(folder / "format_2",
             npy(2, "{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }", 5));
  write_file(folder / "format_3",
             npy(3, "{'descr': '<c16', 'fortran_order': True, 'shape': (), }", 16));
  write_file(folder / "python_2",
             npy(1, "{'shape': (2L,), 'descr': '<u2', 'fortran_order': False}", 4));
  write_file(folder / "no_rows",
             npy(1, "{'descr': '<i4', 'fortran_order': False, 'shape': (0, 7)}", 0));
  write_file(
      folder / "too_many_bytes",
      npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2)}", 0));
  write_file(folder / "structured",
             npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4));
}

void write_job_files(const fs::path& folder) {
  write_file(folder / "small",
             "kernel = \"nearest\"\n[inputs]\npoints = \"places.npy\"\n"
             "[outputs]\ndistance = \"km.npy\"\n");
  write_file(folder / "every_key", R"(kernel = "histogram"
chunk_size = "64KiB"
workers = 2
memory = "4GiB"
cache = 0
in_memory = true
in_process = false
plugins = ["a.so", "b.so"]

[inputs]
points = {path = "p.bin", dtype = "float64", shape = [200000, 3], offset = 16}
weights = {path = 'w.bin', dtype = "int8", shape = "5x2"}

[outputs]
counts = """counts.npy"""

[params]
bins = 0x10
exact = true
metric = "haversine\u0041"
edges = [1, 2.5, -1e300, inf]
)");
  write_file(
      folder / "other_toml",
      "# all else that TOML has\na.b.\"c d\" = 1979-05-27T07:32:00.5-07:00\n[[t]]\nx = 07:32:00\n"
      "[[t]]\ny = [[1, 2], {z = 1_000}]\n");
  write_file(folder / "wrong_type", "kernel = 3\n");
}

void write_all(const fs::path& folder) {
  write_messages(folder / "channel_message", ipc::sample_channel_messages());
  write_messages(folder / "task", ipc::sample_tasks());
  write_messages(folder / "report", ipc::sample_reports());
  write_ring_reads(folder / "ring_reader");
  write_ring_writes(folder / "ring_writer");
  write_npy_files(folder / "npy");
  write_job_files(folder / "job_file");
}

}  // namespace
}  // namespace gristmill::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_fuzz_corpus FOLDER\n");
    return 2;
  }
  gristmill::fuzz::write_all(argv[1]);
  return 0;
}

#include <memory>
#include <vector>

#include "ipc/ring.h"
#include "tests/fuzz/input_reader.h"

// A reader against a writer that writes anything. The input: where the reader begins (8 bytes), and
// then steps of a head relative to that (8 bytes), a count (2 bytes) and as many bytes, which
// follow those of the step before. After each step the reader reads all that it gets.
namespace gristmill::fuzz {
namespace {

using ipc::kRingBytes;
using Pop = ipc::RingReader::Pop;

// The memory is used again, and only what was written is made zero: it is far more than an input.
class Writer {
 public:
  Writer(ipc::RingLayout& layout, std::uint64_t start) : layout_(layout), start_(start) {
    layout_.head.store(start);
  }
  ~Writer() {
    for (std::uint64_t i = 0; i < written_; ++i) at(start_ + i) = std::byte{0};
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) at(start_ + written_++) = byte;
  }
  void publish(std::uint64_t head) { layout_.head.store(start_ + head); }

  std::byte& at(std::uint64_t index) { return layout_.frames.at(index % kRingBytes); }

 private:
  ipc::RingLayout& layout_;
  std::uint64_t start_;
  std::uint64_t written_ = 0;
};

struct Expected {
  Pop pop;
  std::vector<std::byte> frame;
  std::uint64_t tail;
};

// The format of ipc/README.md, byte by byte.
Expected expected(Writer& writer, std::uint64_t head, std::uint64_t tail) {
  const std::uint64_t available = head - tail;
  if (available == 0) return {Pop::kEmpty, {}, tail};
  if (available > kRingBytes || available < 4) return {Pop::kCorrupt, {}, tail};
  std::uint64_t length = 0;
  for (unsigned i = 0; i < 4; ++i) {
    length |= static_cast<std::uint64_t>(writer.at(tail + i)) << (8 * i);
  }
  const std::uint64_t padded = (4 + length + 7) / 8 * 8;
  if (length == 0 || length > ipc::kMaxFrameBytes || padded > available) {
    return {Pop::kCorrupt, {}, tail};
  }
  std::vector<std::byte> frame;
  for (std::uint64_t i = 0; i < length; ++i) frame.push_back(writer.at(tail + 4 + i));
  return {Pop::kFrame, std::move(frame), tail + padded};
}

// Returns false when the reader is done with this writer.
bool read_all(Writer& writer, const ipc::RingLayout& layout, ipc::RingCursor& cursor,
              ipc::RingReader& reader) {
  while (true) {
    const Expected wanted = expected(writer, layout.head.load(), cursor.tail.load());
    std::vector<std::byte> frame;
    const Pop pop = reader.pop(frame);
    require(pop == wanted.pop, "a reader says what the format says");
    require(frame == wanted.frame, "a frame is what was written");
    require(cursor.tail.load() == wanted.tail, "a reader goes on by one whole record, or not");
    if (pop != Pop::kFrame) return pop == Pop::kEmpty;
  }
}

void read_any(InputReader input) {
  static ipc::RingLayout layout;
  const auto cursor = std::make_unique<ipc::RingCursor>();
  const auto start = input.take<std::uint64_t>();
  cursor->tail.store(start);
  Writer writer(layout, start);
  ipc::RingReader reader(layout, *cursor);
  while (!input.empty()) {
    const auto head = input.take<std::uint64_t>();
    writer.write(input.take_bytes(input.take<std::uint16_t>()));
    writer.publish(head);
    if (read_all(writer, layout, *cursor, reader)) continue;
    writer.publish(cursor->tail.load() - start);
    std::vector<std::byte> frame;
    require(reader.pop(frame) == Pop::kCorrupt, "a corrupt ring stays corrupt");
    return;
  }
}

}  // namespace
}  // namespace gristmill::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gristmill::fuzz::read_any(gristmill::fuzz::InputReader(gristmill::fuzz::bytes_of(data, size)));
  return 0;
}

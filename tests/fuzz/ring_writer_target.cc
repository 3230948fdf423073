#include <memory>
#include <vector>

#include "ipc/ring.h"
#include "tests/fuzz/input_reader.h"

// A writer against a reader that says anything about how far it is. The input: where the ring
// begins (8 bytes), and then steps of a reader's index relative to that (8 bytes) and the size of a
// frame to push (2 bytes).
namespace gristmill::fuzz {
namespace {

void push_any(InputReader input) {
  static ipc::RingLayout layout;
  const auto cursor = std::make_unique<ipc::RingCursor>();
  const auto start = input.take<std::uint64_t>();
  layout.head.store(start);
  cursor->tail.store(start);
  ipc::RingWriter writer(layout, *cursor);
  bool corrupt = false;
  while (!input.empty()) {
    const std::uint64_t head = layout.head.load();
    const std::uint64_t tail = start + input.take<std::uint64_t>();
    const std::size_t size = input.take<std::uint16_t>() + std::size_t{1};
    cursor->tail.store(tail);

    const std::uint64_t padded = (4 + size + 7) / 8 * 8;
    corrupt = corrupt || head - tail > ipc::kRingBytes;
    const bool fits = !corrupt && padded <= ipc::kRingBytes - (head - tail);
    require(writer.push(std::vector<std::byte>(size, std::byte{0xA5})) == fits,
            "a frame is pushed if and only if it fits");
    require(writer.corrupt() == corrupt, "an impossible index is seen, and for ever");
    require(layout.head.load() == head + (fits ? padded : 0), "head goes on by one record, or not");
  }
}

}  // namespace
}  // namespace gristmill::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gristmill::fuzz::push_any(gristmill::fuzz::InputReader(gristmill::fuzz::bytes_of(data, size)));
  return 0;
}

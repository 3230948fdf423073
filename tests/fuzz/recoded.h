#pragma once

#include <optional>
#include <vector>

#include "ipc/codec.h"
#include "tests/fuzz/target.h"

namespace gristmill::fuzz {

// What is decoded can be encoded, and then decoded to the same message. Messages are compared by
// their encodings, which have all their fields.
template <class Message>
void require_same_when_recoded(std::span<const std::byte> bytes,
                               std::optional<Message> (*decode)(std::span<const std::byte>)) {
  const std::optional<Message> first = decode(bytes);
  if (!first) return;
  const std::vector<std::byte> encoded = ipc::encode(*first);
  const std::optional<Message> second = decode(encoded);
  require(second.has_value(), "what was decoded can be decoded again when it is encoded");
  require(second->index() == first->index(), "a message keeps its kind");
  require(ipc::encode(*second) == encoded, "a message keeps its fields");
}

}  // namespace gristmill::fuzz

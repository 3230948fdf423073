#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "ipc/messages.h"

// Messages as msgpack: an array of the message's number in its variant and then its fields in
// order. Decoding has strict limits and a closed schema: anything else than exactly one message of
// the expected kind is malformed, and costs no more memory than a small multiple of its own size.
namespace gristmill::ipc {

inline constexpr std::size_t kMaxTextBytes = 4096;

std::vector<std::byte> encode(const ChannelMessage& message);
std::vector<std::byte> encode(const Task& message);
std::vector<std::byte> encode(const Report& message);

// None: malformed. Requires: the bytes are private memory, not shared with whoever wrote them.
std::optional<ChannelMessage> decode_channel_message(std::span<const std::byte> bytes);
std::optional<Task> decode_task(std::span<const std::byte> bytes);
std::optional<Report> decode_report(std::span<const std::byte> bytes);

// The text cut to so many bytes, at a UTF-8 boundary.
std::string fitting(std::string text, std::size_t most_bytes = kMaxTextBytes);

}  // namespace gristmill::ipc

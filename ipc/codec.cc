#include "ipc/codec.h"

#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <limits>
#include <msgpack.hpp>
#include <type_traits>

namespace gristmill::ipc {
namespace {

constexpr std::size_t kMaxElements = 64;
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxBinaryBytes = 48 * 1024;

using Packer = msgpack::packer<msgpack::sbuffer>;

template <class T>
concept HasFields = requires(T& value) {
  fields(value);
};

// Thrown inside decoding only; no message of it leaves this file.
struct Malformed {};

void require(bool condition) {
  if (!condition) throw Malformed{};
}

// Writing. One overload per kind of field.

template <std::integral T>
void write(Packer& packer, T value) {
  packer.pack(value);
}
// Not by the packer: it makes an integer of a double without fraction. That loses the sign of zero,
// and its test of 2^64 is undefined.
void write(Packer& packer, double value) {
  std::array<char, 9> float64{'\xCB'};
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned i = 0; i < 8; ++i) float64[i + 1] = static_cast<char>(bits >> (56 - 8 * i));
  packer.pack_bin_body(float64.data(), float64.size());  // copies the bytes as they are
}
void write(Packer& packer, const std::string& value) { packer.pack(value); }
void write(Packer& packer, DType value) { packer.pack(static_cast<std::uint32_t>(value)); }
void write(Packer& packer, ErrorCode value) { packer.pack(static_cast<std::uint32_t>(value)); }
void write(Packer& packer, OrderKind value) { packer.pack(static_cast<std::uint32_t>(value)); }
void write(Packer& packer, Pattern value) { packer.pack(static_cast<std::uint32_t>(value)); }
void write(Packer& packer, SpaceKind value) { packer.pack(static_cast<std::uint32_t>(value)); }
void write(Packer& packer, const std::vector<double>& values) {
  const std::size_t size_bytes = values.size() * sizeof(double);
  packer.pack_bin(static_cast<std::uint32_t>(size_bytes));
  packer.pack_bin_body(reinterpret_cast<const char*>(values.data()),
                       static_cast<std::uint32_t>(size_bytes));
}
void write(Packer& packer, const std::vector<std::byte>& bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(bytes.data()),
                       static_cast<std::uint32_t>(bytes.size()));
}
template <class T>
void write(Packer& packer, const std::optional<T>& value);
template <class T>
void write(Packer& packer, const std::vector<T>& values);
template <class... T>
void write(Packer& packer, const std::variant<T...>& value);

template <HasFields T>
void write(Packer& packer, const T& value) {
  // fields() gives references for both directions; writing does not use them to change anything.
  std::apply(
      [&](const auto&... field) {
        packer.pack_array(sizeof...(field));
        (write(packer, field), ...);
      },
      fields(const_cast<T&>(value)));
}

template <class T>
void write(Packer& packer, const std::optional<T>& value) {
  value ? write(packer, *value) : static_cast<void>(packer.pack_nil());
}

template <class T>
void write(Packer& packer, const std::vector<T>& values) {
  packer.pack_array(static_cast<std::uint32_t>(values.size()));
  for (const auto& value : values) write(packer, static_cast<const T&>(value));
}

template <class... T>
void write(Packer& packer, const std::variant<T...>& value) {
  packer.pack_array(2);
  packer.pack(static_cast<std::uint32_t>(value.index()));
  std::visit([&](const auto& alternative) { write(packer, alternative); }, value);
}

// Reading. One overload per kind of field; anything unexpected throws Malformed.

using Object = msgpack::object;

void read(const Object& object, bool& value) {
  require(object.type == msgpack::type::BOOLEAN);
  value = object.via.boolean;
}
template <std::integral T>
void read(const Object& object, T& value) {
  if (object.type == msgpack::type::POSITIVE_INTEGER) {
    require(object.via.u64 <= static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
    value = static_cast<T>(object.via.u64);
    return;
  }
  require(std::is_signed_v<T> && object.type == msgpack::type::NEGATIVE_INTEGER);
  require(object.via.i64 >= static_cast<std::int64_t>(std::numeric_limits<T>::min()));
  value = static_cast<T>(object.via.i64);
}
void read(const Object& object, double& value) {
  require(object.type == msgpack::type::FLOAT64);
  value = object.via.f64;
}
void read(const Object& object, std::string& value) {
  require(object.type == msgpack::type::STR);
  value.assign(object.via.str.ptr, object.via.str.size);
}
void read(const Object& object, DType& value) {
  std::uint32_t number = 0;
  read(object, number);
  require(number >= 1 && number <= static_cast<std::uint32_t>(kLastDType));
  value = static_cast<DType>(number);
}
void read(const Object& object, ErrorCode& value) {
  std::uint32_t number = 0;
  read(object, number);
  require(number <= static_cast<std::uint32_t>(ErrorCode::kInternal));
  value = static_cast<ErrorCode>(number);
}
void read(const Object& object, OrderKind& value) {
  std::uint32_t number = 0;
  read(object, number);
  require(number <= static_cast<std::uint32_t>(OrderKind::kFill));
  value = static_cast<OrderKind>(number);
}
void read(const Object& object, Pattern& value) {
  std::uint32_t number = 0;
  read(object, number);
  require(number <= static_cast<std::uint32_t>(Pattern::kEmit));
  value = static_cast<Pattern>(number);
}
void read(const Object& object, SpaceKind& value) {
  std::uint32_t number = 0;
  read(object, number);
  require(number <= static_cast<std::uint32_t>(SpaceKind::kTriangle));
  value = static_cast<SpaceKind>(number);
}
void read(const Object& object, std::vector<double>& values) {
  require(object.type == msgpack::type::BIN && object.via.bin.size % sizeof(double) == 0);
  values.resize(object.via.bin.size / sizeof(double));
  if (!values.empty()) std::memcpy(values.data(), object.via.bin.ptr, object.via.bin.size);
}
void read(const Object& object, std::vector<std::byte>& bytes) {
  require(object.type == msgpack::type::BIN);
  const auto* begin = reinterpret_cast<const std::byte*>(object.via.bin.ptr);
  bytes.assign(begin, begin + object.via.bin.size);
}
template <class T>
void read(const Object& object, std::optional<T>& value);
template <class T>
void read(const Object& object, std::vector<T>& values);
template <class... T>
void read(const Object& object, std::variant<T...>& value);

template <HasFields T>
void read(const Object& object, T& value) {
  std::apply(
      [&](auto&... field) {
        require(object.type == msgpack::type::ARRAY && object.via.array.size == sizeof...(field));
        [[maybe_unused]] const Object* next = object.via.array.ptr;
        (read(*next++, field), ...);
      },
      fields(value));
}

// Not inlined: GCC 12 then sees fields of an empty optional that may be uninitialized.
template <class T>
[[gnu::noinline]] void read(const Object& object, std::optional<T>& value) {
  value.reset();
  if (object.type != msgpack::type::NIL) read(object, value.emplace());
}

template <class T>
void read(const Object& object, std::vector<T>& values) {
  require(object.type == msgpack::type::ARRAY);
  values.clear();
  for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
    T value{};
    read(object.via.array.ptr[i], value);
    values.push_back(std::move(value));
  }
}

template <std::size_t I = 0, class... T>
void read_alternative(std::uint32_t index, const Object& object, std::variant<T...>& value) {
  if constexpr (I < sizeof...(T)) {
    if (index == I) return read(object, value.template emplace<I>());
    return read_alternative<I + 1>(index, object, value);
  }
  throw Malformed{};
}

template <class... T>
void read(const Object& object, std::variant<T...>& value) {
  require(object.type == msgpack::type::ARRAY && object.via.array.size == 2);
  std::uint32_t index = 0;
  read(object.via.array.ptr[0], index);
  read_alternative(index, object.via.array.ptr[1], value);
}

template <class Variant>
std::vector<std::byte> to_bytes(const Variant& message) {
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  write(packer, message);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer.data());
  return {begin, begin + buffer.size()};
}

template <class Variant>
std::optional<Variant> from_bytes(std::span<const std::byte> bytes) {
  const msgpack::unpack_limit limits(kMaxElements, kMaxElements, kMaxTextBytes, kMaxBinaryBytes, 0,
                                     kMaxDepth);
  try {
    std::size_t offset = 0;
    const msgpack::object_handle handle =
        msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(), offset, nullptr,
                        nullptr, limits);
    if (offset != bytes.size()) return std::nullopt;
    Variant message;
    read(handle.get(), message);
    return message;
  } catch (const Malformed&) {
  } catch (const msgpack::unpack_error&) {
  } catch (const std::bad_alloc&) {
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::byte> encode(const ChannelMessage& message) { return to_bytes(message); }
std::vector<std::byte> encode(const Task& message) { return to_bytes(message); }
std::vector<std::byte> encode(const Report& message) { return to_bytes(message); }

std::optional<ChannelMessage> decode_channel_message(std::span<const std::byte> bytes) {
  return from_bytes<ChannelMessage>(bytes);
}
std::optional<Task> decode_task(std::span<const std::byte> bytes) {
  return from_bytes<Task>(bytes);
}
std::optional<Report> decode_report(std::span<const std::byte> bytes) {
  return from_bytes<Report>(bytes);
}

std::string fitting(std::string text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  std::size_t size = most_bytes;
  // A character has at most three bytes behind its first.
  for (int back = 0; back < 3 && size > 0; ++back) {
    if ((static_cast<unsigned char>(text[size]) & 0xC0U) != 0x80U) break;
    --size;
  }
  text.resize(size);
  return text;
}

}  // namespace gristmill::ipc

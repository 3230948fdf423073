#include "python/call_host.h"

#include <utility>

#include "python/bindings.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

std::vector<std::byte> bytes_of(const nb::bytes& data) {
  const auto* begin = static_cast<const std::byte*>(data.data());
  return {begin, begin + data.size()};
}

// The bytes, mapped for as long as any array over them lives.
nb::object array_over(std::unique_ptr<workers::ArgumentMemory> memory) {
  const auto size = static_cast<std::size_t>(memory->size_bytes());
  std::byte* const data = memory->data();
  const bool writable = memory->writable();
  const nb::capsule owner(memory.release(), [](void* pointer) noexcept {
    delete static_cast<workers::ArgumentMemory*>(pointer);
  });
  if (writable) return nb::cast(nb::ndarray<nb::numpy, std::uint8_t>(data, {size}, owner));
  return nb::cast(nb::ndarray<nb::numpy, const std::uint8_t>(data, {size}, owner));
}

}  // namespace

PythonCallHost::~PythonCallHost() {
  const nb::gil_scoped_acquire acquired;
  run_.reset();
  fail_.reset();
}

workers::CallAnswer PythonCallHost::run(
    std::span<const std::byte> data, std::vector<std::unique_ptr<workers::ArgumentMemory>> memories,
    const ResultRoom& room) {
  const nb::gil_scoped_acquire acquired;
  nb::list arrays;
  for (auto& memory : memories) arrays.append(array_over(std::move(memory)));
  const auto make_room = [&room](std::int64_t size_bytes) -> nb::object {
    std::span<std::byte> bytes;
    {
      const nb::gil_scoped_release released;
      bytes = room(size_bytes);
    }
    if (bytes.empty()) return nb::none();
    return memory_view(bytes.data(), size_bytes, /*writable=*/true);
  };
  const nb::object answer =
      run_(nb::bytes(data.data(), data.size()), std::move(arrays), nb::cpp_function(make_room));
  end_forked_child();
  const auto [failed, bytes] = nb::cast<std::pair<bool, nb::bytes>>(answer);
  return {bytes_of(bytes), failed};
}

workers::CallAnswer PythonCallHost::failure(const Error& error) {
  const nb::gil_scoped_acquire acquired;
  return {bytes_of(nb::cast<nb::bytes>(fail_(error.what()))), true};
}

}  // namespace gristmill::python

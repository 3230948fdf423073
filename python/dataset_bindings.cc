#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include <gristmill/dataset.h>

#include "engine/dataset_storage.h"
#include "python/bindings.h"
#include "python/placed_arrays.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

// Memory to fill, and how many arrays of it Python has.
class FillableMemory {
 public:
  FillableMemory(DType dtype, Shape shape)
      : shared_(std::make_shared<Shared>(Shared{Dataset::create(dtype, std::move(shape))})) {}

  nb::object view() const {
    auto* const owned = new std::shared_ptr<Shared>(shared_);
    ++shared_->views;
    const nb::capsule owner(owned, [](void* pointer) noexcept {
      auto* const shared = static_cast<std::shared_ptr<Shared>*>(pointer);
      --(*shared)->views;
      delete shared;
    });
    NewDataset& memory = shared_->memory;
    const auto size = static_cast<std::size_t>(memory.view().size_bytes());
    return nb::cast(nb::ndarray<nb::numpy, std::uint8_t>(memory.data(), {size}, owner));
  }

  Dataset seal() {
    if (shared_->views > 0) {
      throw Error(ErrorCode::kInvalid,
                  {"cannot seal memory that arrays still use",
                   std::to_string(shared_->views) + " of them can write to it.",
                   "Delete the arrays that were made of it, or let them go out of scope, first."});
    }
    const nb::gil_scoped_release released;
    return std::move(shared_->memory).seal();
  }

 private:
  struct Shared {
    NewDataset memory;
    std::int64_t views = 0;  // guarded by the GIL
  };
  std::shared_ptr<Shared> shared_;
};

// The bytes, with the dataset kept alive by them. Of a finished output they can be written.
nb::object view_of(const Dataset& dataset) {
  placed_arrays().add(dataset);
  const nb::capsule owner(new Dataset(dataset),
                          [](void* pointer) noexcept { delete static_cast<Dataset*>(pointer); });
  const auto size = static_cast<std::size_t>(dataset.size_bytes());
  std::byte* const writable = dataset.storage()->writable_view();
  if (writable != nullptr) {
    return nb::cast(nb::ndarray<nb::numpy, std::uint8_t>(writable, {size}, owner));
  }
  return nb::cast(nb::ndarray<nb::numpy, const std::uint8_t>(dataset.view().data(), {size}, owner));
}

const void* pointer_of(std::uintptr_t address) { return reinterpret_cast<const void*>(address); }

// Of an array's bytes some words from all over it and the last ones: two arrays whose samples
// differ are different.
nb::bytes sample(std::uintptr_t address, std::size_t size_bytes) {
  constexpr std::size_t kWords = 64;
  constexpr std::size_t kEnd = 64;
  std::array<std::uint64_t, kWords> words{};
  const auto* const bytes = reinterpret_cast<const std::byte*>(address);
  const std::size_t step = std::max(size_bytes / kWords, sizeof(std::uint64_t));
  std::size_t count = 0;
  for (std::size_t at = 0; count < kWords && at + sizeof(std::uint64_t) <= size_bytes; at += step) {
    std::memcpy(&words[count++], bytes + at, sizeof(std::uint64_t));
  }
  std::string text(reinterpret_cast<const char*>(words.data()), count * sizeof(std::uint64_t));
  const std::size_t end = std::min(size_bytes, kEnd);
  text.append(reinterpret_cast<const char*>(bytes + size_bytes - end), end);
  return nb::bytes(text.data(), text.size());
}

}  // namespace

DType dtype_of(const std::string& name) {
  if (const std::optional<DType> dtype = dtype_named(name)) return *dtype;
  throw Error(ErrorCode::kInvalid, "no kernel can read elements of dtype \"" + name + "\"");
}

ArrayView array_at(std::uintptr_t address, const std::string& dtype, Shape shape) {
  return {pointer_of(address), dtype_of(dtype), std::move(shape)};
}

void bind_datasets(nb::module_& module) {
  nb::class_<Dataset>(module, "Dataset")
      .def_static("open", &Dataset::open, nb::call_guard<nb::gil_scoped_release>())
      .def_static("open_raw",
                  [](const std::filesystem::path& path, const std::string& dtype, Shape shape,
                     std::int64_t offset_bytes) {
                    const DType known = dtype_of(dtype);
                    const nb::gil_scoped_release released;
                    return Dataset::open_raw(path, known, std::move(shape), offset_bytes);
                  })
      .def_static("copy_of",
                  [](std::uintptr_t address, const std::string& dtype, Shape shape) {
                    const ArrayView array = array_at(address, dtype, std::move(shape));
                    const nb::gil_scoped_release released;
                    return Dataset::copy_of(array);
                  })
      .def_prop_ro("dtype", [](const Dataset& self) { return std::string(name_of(self.dtype())); })
      .def_prop_ro("shape", [](const Dataset& self) { return nb::tuple(nb::cast(self.shape())); })
      .def_prop_ro("size_bytes", &Dataset::size_bytes)
      .def_prop_ro("path", &Dataset::path)
      .def_prop_ro("address",
                   [](const Dataset& self) {
                     return reinterpret_cast<std::uintptr_t>(self.storage()->address());
                   })
      .def("part",
           [](const Dataset& self, const std::string& dtype, Shape shape,
              std::int64_t offset_bytes) {
             return self.part(dtype_of(dtype), std::move(shape), offset_bytes);
           })
      .def("view", &view_of);
  nb::class_<FillableMemory>(module, "FillableMemory")
      .def("__init__",
           [](FillableMemory* self, const std::string& dtype, Shape shape) {
             const DType known = dtype_of(dtype);
             const nb::gil_scoped_release released;
             new (self) FillableMemory(known, std::move(shape));
           })
      .def("view", &FillableMemory::view)
      .def("seal", &FillableMemory::seal);
  module.def("sample", &sample);
  module.def(
      "find_placed",
      [](std::uintptr_t address,
         std::int64_t size_bytes) -> std::optional<std::pair<Dataset, std::int64_t>> {
        auto found = placed_arrays().find(pointer_of(address), size_bytes);
        if (!found) return std::nullopt;
        return std::pair(std::move(found->whole), found->offset_bytes);
      },
      "The dataset that has these bytes, and where in it they begin; or None.");
}

}  // namespace gristmill::python

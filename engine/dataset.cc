#include <gristmill/dataset.h>

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "engine/checked_copy.h"
#include "engine/dataset_storage.h"
#include "engine/npy.h"
#include "engine/sealed_copy.h"
#include "ipc/system_error.h"

namespace gristmill {
namespace {

namespace fs = std::filesystem;

std::string quoted(const fs::path& path) { return fmt::format("\"{}\"", path.string()); }

[[noreturn]] void refuse(const fs::path& path, const std::string& why, std::string hint = {}) {
  throw Error(ErrorCode::kInvalid,
              {fmt::format("cannot open {}: {}", quoted(path), why), {}, std::move(hint)});
}

// All of the bytes from there on, or as many as the file has. Not through a mapping: a file that
// shrinks meanwhile is an error then, not a SIGBUS.
std::size_t read_at(const fs::path& path, int fd, std::span<std::byte> bytes, std::int64_t offset) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = pread(fd, bytes.data() + done, bytes.size() - done,
                                offset + static_cast<std::int64_t>(done));
    if (count == 0) break;
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      throw ipc::system_error("read " + quoted(path), errno, ErrorCode::kInvalid);
    }
  }
  return done;
}

engine::NpyHeader read_npy_header(const fs::path& path, const ipc::RegularFile& file) {
  std::vector<std::byte> head(
      static_cast<std::size_t>(std::min(file.size_bytes, engine::kMaxNpyHeaderBytes)));
  head.resize(read_at(path, file.fd.get(), head, 0));
  try {
    return engine::parse_npy_header(head, file.size_bytes);
  } catch (const Error& error) {
    refuse(path, error.message(), error.hint());
  }
}

std::shared_ptr<const DatasetStorage> copy_range(const fs::path& path, const ipc::RegularFile& file,
                                                 DType dtype, Shape shape, std::int64_t offset,
                                                 std::int64_t size) {
  const auto fill = [&](std::int64_t part_offset, std::span<std::byte> part) {
    if (read_at(path, file.fd.get(), part, offset + part_offset) < part.size()) {
      refuse(path, "it became shorter while it was read");
    }
  };
  struct stat status {};
  if (fstat(file.fd.get(), &status) != 0) throw ipc::system_error("open " + quoted(path), errno);
  return std::make_shared<DatasetStorage>(
      engine::sealed_copy(size, "a copy of " + quoted(path), fill), dtype, std::move(shape), path,
      engine::FileId(status));
}

std::string describe(DType dtype, const Shape& shape) {
  return fmt::format("a dataset of {} x {}", to_string(shape), name_of(dtype));
}

// In place if the elements are aligned there, else a copy. Requires: the range is inside the file.
std::shared_ptr<const DatasetStorage> place(const fs::path& path, ipc::RegularFile file,
                                            DType dtype, Shape shape, std::int64_t offset,
                                            std::int64_t size) {
  if (offset % static_cast<std::int64_t>(size_of(dtype)) != 0) {
    return copy_range(path, file, dtype, std::move(shape), offset, size);
  }
  return std::make_shared<DatasetStorage>(path, std::move(file), dtype, std::move(shape), offset);
}

}  // namespace

Dataset Dataset::open(const fs::path& path) {
  ipc::RegularFile file = ipc::open_regular_file(path);
  engine::NpyHeader header = read_npy_header(path, file);
  return Dataset(place(path, std::move(file), header.dtype, std::move(header.shape),
                       header.data_offset_bytes, header.data_size_bytes));
}

Dataset Dataset::open_raw(const fs::path& path, DType dtype, Shape shape,
                          std::int64_t offset_bytes) {
  if (shape.size() > kMaxRank) {
    refuse(path,
           fmt::format("{} axes are asked for: at most {} are supported", shape.size(), kMaxRank));
  }
  const auto size = gristmill::size_bytes(dtype, shape);
  if (!size) refuse(path, fmt::format("the shape {} is not possible", to_string(shape)));
  if (offset_bytes < 0) refuse(path, fmt::format("the offset {} is negative", offset_bytes));

  ipc::RegularFile file = ipc::open_regular_file(path);
  if (offset_bytes > file.size_bytes || *size > file.size_bytes - offset_bytes) {
    refuse(path, fmt::format("{} x {} from byte {} on needs {} bytes and the file has {} there",
                             to_string(shape), name_of(dtype), offset_bytes, *size,
                             std::max(file.size_bytes - offset_bytes, std::int64_t{0})));
  }
  return Dataset(place(path, std::move(file), dtype, std::move(shape), offset_bytes, *size));
}

Dataset Dataset::copy_of(const ArrayView& array) {
  const std::string what = describe(array.dtype(), array.shape());
  const auto* const bytes = static_cast<const std::byte*>(array.data());
  const auto fill = [&](std::int64_t offset, std::span<std::byte> part) {
    engine::checked_copy(part, bytes + offset, what);
  };
  return Dataset(std::make_shared<DatasetStorage>(
      engine::sealed_copy(array.size_bytes(), what, fill), array.dtype(), array.shape()));
}

Dataset Dataset::part(DType dtype, Shape shape, std::int64_t offset_bytes) const {
  const auto size = gristmill::size_bytes(dtype, shape);
  if (!size || shape.size() > kMaxRank || offset_bytes < 0 || *size > size_bytes() ||
      offset_bytes > size_bytes() - *size ||
      offset_bytes % static_cast<std::int64_t>(size_of(dtype)) != 0) {
    throw Error(ErrorCode::kInvalid,
                fmt::format("{} x {} from byte {} on is no part of a dataset of {} bytes",
                            to_string(shape), name_of(dtype), offset_bytes, size_bytes()));
  }
  return Dataset(
      std::make_shared<const DatasetStorage>(storage_, dtype, std::move(shape), offset_bytes));
}

NewDataset Dataset::create(DType dtype, Shape shape) { return {dtype, std::move(shape)}; }

ArrayView Dataset::view() const { return storage_->view(); }

DType Dataset::dtype() const { return storage_->dtype(); }

const Shape& Dataset::shape() const { return storage_->shape(); }

std::int64_t Dataset::size_bytes() const { return storage_->size_bytes(); }

bool Dataset::is_in_memory() const { return storage_->is_in_memory(); }

const fs::path& Dataset::path() const { return storage_->path(); }

}  // namespace gristmill

#include "engine/npy.h"

#include <fmt/format.h>

#include <bit>
#include <cassert>

#include "engine/npy_dict.h"
#include "engine/npy_dtype.h"

namespace gristmill::engine {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are shared as they are in files");

constexpr std::string_view kMagic = "\x93NUMPY";
// Magic, major, minor.
constexpr std::size_t kVersionEnd = 8;

[[noreturn]] void refuse(std::string why, std::string hint = {}) {
  throw Error(ErrorCode::kInvalid, {std::move(why), {}, std::move(hint)});
}

void require_magic(std::string_view head) {
  if (head.substr(0, 4) == "PK\x03\x04") {
    refuse("it is a zip archive (.npz), not a .npy file",
           "Save each array in a file of its own with numpy.save.");
  }
  if (head.empty()) refuse("it is empty");
  if (head.substr(0, kMagic.size()) != kMagic.substr(0, head.size())) {
    refuse("it is not a .npy file",
           "A file of raw elements needs a dtype and a shape, on the command line "
           "data.bin:dtype=float64,shape=1000x2.");
  }
  if (head.size() < kVersionEnd) refuse("it ends inside the header");
}

struct DictRange {
  std::size_t begin;
  std::size_t size;
};

DictRange dict_range(std::string_view head) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(head[index]); };
  const unsigned major = byte(6);
  const unsigned minor = byte(7);
  if (major < 1 || major > 3 || minor != 0) {
    refuse(
        fmt::format("its .npy format {}.{} is unknown: 1.0, 2.0 and 3.0 are read", major, minor));
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t begin = kVersionEnd + length_bytes;
  if (head.size() < begin) refuse("it ends inside the header");
  std::size_t size = 0;
  for (std::size_t i = length_bytes; i-- > 0;) size = size << 8 | byte(kVersionEnd + i);
  if (size > static_cast<std::size_t>(kMaxNpyHeaderBytes) - begin) {
    refuse(fmt::format("its header is {} bytes long: at most {} are read", begin + size,
                       kMaxNpyHeaderBytes));
  }
  if (size > head.size() - begin) refuse("it ends inside the header");
  return {begin, size};
}

void require_c_order(const NpyDict& dict) {
  if (!dict.fortran_order || dict.shape.size() <= 1) return;
  refuse("its array is in Fortran order",
         "Save it in C order: numpy.save(f, numpy.ascontiguousarray(a)).");
}

void require_data_size(std::int64_t promised, std::int64_t present) {
  if (promised == present) return;
  refuse(fmt::format("its header promises {} bytes of data and the file has {}", promised, present),
         promised > present
             ? "It was probably cut off while it was written or copied."
             : "If several arrays were saved into it, save each in a file of its own.");
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> head, std::int64_t file_size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  require_magic(text);
  const DictRange range = dict_range(text);
  NpyDict dict = parse_npy_dict(text.substr(range.begin, range.size));

  const DType dtype = parse_npy_dtype(dict.descr);
  require_c_order(dict);
  if (dict.shape.size() > kMaxRank) {
    refuse(fmt::format("its array has {} axes: at most {} are supported", dict.shape.size(),
                       kMaxRank));
  }
  const auto promised = size_bytes(dtype, dict.shape);
  if (!promised) {
    refuse(
        fmt::format("its shape {} promises more bytes than can be counted", to_string(dict.shape)));
  }
  const auto data_offset = static_cast<std::int64_t>(range.begin + range.size);
  require_data_size(*promised, file_size_bytes - data_offset);
  return {dtype, std::move(dict.shape), data_offset, *promised};
}

std::string npy_header(DType dtype, const Shape& shape) {
  assert(shape.size() <= kMaxRank);
  constexpr std::size_t kBegin = kVersionEnd + 2;
  constexpr std::size_t kDictBytes = static_cast<std::size_t>(kNpyDataOffsetBytes) - kBegin;
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(kDictBytes & 0xff), static_cast<char>(kDictBytes >> 8)};
  header += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                        npy_dtype(dtype), fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  header.resize(static_cast<std::size_t>(kNpyDataOffsetBytes) - 1, ' ');
  header += '\n';
  return header;
}

}  // namespace gristmill::engine

#include "engine/npy_dtype.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/printable.h"

namespace gristmill::engine {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 14> kDescr = {"|b1", "|i1", "<i2", "<i4", "<i8",
                                                     "|u1", "<u2", "<u4", "<u8", "<f2",
                                                     "<f4", "<f8", "<c8", "<c16"};
static_assert(kDescr.size() == static_cast<std::size_t>(kLastDType));

[[noreturn]] void refuse(std::string_view descr, std::string_view why, std::string_view hint = {}) {
  throw Error(ErrorCode::kInvalid,
              {fmt::format("its dtype \"{}\" {}", printable(descr), why), {}, std::string(hint)});
}

void refuse_other_kinds(std::string_view descr, char kind, std::string_view size) {
  constexpr std::string_view kAsDouble = "Save it as float64: numpy.save(f, a.astype('float64')).";
  switch (kind) {
    case 'O':
      refuse(descr, "is Python objects", kAsDouble);
    case 'S':
    case 'a':
    case 'U':
    case 'T':
      refuse(descr, "is text", "Arrays hold numbers or bool.");
    case 'M':
    case 'm':
      refuse(descr, "is dates or times", "Save their integers: numpy.save(f, a.view('int64')).");
    case 'V':
      refuse(descr, "is raw bytes", "View them as numbers: numpy.save(f, a.view('uint8')).");
    default:
      break;
  }
  const bool extended = (kind == 'f' && (size == "16" || size == "12")) ||
                        (kind == 'c' && (size == "32" || size == "24"));
  if (extended) {
    refuse(descr, "is of extended precision, which differs from machine to machine", kAsDouble);
  }
}

}  // namespace

DType parse_npy_dtype(std::string_view descr) {
  constexpr std::string_view kUnknown = "is unknown: it must be bool or numbers";
  if (descr.size() < 2) refuse(descr, kUnknown);
  const char order = descr[0];
  if (std::string_view("<>=|").find(order) == std::string_view::npos) refuse(descr, kUnknown);
  refuse_other_kinds(descr, descr[1], descr.substr(2));

  const auto found = std::find_if(kDescr.begin(), kDescr.end(), [&](std::string_view known) {
    return known.substr(1) == descr.substr(1);
  });
  if (found == kDescr.end()) refuse(descr, kUnknown);
  const bool one_byte = found->front() == '|';
  if (order == '>' && !one_byte) {
    refuse(descr, "is big-endian",
           "Save it in little-endian order: numpy.save(f, a.astype(a.dtype.newbyteorder('<'))).");
  }
  if (order == '|' && !one_byte) refuse(descr, "has no byte order");
  return static_cast<DType>(found - kDescr.begin() + 1);
}

std::string_view npy_dtype(DType dtype) { return kDescr.at(static_cast<std::size_t>(dtype) - 1); }

}  // namespace gristmill::engine

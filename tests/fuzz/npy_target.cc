#include <gristmill/error.h>

#include <algorithm>
#include <optional>
#include <string>

#include "engine/npy.h"
#include "tests/fuzz/target.h"

namespace gristmill::fuzz {
namespace {

using engine::NpyHeader;

bool same(const NpyHeader& left, const NpyHeader& right) {
  return left.dtype == right.dtype && left.shape == right.shape &&
         left.data_size_bytes == right.data_size_bytes;
}

void require_kept(const NpyHeader& header, std::int64_t file_size_bytes) {
  require(header.data_offset_bytes >= 0 && header.data_size_bytes >= 0 &&
              header.data_offset_bytes + header.data_size_bytes == file_size_bytes,
          "the elements end where the file ends");
  require(size_bytes(header.dtype, header.shape) == header.data_size_bytes,
          "the elements are as many as the shape says");
  const std::string written = engine::npy_header(header.dtype, header.shape);
  const NpyHeader read =
      engine::parse_npy_header(std::as_bytes(std::span(written)),
                               static_cast<std::int64_t>(written.size()) + header.data_size_bytes);
  require(same(read, header), "a header that is written is read as the same");
}

void require_fit_for_terminal(const Error& error) {
  require(error.code() == ErrorCode::kInvalid && !error.message().empty(),
          "a bad file is an error of the user, with a reason");
  require(std::ranges::all_of(error.message(), [](char c) { return c >= ' ' && c <= '~'; }),
          "what is wrong is said in printable characters");
}

}  // namespace
}  // namespace gristmill::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gristmill;
  const auto file_size_bytes = static_cast<std::int64_t>(size);
  std::optional<engine::NpyHeader> header;
  try {
    header = engine::parse_npy_header(fuzz::bytes_of(data, size), file_size_bytes);
  } catch (const Error& error) {
    fuzz::require_fit_for_terminal(error);
  }
  if (header) fuzz::require_kept(*header, file_size_bytes);
  return 0;
}

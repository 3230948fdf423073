#include "tests/fuzz/recoded.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gristmill::fuzz::require_same_when_recoded(gristmill::fuzz::bytes_of(data, size),
                                             gristmill::ipc::decode_report);
  return 0;
}

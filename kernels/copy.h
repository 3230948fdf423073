#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <gristmill/kernel.hpp>

namespace gristmill::kernels {

// The same array again: how a file gets into memory, by all workers.
class Copy {
 public:
  static constexpr const char* kName = "copy";
  static constexpr const char* kSummary = "the same array again, in memory or in a file";
  static constexpr const char* kDescription =
      "Copies the rows of an array of any dtype, bit by bit. Places a mapped file in memory, where "
      "the worker that copied a part has it mapped for the next job; writes raw elements as a .npy "
      "file.\n"
      "Stores go past the caches, which would only fill with what nobody reads soon.\n"
      "Cost: the speed of the memory, or of the disk that the file is read from.";
  static constexpr gm_input_decl kInputs[] = {
      kernel::input("array", "any dtype, one axis or more")};
  static constexpr gm_output_decl kOutputs[] = {
      kernel::output("copy", "dtype and shape of the input")};
  static constexpr std::uint32_t kFlags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT;

  static void plan(const kernel::Request& request, kernel::Plan& plan);
  explicit Copy(const kernel::Request& request) : source_(request.input("array").bytes()) {}
  void run(const kernel::Chunk& chunk) const;

 private:
  std::span<const std::byte> source_;
};

}  // namespace gristmill::kernels

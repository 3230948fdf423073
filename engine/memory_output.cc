#include "engine/memory_output.h"

#include "engine/reservation.h"

namespace gristmill::engine {
namespace {

ipc::Segment create_segment(const OutputArray& output) {
  require_below_file_limit(output.size_bytes(), describe_output(output.name()));
  return ipc::Segment::create(output.size_bytes());
}

}  // namespace

MemoryOutput::MemoryOutput(std::string name, DType dtype, Shape shape)
    : OutputArray(std::move(name), dtype, std::move(shape)),
      segment_(create_segment(*this)),
      mapping_(segment_.fd(), 0, segment_.size_bytes()) {}

}  // namespace gristmill::engine

#include <memory>

#include "python/bindings.h"
#include "python/line_buffer.h"

namespace gristmill::python {
namespace nb = nanobind;
namespace {

nb::tuple take(LineBuffer& buffer) {
  const LineBuffer::Taken taken = buffer.take();
  nb::list lines;
  for (const auto& [worker, text] : taken.lines) lines.append(nb::make_tuple(worker, text));
  return nb::make_tuple(lines, taken.arrived, taken.last);
}

}  // namespace

void bind_output(nb::module_& module) {
  nb::class_<LineBuffer>(module, "LineBuffer")
      .def(nb::new_([] { return std::make_shared<LineBuffer>(); }))
      .def("fd", &LineBuffer::fd)
      .def("take", &take)
      .def("arrived", &LineBuffer::arrived)
      .def("end", &LineBuffer::end);
}

}  // namespace gristmill::python

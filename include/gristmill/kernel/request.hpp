// What a job asks of a kernel. Part of kernel.hpp.
#pragma once

#include <initializer_list>

#include <gristmill/kernel/element.hpp>

namespace gristmill::kernel {

// One input of a request; a view, valid as long as the kernel's object. Its data is there for the
// constructor and run, not for plan.
class Input {
 public:
  Input(const char* name, const gm_array& array) : name_(name), array_(&array) {}

  const char* name() const { return name_; }
  // False for an optional input that the job does not have.
  bool given() const { return array_->dtype != 0; }
  gm_dtype dtype() const { return array_->dtype; }
  std::uint32_t rank() const { return array_->rank; }
  // Length of an axis. Requires: axis < rank().
  std::int64_t shape(std::uint32_t axis) const {
    if (axis < rank()) return array_->shape[axis];
    throw std::logic_error(std::string("input \"") + name_ + "\" has no axis " +
                           std::to_string(axis) + ": it has " + std::to_string(rank()));
  }
  // All lengths, and those behind axis 0.
  std::span<const std::int64_t> shape() const { return {array_->shape, rank()}; }
  std::span<const std::int64_t> row_shape() const {
    return rank() == 0 ? shape() : shape().subspan(1);
  }
  // Length of axis 0; 1 for a scalar.
  std::int64_t rows() const { return rank() == 0 ? 1 : shape(0); }
  // Elements per row: the product of all other lengths.
  std::int64_t columns() const { return detail::columns_of(*array_); }

  // Errors: Invalid if the dtype is none of these. Returns *this.
  const Input& require_dtype(std::initializer_list<gm_dtype> accepted) const;
  // Errors: Invalid if the array has another number of axes. Returns *this.
  const Input& require_rank(std::uint32_t rank) const;
  // Errors: Invalid if it has not as many rows as the other input. Returns *this.
  const Input& require_rows_of(const Input& other) const;

  // Its first byte, whatever the dtype. Null for plan, and for an array without elements.
  const void* data() const { return array_->data; }
  // The whole array, no copy. T: an element type, for std::span<const T>; or a matrix view such as
  // Eigen::Map<const RowMajorMatrix>, rows() x columns(). Errors: Invalid if T is not the dtype.
  template <class T>
  auto as() const {
    using Element = std::remove_const_t<typename detail::ElementOf<T>::Type>;
    return detail::view_of<T, const Element>(elements<Element>(), rows(), columns());
  }
  // Rows [begin, end) of it, in the same way. Requires: 0 <= begin <= end <= rows().
  template <class T>
  auto rows_as(std::int64_t begin, std::int64_t end) const {
    if (begin < 0 || end < begin || end > rows()) {
      throw std::logic_error("rows " + std::to_string(begin) + " to " + std::to_string(end) +
                             " of input \"" + name_ + "\": it has " + std::to_string(rows()));
    }
    using Element = std::remove_const_t<typename detail::ElementOf<T>::Type>;
    return detail::view_of<T, const Element>(elements<Element>() + begin * columns(), end - begin,
                                             columns());
  }
  // All of its bytes, for kernels that take any dtype; no copy.
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(array_->data),
            static_cast<std::size_t>(rows() * columns() * dtype_bytes(dtype()))};
  }

 private:
  template <class T>
  const T* elements() const {
    require_dtype({dtype_of<T>()});
    if (array_->data == nullptr && rows() != 0 && columns() != 0) {
      throw std::logic_error(std::string("the data of input \"") + name_ + "\" is not there yet");
    }
    return static_cast<const T*>(array_->data);
  }

  const char* name_;
  const gm_array* array_;
};

// What a job asks of the kernel. Names and indices are those of the kernel's declarations; a name
// that it does not declare is std::logic_error.
class Request {
 public:
  // Requires: both outlive the Request.
  Request(const gm_kernel& kernel, const gm_request& request);

  Input input(std::size_t index) const {
    return {kernel_->inputs[index].name, request_->inputs[index]};
  }
  Input input(std::string_view name) const {
    return input(detail::index_of("input", kernel_->inputs, kernel_->input_count, name));
  }

  // The value given, or the default. T: as declared, see param_type_of; texts and lists are views.
  template <class T>
  T param(std::string_view name) const;

  // Index of a string parameter's value among the choices. Errors: Invalid, naming them all.
  std::size_t choice(std::string_view name, std::span<const char* const> choices) const;

  // Whether the job has a use for this output; if not, it need not be computed.
  bool wanted(std::string_view name) const {
    return request_->output_wanted[detail::index_of("output", kernel_->outputs,
                                                    kernel_->output_count, name)] != 0;
  }

  const gm_kernel& kernel() const { return *kernel_; }

 private:
  const gm_kernel* kernel_;
  const gm_request* request_;
};

inline const Input& Input::require_dtype(std::initializer_list<gm_dtype> accepted) const {
  std::string names;
  for (const gm_dtype candidate : accepted) {
    if (candidate == dtype()) return *this;
    names += (names.empty() ? "" : " or ") + std::string(dtype_name(candidate));
  }
  throw Invalid(std::string("input \"") + name_ + "\" is " + dtype_name(dtype()) + ", not " + names,
                "Convert it, or choose another file.");
}

inline const Input& Input::require_rank(std::uint32_t wanted) const {
  if (rank() == wanted) return *this;
  throw Invalid(std::string("input \"") + name_ + "\" has " + std::to_string(rank()) +
                (rank() == 1 ? " axis" : " axes") + ", not " + std::to_string(wanted));
}

inline const Input& Input::require_rows_of(const Input& other) const {
  if (rows() == other.rows()) return *this;
  throw Invalid(std::string("input \"") + name_ + "\" has " + std::to_string(rows()) +
                " rows, input \"" + other.name() + "\" has " + std::to_string(other.rows()));
}

inline Request::Request(const gm_kernel& kernel, const gm_request& request)
    : kernel_(&kernel), request_(&request) {
  detail::check_struct_size(request);
  if (request.input_count != kernel.input_count || request.param_count != kernel.param_count ||
      request.output_count != kernel.output_count) {
    throw std::logic_error("the request does not follow the declarations of the kernel");
  }
}

template <class T>
T Request::param(std::string_view name) const {
  const std::size_t i = detail::index_of("parameter", kernel_->params, kernel_->param_count, name);
  const gm_param_value& value = request_->params[i];
  if (kernel_->params[i].type != param_type_of<T>() || value.type != param_type_of<T>()) {
    throw std::logic_error("parameter \"" + std::string(name) + "\" is of another type");
  }
  if constexpr (std::is_same_v<T, bool>) {
    return value.integer != 0;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return value.integer;
  } else if constexpr (std::is_same_v<T, double>) {
    return value.real;
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return value.text;
  } else {
    return T(value.list, value.list_length);
  }
}

inline std::size_t Request::choice(std::string_view name,
                                   std::span<const char* const> choices) const {
  const auto value = param<std::string_view>(name);
  std::string known;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (value == choices[i]) return i;
    known += (i == 0 ? "\"" : ", \"") + std::string(choices[i]) + "\"";
  }
  throw Invalid("unknown " + std::string(name) + " \"" + std::string(value) + "\"",
                "Known are " + known + ".");
}

}  // namespace gristmill::kernel

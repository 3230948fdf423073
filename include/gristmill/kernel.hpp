// Kernels in C++: plain structs on top of the C ABI of kernel.h. This is one:
//
//   #include <Eigen/Core>
//   #include <gristmill/kernel.hpp>
//   namespace gk = gristmill::kernel;
//   using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
//   using Rows = Eigen::Map<const Matrix>;
//   using Sums = Eigen::Map<Eigen::VectorXd>;
//
//   struct RowSum {
//     static constexpr const char* kName = "row_sum";
//     static constexpr const char* kSummary = "sum of each row";
//     static constexpr gm_input_decl kInputs[] = {gk::input("rows", "N x d float64")};
//     static constexpr gm_output_decl kOutputs[] = {gk::output("sum", "float64")};
//
//     static void plan(const gk::Request&, gk::Plan& plan) {
//       plan.rows_of("rows").output<double>("sum");
//     }
//     explicit RowSum(const gk::Request& request) : rows_(request.input("rows").as<Rows>()) {}
//     void run(const gk::Chunk& chunk) {
//       chunk.output<Sums>("sum") = rows_.middleRows(chunk.begin(), chunk.size()).rowwise().sum();
//     }
//     Rows rows_;
//   };
//   GRISTMILL_KERNELS(RowSum)
//
// A kernel with merge and finish is a reduce: run adds its items to an accumulator, which begins as
// zeros, merge adds one accumulator to another, finish writes the outputs, which have any shape. An
// accumulator is an array of a plain type, whose length plan says. docs/cpp.md has one.
//
// Optional: kDescription, kParams, kFlags. plan sees no data. A worker makes one object per job and
// calls run once per chunk that it takes; all from one thread. Exceptions end as a gm_status with
// their text: see Error. Compile plug-ins with -fvisibility=hidden (or the struct in an unnamed
// namespace): else two plug-ins of one process that use the same struct name share what is static.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gristmill/kernel.h>

namespace gristmill::kernel {

// What a kernel throws to choose its status. message: lower case, no full stop. hint: a sentence,
// or empty. std::bad_alloc becomes GM_NO_MEMORY, any other exception GM_FAILED.
class Error : public std::runtime_error {
 public:
  Error(gm_status status, const std::string& message, std::string hint)
      : std::runtime_error(message), status_(status), hint_(std::move(hint)) {}

  gm_status status() const { return status_; }
  const std::string& hint() const { return hint_; }

 private:
  gm_status status_;
  std::string hint_;
};

// The request does not suit the kernel.
class Invalid : public Error {
 public:
  explicit Invalid(const std::string& message, std::string hint = {})
      : Error(GM_INVALID, message, std::move(hint)) {}
};

// The kernel could not do it.
class Failed : public Error {
 public:
  explicit Failed(const std::string& message, std::string hint = {})
      : Error(GM_FAILED, message, std::move(hint)) {}
};

namespace detail {

template <class>
inline constexpr bool kNever = false;

template <class T>
concept Complex = requires {
  typename T::value_type;
}
&&std::is_floating_point_v<typename T::value_type> &&
    sizeof(T) == 2 * sizeof(typename T::value_type) && requires(T value) {
  value.imag();
};

// What Input::as and Chunk::output make instead of a span: Eigen::Map, or anything like it.
template <class T>
concept MatrixView = requires {
  typename T::Scalar;
}
&&std::is_constructible_v<T, typename T::Scalar*, std::int64_t, std::int64_t>;

template <class View>
consteval bool is_row_major() {
  return View::IsRowMajor || View::ColsAtCompileTime == 1;
}

inline std::int64_t saturating_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max()
                                                : product;
}

// Index of the declaration of that name. A wrong name is the kernel's own mistake, not the user's.
template <class Decl>
std::size_t index_of(const char* what, const Decl* decls, std::size_t count,
                     std::string_view name) {
  for (std::size_t i = 0; i < count; ++i) {
    if (name == decls[i].name) return i;
  }
  throw std::logic_error(std::string("the kernel declares no ") + what + " \"" + std::string(name) +
                         "\"");
}

template <class T>
std::span<T> accumulator_at(std::conditional_t<std::is_const_v<T>, const void, void>* data,
                            std::int64_t size_bytes) {
  if (data == nullptr) throw std::logic_error("only a reduce has accumulators");
  return {static_cast<T*>(data), static_cast<std::size_t>(size_bytes) / sizeof(T)};
}

template <class Struct>
void check_struct_size(const Struct& of_host) {
  if (of_host.struct_size < sizeof(Struct)) {
    throw Failed("the host is older than the plug-in", "Build both from the same version.");
  }
}

}  // namespace detail

// The dtype of a C++ type: bool, integers, float, double, std::complex of both.
template <class T>
consteval gm_dtype dtype_of() {
  using U = std::remove_const_t<T>;
  if constexpr (std::is_same_v<U, bool>) {
    return GM_BOOL;
  } else if constexpr (std::is_same_v<U, float>) {
    return GM_FLOAT32;
  } else if constexpr (std::is_same_v<U, double>) {
    return GM_FLOAT64;
  } else if constexpr (detail::Complex<U>) {
    return sizeof(U) == 8 ? GM_COMPLEX64 : GM_COMPLEX128;
  } else if constexpr (std::is_integral_v<U> && sizeof(U) <= 8) {
    constexpr gm_dtype kSmallest = std::is_signed_v<U> ? GM_INT8 : GM_UINT8;
    return kSmallest + (sizeof(U) == 1 ? 0 : sizeof(U) == 2 ? 1 : sizeof(U) == 4 ? 2 : 3);
  } else {
    static_assert(detail::kNever<T>, "not the type of an element");
  }
}

// NumPy's name: "float64".
inline const char* dtype_name(gm_dtype dtype) {
  constexpr const char* kNames[] = {"nothing", "bool",    "int8",    "int16",     "int32",
                                    "int64",   "uint8",   "uint16",  "uint32",    "uint64",
                                    "float16", "float32", "float64", "complex64", "complex128"};
  return dtype < std::size(kNames) ? kNames[dtype] : "an unknown dtype";
}

inline std::int64_t dtype_bytes(gm_dtype dtype) {
  constexpr std::int64_t kBytes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 8, 16};
  return dtype < std::size(kBytes) ? kBytes[dtype] : 0;
}

// The type of a parameter: bool, std::int64_t, double, std::string_view or std::span<const double>.
template <class T>
consteval gm_param_type param_type_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return GM_PARAM_BOOL;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return GM_PARAM_INT;
  } else if constexpr (std::is_same_v<T, double>) {
    return GM_PARAM_FLOAT;
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return GM_PARAM_STRING;
  } else if constexpr (std::is_same_v<T, std::span<const double>>) {
    return GM_PARAM_LIST;
  } else {
    static_assert(detail::kNever<T>, "not the type of a parameter");
  }
}

// Declarations. All texts must be static.
constexpr gm_input_decl input(const char* name, const char* help) { return {name, help, 0, 0}; }
constexpr gm_input_decl optional_input(const char* name, const char* help) {
  return {name, help, GM_OPTIONAL, 0};
}
template <class T>
constexpr gm_param_decl param(const char* name, const char* help, const char* default_value) {
  return {name, help, default_value, param_type_of<T>(), 0};
}
constexpr gm_output_decl output(const char* name, const char* help) { return {name, help}; }

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
  std::int64_t shape(std::uint32_t axis) const { return array_->shape[axis]; }
  // Length of axis 0; 1 for a scalar.
  std::int64_t rows() const { return rank() == 0 ? 1 : shape(0); }
  // Elements per row: the product of all other lengths.
  std::int64_t columns() const {
    std::int64_t product = 1;
    for (std::uint32_t i = 1; i < rank(); ++i)
      product = detail::saturating_product(product, shape(i));
    return product;
  }

  // Errors: Invalid if the dtype is none of these. Returns *this.
  const Input& require_dtype(std::initializer_list<gm_dtype> accepted) const;
  // Errors: Invalid if the array has another number of axes. Returns *this.
  const Input& require_rank(std::uint32_t rank) const;

  // Its first byte, whatever the dtype. Null for plan, and for an array without elements.
  const void* data() const { return array_->data; }
  // The whole array, no copy. T: an element type, for std::span<const T>; or a matrix view such as
  // Eigen::Map<const RowMajorMatrix>, rows() x columns(). Errors: Invalid if T is not the dtype.
  template <class T>
  auto as() const;
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

// The kernel's answer to a request. Items and every output must be said, all else may be.
class Plan {
 public:
  // row_spaces: per input, rows of "input". Requires: all outlive the Plan.
  Plan(const Request& request, std::span<const std::string> row_spaces, gm_plan& plan)
      : request_(&request), row_spaces_(row_spaces), plan_(&plan) {
    plan_->items = -1;
    plan_->bytes_per_item = -1;
  }

  // An item is a row of this input.
  Plan& rows_of(std::string_view input);
  // Items are 0 .. count-1; index_space says in words of what, and must be static.
  Plan& items(std::int64_t count, const char* index_space);
  // One row per item, of these lengths: none for one element per item. In a reduce: the whole
  // output, none for a single element.
  Plan& output(std::string_view name, gm_dtype dtype, std::span<const std::int64_t> row);
  Plan& output(std::string_view name, gm_dtype dtype,
               std::initializer_list<std::int64_t> row = {}) {
    return output(name, dtype, std::span(row.begin(), row.size()));
  }
  template <class T>
  Plan& output(std::string_view name, std::initializer_list<std::int64_t> row = {}) {
    return output(name, dtype_of<T>(), row);
  }
  // Of a reduce: count elements of a plain type.
  template <class T>
  Plan& accumulator(std::int64_t count) {
    static_assert(std::is_trivially_copyable_v<T>, "accumulators are copied as bytes");
    if (count < 0) throw Invalid("the accumulator has a negative length");
    // The host knows no accumulator without a byte.
    plan_->accumulator_bytes = std::max(
        detail::saturating_product(count, static_cast<std::int64_t>(sizeof(T))), std::int64_t{1});
    return *this;
  }
  // What is read and written per item. Default: its row of the input of rows_of, and of all
  // outputs.
  Plan& bytes_per_item(std::int64_t bytes);
  // A constant estimate: from the request alone, the same on every machine.
  Plan& nanoseconds_per_item(double nanoseconds);
  // The code path taken on this machine; must be static.
  Plan& instruction_set(const char* name);

  // Fills in what follows from the rest. Called by the kit.
  void finish();

 private:
  bool is_reduce() const { return request_->kernel().pattern == GM_REDUCE; }

  const Request* request_;
  std::span<const std::string> row_spaces_;
  gm_plan* plan_;
  std::int64_t input_row_bytes_ = 0;
};

// A chunk of a job: items begin() to end(), and their rows of the outputs. Valid during run.
class Chunk {
 public:
  Chunk(const gm_kernel& kernel, const gm_host& host, const gm_chunk& chunk)
      : kernel_(&kernel), host_(&host), chunk_(&chunk) {}

  std::int64_t begin() const { return chunk_->begin; }
  std::int64_t end() const { return chunk_->end; }
  std::int64_t size() const { return end() - begin(); }

  // True when the job was cancelled: return soon, whatever is done. A few nanoseconds.
  bool cancelled() const { return host_->cancelled(host_->context) != 0; }

  bool wanted(std::string_view name) const { return array(name).data != nullptr; }
  // The rows of this chunk, row-major, to be written in place. T: an element type, for
  // std::span<T>; or a matrix view such as Eigen::Map<RowMajorMatrix>, size() x elements per row.
  // Requires: wanted.
  template <class T>
  auto output(std::string_view name) const;
  // The same as bytes, for kernels that give any dtype.
  std::span<std::byte> output_bytes(std::string_view name) const;

  // Of a reduce: what the items are to be added to.
  template <class T>
  std::span<T> accumulator() const {
    return detail::accumulator_at<T>(chunk_->accumulator, chunk_->accumulator_bytes);
  }

 private:
  const gm_array& array(std::string_view name) const {
    if (chunk_->outputs == nullptr) throw std::logic_error("a reduce has its outputs in finish");
    return chunk_
        ->outputs[detail::index_of("output", kernel_->outputs, kernel_->output_count, name)];
  }

  const gm_kernel* kernel_;
  const gm_host* host_;
  const gm_chunk* chunk_;
};

// Two accumulators of a reduce. Valid during merge.
class Merge {
 public:
  explicit Merge(const gm_merge& merge) : merge_(&merge) {}

  // What is to be added to. Its items come before those of `from`, but for an exact merge.
  template <class T>
  std::span<T> into() const {
    return detail::accumulator_at<T>(merge_->into, merge_->accumulator_bytes);
  }
  template <class T>
  std::span<const T> from() const {
    return detail::accumulator_at<const T>(merge_->from, merge_->accumulator_bytes);
  }

 private:
  const gm_merge* merge_;
};

// The accumulator of all items, zeros if there are none, and the outputs. Valid during finish.
class Finish {
 public:
  Finish(const gm_kernel& kernel, const gm_finish& finish) : kernel_(&kernel), finish_(&finish) {}

  template <class T>
  std::span<const T> accumulator() const {
    return detail::accumulator_at<const T>(finish_->accumulator, finish_->accumulator_bytes);
  }
  bool wanted(std::string_view name) const { return array(name).data != nullptr; }
  // The whole output, row-major. Requires: wanted.
  template <class T>
  std::span<T> output(std::string_view name) const;

 private:
  const gm_array& array(std::string_view name) const {
    return finish_
        ->outputs[detail::index_of("output", kernel_->outputs, kernel_->output_count, name)];
  }

  const gm_kernel* kernel_;
  const gm_finish* finish_;
};

template <class T>
auto Input::as() const {
  if constexpr (detail::MatrixView<T>) {
    static_assert(detail::is_row_major<T>(), "arrays are row-major");
    return T(elements<typename T::Scalar>(), rows(), columns());
  } else {
    return std::span<const T>(elements<T>(), static_cast<std::size_t>(rows() * columns()));
  }
}

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

inline Plan& Plan::rows_of(std::string_view name) {
  const gm_kernel& kernel = request_->kernel();
  const std::size_t i = detail::index_of("input", kernel.inputs, kernel.input_count, name);
  const Input rows = request_->input(i);
  input_row_bytes_ = detail::saturating_product(rows.columns(), dtype_bytes(rows.dtype()));
  return items(rows.rows(), row_spaces_[i].c_str());
}

inline Plan& Plan::items(std::int64_t count, const char* index_space) {
  plan_->items = count;
  plan_->index_space = index_space;
  return *this;
}

inline Plan& Plan::output(std::string_view name, gm_dtype dtype,
                          std::span<const std::int64_t> row) {
  const std::size_t first = is_reduce() ? 0 : 1;
  if (first + row.size() > GM_MAX_RANK) throw std::logic_error("an output has too many axes");
  const gm_kernel& kernel = request_->kernel();
  gm_array& array =
      plan_->outputs[detail::index_of("output", kernel.outputs, kernel.output_count, name)];
  array.dtype = dtype;
  array.rank = static_cast<std::uint32_t>(first + row.size());
  std::copy(row.begin(), row.end(), array.shape + first);
  return *this;
}

inline Plan& Plan::bytes_per_item(std::int64_t bytes) {
  plan_->bytes_per_item = bytes;
  return *this;
}

inline Plan& Plan::nanoseconds_per_item(double nanoseconds) {
  plan_->nanoseconds_per_item = nanoseconds;
  return *this;
}

inline Plan& Plan::instruction_set(const char* name) {
  plan_->instruction_set = name;
  return *this;
}

inline void Plan::finish() {
  const gm_kernel& kernel = request_->kernel();
  if (plan_->items < 0) throw std::logic_error("the plan says no items");
  std::int64_t bytes = input_row_bytes_;
  for (std::uint32_t i = 0; i < kernel.output_count; ++i) {
    gm_array& array = plan_->outputs[i];
    if (array.dtype == 0) {
      throw std::logic_error(std::string("the plan says nothing of output \"") +
                             kernel.outputs[i].name + "\"");
    }
    if (is_reduce()) continue;
    array.shape[0] = plan_->items;
    const std::int64_t row = Input(kernel.outputs[i].name, array).columns();
    if (__builtin_add_overflow(bytes, detail::saturating_product(row, dtype_bytes(array.dtype)),
                               &bytes)) {
      bytes = std::numeric_limits<std::int64_t>::max();
    }
  }
  plan_->output_count = kernel.output_count;
  if (is_reduce() && plan_->accumulator_bytes < 1) {
    throw std::logic_error("the plan says no accumulator");
  }
  if (plan_->bytes_per_item < 0) plan_->bytes_per_item = bytes;
}

template <class T>
auto Chunk::output(std::string_view name) const {
  const gm_array& whole = array(name);
  if (whole.data == nullptr) {
    throw std::logic_error("output \"" + std::string(name) + "\" is not wanted");
  }
  const std::int64_t columns = Input("", whole).columns();
  const auto rows_of = [&]<class Element>(Element) {
    if (whole.dtype != dtype_of<Element>()) {
      throw std::logic_error("output \"" + std::string(name) + "\" is of another dtype");
    }
    return static_cast<Element*>(whole.data) + begin() * columns;
  };
  if constexpr (detail::MatrixView<T>) {
    static_assert(detail::is_row_major<T>(), "arrays are row-major");
    return T(rows_of(typename T::Scalar{}), size(), columns);
  } else {
    return std::span<T>(rows_of(T{}), static_cast<std::size_t>(size() * columns));
  }
}

inline std::span<std::byte> Chunk::output_bytes(std::string_view name) const {
  const gm_array& whole = array(name);
  if (whole.data == nullptr) {
    throw std::logic_error("output \"" + std::string(name) + "\" is not wanted");
  }
  const std::int64_t row_bytes = Input("", whole).columns() * dtype_bytes(whole.dtype);
  return {static_cast<std::byte*>(whole.data) + begin() * row_bytes,
          static_cast<std::size_t>(size() * row_bytes)};
}

template <class T>
std::span<T> Finish::output(std::string_view name) const {
  const gm_array& whole = array(name);
  if (whole.data == nullptr) {
    throw std::logic_error("output \"" + std::string(name) + "\" is not wanted");
  }
  if (whole.dtype != dtype_of<T>()) {
    throw std::logic_error("output \"" + std::string(name) + "\" is of another dtype");
  }
  const Input shape("", whole);
  return {static_cast<T*>(whole.data), static_cast<std::size_t>(shape.rows() * shape.columns())};
}

namespace detail {

// Runs one call of the ABI, and turns what it throws into a status and its text.
template <class Body>
gm_status guarded(const gm_host* host, const Body& body) noexcept {
  const auto report = [host](gm_status status, const char* message, const char* hint = nullptr) {
    host->set_error(host->context, message, hint);
    return status;
  };
  try {
    check_struct_size(*host);
    body();
    return GM_OK;
  } catch (const Error& error) {
    const char* hint = error.hint().empty() ? nullptr : error.hint().c_str();
    return report(error.status(), error.what(), hint);
  } catch (const std::bad_alloc&) {
    return report(GM_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return report(GM_FAILED, error.what());
  } catch (...) {
    return report(GM_FAILED, "the kernel threw something that is no std::exception");
  }
}

template <class K>
concept Reduces = requires(K& kernel, const Merge& merge, const Finish& finish) {
  kernel.merge(merge);
  kernel.finish(finish);
};

// Half a reduce is a mistake, not a map.
template <class K>
concept HasMergeOrFinish = requires {
  &K::merge;
}
|| requires { &K::finish; };

// A kernel struct as the C ABI wants it. Hidden: see the note on -fvisibility above.
template <class K>
struct [[gnu::visibility("hidden")]] Adapter {
  static gm_status plan(const gm_host* host, const gm_request* request, gm_plan* plan) noexcept {
    return guarded(host, [&] {
      check_struct_size(*plan);
      const Request checked(kKernel, *request);
      Plan answer(checked, row_spaces(), *plan);
      K::plan(checked, answer);
      answer.finish();
    });
  }

  static gm_status open(const gm_host* host, const gm_request* request, void** state) noexcept {
    return guarded(host, [&] { *state = new K(Request(kKernel, *request)); });
  }

  static gm_status run(const gm_host* host, void* state, const gm_chunk* chunk) noexcept {
    return guarded(host, [&] {
      check_struct_size(*chunk);
      static_cast<K*>(state)->run(Chunk(kKernel, *host, *chunk));
    });
  }

  static void close(void* state) noexcept { delete static_cast<K*>(state); }

  static gm_status merge(const gm_host* host, void* state, const gm_merge* merge) noexcept {
    return guarded(host, [&] {
      check_struct_size(*merge);
      static_cast<K*>(state)->merge(Merge(*merge));
    });
  }

  static gm_status finish(const gm_host* host, void* state, const gm_finish* finish) noexcept {
    return guarded(host, [&] {
      check_struct_size(*finish);
      static_cast<K*>(state)->finish(Finish(kKernel, *finish));
    });
  }

  static std::span<const std::string> row_spaces() {
    static const auto kTexts = [] {
      std::array<std::string, std::size(K::kInputs)> all;
      for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = std::string("rows of \"") + K::kInputs[i].name + "\"";
      }
      return all;
    }();
    return kTexts;
  }

  static constexpr gm_kernel declaration() {
    gm_kernel kernel{};
    kernel.struct_size = sizeof(gm_kernel);
    kernel.name = K::kName;
    kernel.summary = kernel.description = K::kSummary;
    if constexpr (requires { K::kDescription; }) kernel.description = K::kDescription;
    if constexpr (requires { K::kFlags; }) kernel.flags = K::kFlags;
    kernel.input_count = std::size(K::kInputs);
    kernel.inputs = std::data(K::kInputs);
    if constexpr (requires { K::kParams; }) {
      kernel.param_count = std::size(K::kParams);
      kernel.params = std::data(K::kParams);
    }
    static_assert(std::size(K::kOutputs) <= GM_MAX_OUTPUTS);
    kernel.output_count = std::size(K::kOutputs);
    kernel.outputs = std::data(K::kOutputs);
    kernel.plan = &plan;
    kernel.open = &open;
    kernel.run = &run;
    kernel.close = &close;
    static_assert(Reduces<K> || !HasMergeOrFinish<K>,
                  "a reduce has void merge(const Merge&) and void finish(const Finish&)");
    if constexpr (Reduces<K>) {
      kernel.pattern = GM_REDUCE;
      kernel.merge = &merge;
      kernel.finish = &finish;
    }
    return kernel;
  }

  static constexpr gm_kernel kKernel = declaration();
};

template <class... Kernels>
[[gnu::visibility("hidden")]] const gm_plugin* plugin() {
  static constexpr const gm_kernel* kKernels[] = {&Adapter<Kernels>::kKernel...};
  static constexpr gm_plugin kPlugin = {GM_PLUGIN_MAGIC,   GM_ABI_MAJOR,      GM_ABI_MINOR,
                                        sizeof(gm_plugin), sizeof(gm_kernel), sizeof...(Kernels),
                                        kKernels};
  return &kPlugin;
}

}  // namespace detail

}  // namespace gristmill::kernel

// Makes a plug-in of these kernels. Once per shared object, outside of any namespace.
#define GRISTMILL_KERNELS(...)                                                              \
  extern "C" __attribute__((visibility("default"))) const gm_plugin* gm_plugin_query(void); \
  extern "C" const gm_plugin* gm_plugin_query(void) {                                       \
    return ::gristmill::kernel::detail::plugin<__VA_ARGS__>();                              \
  }

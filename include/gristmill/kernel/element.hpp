// Elements of arrays and types of parameters, and what a kernel throws. Part of kernel.hpp.
#pragma once

#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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

// What is made instead of a span: Eigen::Map, or anything like it.
template <class T>
concept MatrixView = requires {
  typename T::Scalar;
}
&&std::is_constructible_v<T, typename T::Scalar*, std::int64_t, std::int64_t>;

template <class View>
consteval bool is_row_major() {
  return View::IsRowMajor || View::ColsAtCompileTime == 1;
}

// The element type of T, which is one itself or a matrix view.
template <class T>
struct ElementOf {
  using Type = T;
};
template <MatrixView T>
struct ElementOf<T> {
  using Type = typename T::Scalar;
};

// Rows as a span, or as a matrix view if T is one.
template <class T, class Element>
auto view_of(Element* elements, std::int64_t rows, std::int64_t columns) {
  if constexpr (MatrixView<T>) {
    static_assert(is_row_major<T>(), "arrays are row-major");
    return T(elements, rows, columns);
  } else {
    return std::span<Element>(elements, static_cast<std::size_t>(rows * columns));
  }
}

inline std::int64_t saturating_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max()
                                                : product;
}

// Elements per row.
inline std::int64_t columns_of(const gm_array& array) {
  std::int64_t product = 1;
  for (std::uint32_t i = 1; i < array.rank; ++i)
    product = saturating_product(product, array.shape[i]);
  return product;
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

// Calls body with a value of the C++ type of that dtype, for whole numbers, float32 and float64:
//
//   gk::dispatch(rows.dtype(), [&]<class T>(T) { add_up(rows.as<T>()); });
//
// Errors: Invalid for another dtype.
template <class Body>
decltype(auto) dispatch(gm_dtype dtype, Body&& body) {
  switch (dtype) {
    case GM_INT8:
      return body(std::int8_t{});
    case GM_INT16:
      return body(std::int16_t{});
    case GM_INT32:
      return body(std::int32_t{});
    case GM_INT64:
      return body(std::int64_t{});
    case GM_UINT8:
      return body(std::uint8_t{});
    case GM_UINT16:
      return body(std::uint16_t{});
    case GM_UINT32:
      return body(std::uint32_t{});
    case GM_UINT64:
      return body(std::uint64_t{});
    case GM_FLOAT32:
      return body(float{});
    case GM_FLOAT64:
      return body(double{});
    default:
      throw Invalid(std::string("cannot compute with ") + dtype_name(dtype),
                    "Convert it to whole numbers, float32 or float64.");
  }
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

}  // namespace gristmill::kernel

// What the functions of a kernel work on. Part of kernel.hpp.
#pragma once

#include <new>

#include <gristmill/kernel/request.hpp>

namespace gristmill::kernel {

namespace detail {

template <class T>
std::span<T> accumulator_at(std::conditional_t<std::is_const_v<T>, const void, void>* data,
                            std::int64_t size_bytes) {
  if (data == nullptr) throw std::logic_error("only a reduce has accumulators");
  return {static_cast<T*>(data), static_cast<std::size_t>(size_bytes) / sizeof(T)};
}

// The arrays that a kernel writes, by the names of its declarations.
class OutputArrays {
 public:
  OutputArrays(const gm_kernel& kernel, const gm_array* arrays)
      : kernel_(&kernel), arrays_(arrays) {}

  bool wanted(std::string_view name) const { return find(name).data != nullptr; }
  // Requires: wanted, of element type T.
  template <class T>
  T* elements(std::string_view name) const {
    if (wanted_array(name).dtype != dtype_of<T>()) {
      throw std::logic_error("output \"" + std::string(name) + "\" is of another dtype");
    }
    return static_cast<T*>(wanted_array(name).data);
  }
  const gm_array& wanted_array(std::string_view name) const {
    const gm_array& array = find(name);
    if (array.data == nullptr) {
      throw std::logic_error("output \"" + std::string(name) + "\" is not wanted");
    }
    return array;
  }

 private:
  const gm_array& find(std::string_view name) const {
    if (arrays_ == nullptr) {
      throw std::logic_error(
          "a chunk has outputs in a map only: a reduce has them in finish; in an emit ask the rows "
          "that emit() returned");
    }
    return arrays_[index_of("output", kernel_->outputs, kernel_->output_count, name)];
  }

  const gm_kernel* kernel_;
  const gm_array* arrays_;
};

}  // namespace detail

// Room for rows that an emit adds to its results. Valid until the next one of the same chunk.
class Rows {
 public:
  Rows(const gm_kernel& kernel, const gm_host& host, const gm_array* arrays, std::int64_t count)
      : host_(&host), outputs_(kernel, arrays), count_(count) {}

  std::int64_t size() const { return count_; }
  bool wanted(std::string_view name) const { return outputs_.wanted(name); }
  // The rows of one output, to be written: a span, or a matrix view. Requires: wanted.
  template <class T>
  auto output(std::string_view name) const {
    using Element = typename detail::ElementOf<T>::Type;
    return detail::view_of<T>(outputs_.elements<Element>(name), count_,
                              detail::columns_of(outputs_.wanted_array(name)));
  }
  // The same as bytes, for kernels that give any dtype.
  std::span<std::byte> output_bytes(std::string_view name) const {
    const gm_array& array = outputs_.wanted_array(name);
    return {
        static_cast<std::byte*>(array.data),
        static_cast<std::size_t>(count_ * detail::columns_of(array) * dtype_bytes(array.dtype))};
  }

  // The first count rows are results. Requires: 0 <= count <= size().
  void commit(std::int64_t count) const {
    const gm_status status = host_->commit(host_->context, count);
    if (status != GM_OK) {
      throw Error(status,
                  "it committed " + std::to_string(count) + " rows of " + std::to_string(count_),
                  {});
    }
  }

 private:
  const gm_host* host_;
  detail::OutputArrays outputs_;
  std::int64_t count_;
};

// A chunk of a job: items begin() to end(), and their rows of the outputs. Valid during run.
class Chunk {
 public:
  Chunk(const gm_kernel& kernel, const gm_host& host, const gm_chunk& chunk)
      : kernel_(&kernel), host_(&host), chunk_(&chunk), outputs_(kernel, chunk.outputs) {}

  std::int64_t begin() const { return chunk_->begin; }
  std::int64_t end() const { return chunk_->end; }
  std::int64_t size() const { return end() - begin(); }

  // Of a tile. Rows and columns are both rows of inputs.
  std::int64_t row_begin() const { return chunk_->row_begin; }
  std::int64_t row_end() const { return chunk_->row_end; }
  std::int64_t column_begin() const { return chunk_->column_begin; }
  std::int64_t column_end() const { return chunk_->column_end; }

  // The chunk's rows of an input that has a row for each item, as Input::as gives them.
  // Requires: no tiles.
  template <class T>
  auto rows(const Input& input) const {
    require_no_tiles("reads rows_as(row_begin(), row_end()) of an input");
    return input.rows_as<T>(begin(), end());
  }

  // Map.
  bool wanted(std::string_view name) const { return outputs_.wanted(name); }
  // The rows of this chunk, row-major, to be written in place. T: an element type, for
  // std::span<T>; or a matrix view such as Eigen::Map<RowMajorMatrix>, size() x elements per row.
  // Requires: wanted, no tiles.
  template <class T>
  auto output(std::string_view name) const {
    require_no_tiles("writes whole_output");
    using Element = typename detail::ElementOf<T>::Type;
    const std::int64_t columns = detail::columns_of(outputs_.wanted_array(name));
    return detail::view_of<T>(outputs_.elements<Element>(name) + begin() * columns, size(),
                              columns);
  }
  // The same as bytes, for kernels that give any dtype.
  std::span<std::byte> output_bytes(std::string_view name) const {
    require_no_tiles("writes whole_output");
    const gm_array& whole = outputs_.wanted_array(name);
    const std::int64_t row_bytes = detail::columns_of(whole) * dtype_bytes(whole.dtype);
    return {static_cast<std::byte*>(whole.data) + begin() * row_bytes,
            static_cast<std::size_t>(size() * row_bytes)};
  }
  // The whole output, of which a tile owns [row_begin, row_end) x [column_begin, column_end), and
  // in a triangle also the mirror image of that. Requires: wanted.
  template <class T>
  auto whole_output(std::string_view name) const {
    using Element = typename detail::ElementOf<T>::Type;
    const gm_array& whole = outputs_.wanted_array(name);
    return detail::view_of<T>(outputs_.elements<Element>(name), whole.shape[0],
                              detail::columns_of(whole));
  }

  // Reduce: what the items are to be added to.
  template <class T>
  std::span<T> accumulator() const {
    return detail::accumulator_at<T>(chunk_->accumulator, chunk_->accumulator_bytes);
  }

  // Emit: room for so many rows. What was given before and not committed is taken back. Errors:
  // std::bad_alloc.
  Rows emit(std::int64_t count) const {
    const gm_array* arrays = host_->rows(host_->context, count);
    if (arrays == nullptr) throw std::bad_alloc();
    return {*kernel_, *host_, arrays, count};
  }

  // True when the job was cancelled: return soon, whatever is done. A few nanoseconds.
  bool cancelled() const { return host_->cancelled(host_->context) != 0; }
  // A line for the user of the job.
  void log(const std::string& message) const {
    host_->log(host_->context, GM_LOG_INFO, message.c_str());
  }
  void warn(const std::string& message) const {
    host_->log(host_->context, GM_LOG_WARNING, message.c_str());
  }
  // Adds to a number that the job's summary shows under this name.
  void count(const char* name, std::int64_t amount) const {
    host_->count(host_->context, name, amount);
  }
  // Memory for this call, its contents arbitrary. Errors: std::bad_alloc.
  template <class T>
  std::span<T> scratch(std::int64_t count) const {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 64);
    void* memory = host_->scratch(
        host_->context, detail::saturating_product(count, static_cast<std::int64_t>(sizeof(T))));
    if (memory == nullptr) throw std::bad_alloc();
    return {static_cast<T*>(memory), static_cast<std::size_t>(count)};
  }

 private:
  // The number of a tile is no row. Only a tile has columns.
  void require_no_tiles(const char* instead) const {
    if (column_end() > 0) throw std::logic_error(std::string("a tile ") + instead);
  }

  const gm_kernel* kernel_;
  const gm_host* host_;
  const gm_chunk* chunk_;
  detail::OutputArrays outputs_;
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
  Finish(const gm_kernel& kernel, const gm_finish& finish)
      : finish_(&finish), outputs_(kernel, finish.outputs) {}

  template <class T>
  std::span<const T> accumulator() const {
    return detail::accumulator_at<const T>(finish_->accumulator, finish_->accumulator_bytes);
  }
  bool wanted(std::string_view name) const { return outputs_.wanted(name); }
  // The whole output, row-major: a span, or a matrix view. Requires: wanted.
  template <class T>
  auto output(std::string_view name) const {
    using Element = typename detail::ElementOf<T>::Type;
    const Input shape("", outputs_.wanted_array(name));
    return detail::view_of<T>(outputs_.elements<Element>(name), shape.rows(), shape.columns());
  }

 private:
  const gm_finish* finish_;
  detail::OutputArrays outputs_;
};

}  // namespace gristmill::kernel

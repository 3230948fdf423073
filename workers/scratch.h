#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace gristmill::workers {

// Memory that kernels ask for during a call, given back all at once after it and used again.
class Scratch {
 public:
  // Aligned to 64 bytes, contents arbitrary; null if there is none.
  void* take(std::int64_t size_bytes);
  // Takes all of it back.
  void reset();

 private:
  static constexpr std::size_t kAlignment = 64;

  class Block {
   public:
    explicit Block(std::size_t size_bytes)
        : size_bytes_(size_bytes),
          data_(static_cast<std::byte*>(
              ::operator new(size_bytes, std::align_val_t(kAlignment), std::nothrow))) {}
    Block(Block&& other) noexcept : size_bytes_(other.size_bytes_), data_(other.data_) {
      other.data_ = nullptr;
    }
    Block& operator=(Block&& other) noexcept {
      std::swap(size_bytes_, other.size_bytes_);
      std::swap(data_, other.data_);
      return *this;
    }
    ~Block() { ::operator delete(data_, std::align_val_t(kAlignment)); }
    std::byte* data() const { return data_; }
    std::size_t size_bytes() const { return size_bytes_; }

   private:
    std::size_t size_bytes_;
    std::byte* data_;
  };

  std::vector<Block> blocks_;  // the last one is taken from
  std::size_t used_bytes_ = 0;
};

}  // namespace gristmill::workers

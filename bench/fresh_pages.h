#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gristmill::bench {

enum class Pages {
  kShared,       // as a memfd has them: small, unless the system is set to huge ones
  kPrivateHuge,  // what a thread may have of its own, huge if MADV_HUGEPAGE gives them
};

// Memory of this process that nobody has touched. Owns: its mapping.
class FreshPages {
 public:
  // Errors: std::bad_alloc.
  FreshPages(std::int64_t size_bytes, Pages pages);
  ~FreshPages();
  FreshPages(const FreshPages&) = delete;
  FreshPages& operator=(const FreshPages&) = delete;

  double* data() const { return static_cast<double*>(data_); }

 private:
  std::size_t size_bytes_;
  void* data_;
};

// "512 of 512 MiB in huge pages"; if none is, also why, by trying MADV_COLLAPSE.
std::string huge_pages_in_words(std::int64_t huge_bytes, std::int64_t size_bytes);

}  // namespace gristmill::bench

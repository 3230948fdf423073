#include "bench/fresh_pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

#include <fmt/format.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace gristmill::bench {
namespace {

std::string why_no_huge_pages() {
  constexpr std::size_t kHuge = std::size_t{2} << 20;
  // Address and offset in the file must be congruent, so the mapping begins on a huge page.
  void* room = mmap(nullptr, 2 * kHuge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  const auto aligned = (reinterpret_cast<std::uintptr_t>(room) + kHuge - 1) / kHuge * kHuge;
  void* pages = mmap(reinterpret_cast<void*>(aligned), kHuge, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  *static_cast<char*>(pages) = 1;
  const bool works = madvise(pages, kHuge, MADV_COLLAPSE) == 0;
  const int error = errno;
  munmap(room, 2 * kHuge);
  return works ? "MADV_COLLAPSE works when tried now"
               : "MADV_COLLAPSE: " + std::generic_category().message(error);
}

}  // namespace

FreshPages::FreshPages(std::int64_t size_bytes, Pages pages)
    : size_bytes_(static_cast<std::size_t>(size_bytes)) {
  const int kind = pages == Pages::kShared ? MAP_SHARED : MAP_PRIVATE;
  data_ = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
  if (data_ == MAP_FAILED) throw std::bad_alloc();
  // Advice: without huge pages it is slower, not wrong.
  if (pages == Pages::kPrivateHuge) static_cast<void>(madvise(data_, size_bytes_, MADV_HUGEPAGE));
}

FreshPages::~FreshPages() { munmap(data_, size_bytes_); }

std::string huge_pages_in_words(std::int64_t huge_bytes, std::int64_t size_bytes) {
  const std::string share =
      fmt::format("{} of {} MiB in huge pages", huge_bytes >> 20, size_bytes >> 20);
  return huge_bytes == 0 ? share + " (" + why_no_huge_pages() + ")" : share;
}

}  // namespace gristmill::bench

#pragma once

#include <cstddef>
#include <cstdint>

// Making pages be there before they are touched: a first touch costs as much as reading hundreds of
// kilobytes. None of these calls needs a privilege, and none changes what is in the memory.
namespace gristmill::ipc {

inline constexpr std::int64_t kHugePageBytes = std::int64_t{2} << 20;

// Allocates the first small page of each whole huge page of a memfd, so that collapse_to_huge_pages
// can make it huge without copying. Cost: about a microsecond a huge page. False if the system
// refuses memory.
bool reserve_for_huge_pages(int fd, std::int64_t size_bytes);

// kBusy: not at this moment, as another process may be at the same page. kRefused: the system has
// none, or gives none.
enum class Collapsed { kYes, kBusy, kRefused };
// Makes the whole huge pages in a shared mapping's range huge (MADV_COLLAPSE, Linux 6.1):
// allocated, zeroed where they were holes, mapped in this process. All of them, or the answer is
// another than kYes. Requires: the address is a multiple of kHugePageBytes.
Collapsed collapse_to_huge_pages(std::byte* begin, std::int64_t size_bytes);

enum class Access { kRead, kWrite };
// Allocates and maps all pages of the range in this process (MADV_POPULATE_*, Linux 5.14), of any
// size. False if the system refuses; what is there then is not known.
bool populate(std::byte* begin, std::int64_t size_bytes, Access access);

// Bytes of a range of this process's mappings that are mapped by huge pages, by /proc/self/smaps.
// Counts whole mappings that begin in the range.
std::int64_t huge_bytes(const std::byte* begin, std::int64_t size_bytes);

}  // namespace gristmill::ipc

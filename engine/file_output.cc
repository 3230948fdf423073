#include "engine/file_output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <gristmill/format.h>

#include "engine/npy.h"
#include "engine/reservation.h"
#include "ipc/system_error.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

struct Reservation {
  int fd;
  std::int64_t size_bytes;
  std::string what;
  std::filesystem::path folder;
};

// INT64_MAX if the file system does not tell.
std::int64_t free_bytes(int fd) {
  struct statvfs status {};
  if (fstatvfs(fd, &status) != 0 || status.f_blocks == 0) return INT64_MAX;
  std::int64_t size = 0;
  return __builtin_mul_overflow(status.f_bavail, status.f_frsize, &size) ? INT64_MAX : size;
}

[[noreturn]] void fail_for_space(const Reservation& wanted, const char* action = "reserve") {
  const std::string folder =
      (wanted.folder.empty() ? std::filesystem::path(".") : wanted.folder).string();
  throw Error(
      ErrorCode::kResources,
      {fmt::format("could not {} {}: {}", action, wanted.what, ipc::reason_of(ENOSPC)),
       fmt::format("{} were asked for and {} are free on the file system of \"{}\".",
                   format_size(wanted.size_bytes), format_size(free_bytes(wanted.fd)), folder),
       "Choose another folder, or make room."});
}

bool is_in_memory(int fd) {
  struct statfs status {};
  return fstatfs(fd, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

// fallocate(2) and not posix_fallocate: where the file system cannot reserve, glibc writes every
// block instead.
void allocate(const Reservation& wanted) {
  while (fallocate(wanted.fd, 0, 0, wanted.size_bytes) != 0) {
    if (errno == EINTR) continue;
    if (errno == ENOSPC) fail_for_space(wanted);
    if (errno != EOPNOTSUPP)
      throw ipc::system_error("reserve " + wanted.what, errno, ErrorCode::kResources);
    if (ftruncate(wanted.fd, wanted.size_bytes) == 0) return;
    throw ipc::system_error("size " + wanted.what, errno, ErrorCode::kResources);
  }
}

void reserve(const Reservation& wanted) {
  require_below_file_limit(wanted.size_bytes, wanted.what);
  if (is_in_memory(wanted.fd)) require_memory(wanted.size_bytes, wanted.what);
  // fallocate would fill the disk before it says no.
  if (wanted.size_bytes > free_bytes(wanted.fd)) fail_for_space(wanted);
  allocate(wanted);
}

void write_header(int fd, const OutputArray& output) {
  const std::string header = npy_header(output.dtype(), output.shape());
  for (std::size_t done = 0; done < header.size();) {
    const ssize_t count =
        pwrite(fd, header.data() + done, header.size() - done, static_cast<off_t>(done));
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      throw ipc::system_error("write the header of " + describe_output(output.name()), errno,
                              ErrorCode::kResources);
    }
  }
}

int prepare(const TemporaryFile& file, const OutputArray& output) {
  const std::string what = describe_output(output.name());
  std::int64_t size = 0;
  if (__builtin_add_overflow(output.size_bytes(), kNpyDataOffsetBytes, &size)) size = INT64_MAX;
  reserve({file.fd(), size, what, file.final_path().parent_path()});
  GRISTMILL_TEST_POINT("coordinator-before-header");
  write_header(file.fd(), output);
  GRISTMILL_TEST_POINT("coordinator-after-header");
  return file.fd();
}

}  // namespace

FileOutput::FileOutput(std::string name, DType dtype, Shape shape, std::filesystem::path path,
                       bool replace_existing)
    : FileOutput(std::move(name), dtype, std::move(shape),
                 std::make_unique<TemporaryFile>(std::move(path)), replace_existing) {}

FileOutput::FileOutput(std::string name, DType dtype, Shape shape,
                       std::unique_ptr<TemporaryFile> file, bool replace_existing)
    : OutputArray(std::move(name), dtype, std::move(shape)),
      file_(std::move(file)),
      replace_existing_(replace_existing),
      mapping_(prepare(*file_, *this), kNpyDataOffsetBytes, size_bytes()) {}

// What was reserved counts as written.
void FileOutput::require_space() const {
  constexpr std::int64_t kBlockBytes = 512;  // whatever st_blksize is
  struct stat status {};
  if (fstat(file_->fd(), &status) != 0) return;
  const std::int64_t missing = status.st_size - status.st_blocks * kBlockBytes;
  if (missing <= 0 || missing <= free_bytes(file_->fd())) return;
  fail_for_space({file_->fd(), missing, describe_output(name()), path().parent_path()}, "write");
}

std::int64_t FileOutput::data_offset_bytes() { return kNpyDataOffsetBytes; }

PlacedArray FileOutput::place() const {
  return {memory_, file_->fd(), kNpyDataOffsetBytes, size_bytes(), 0, false};
}

}  // namespace gristmill::engine

#include "engine/temporary_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "ipc/system_error.h"
#include "ipc/test_point.h"

namespace gristmill::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 100;

std::string random_suffix() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";
  std::array<std::uint8_t, 6> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw ipc::system_error("get random bytes", errno);
  }
  std::string suffix;
  for (const std::uint8_t byte : bytes) suffix += kLetters[byte % kLetters.size()];
  return suffix;
}

// A file name may have 255 bytes.
std::string temporary_name(const std::string& final_name) {
  constexpr std::size_t kKept = 200;
  return fmt::format(".{}.gristmill-{}", final_name.substr(0, kKept), random_suffix());
}

std::string link_to(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

}  // namespace

TemporaryFile::TemporaryFile(fs::path final_path)
    : final_path_(std::move(final_path)), final_name_(final_path_.filename().string()) {
  assert(!final_name_.empty());
  const fs::path folder = final_path_.has_parent_path() ? final_path_.parent_path() : fs::path(".");
  folder_.reset(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_) {
    throw ipc::system_error("open the folder \"" + folder.string() + "\"", errno,
                            ErrorCode::kInvalid);
  }
  if (!create_without_a_name()) create_beside();
  GRISTMILL_TEST_POINT("coordinator-after-temporary-file");
}

bool TemporaryFile::create_without_a_name() {
  fd_.reset(openat(folder_.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0666));
  // Without /proc it could not be named.
  return fd_ && access(link_to(fd_.get()).c_str(), F_OK) == 0;
}

void TemporaryFile::create_beside() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string name = temporary_name(final_name_);
    fd_.reset(openat(folder_.get(), name.c_str(),
                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (fd_) {
      temporary_name_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  throw ipc::system_error("create a file beside \"" + final_path_.string() + "\"", errno,
                          ErrorCode::kInvalid);
}

TemporaryFile::~TemporaryFile() {
  if (!temporary_name_.empty()) unlinkat(folder_.get(), temporary_name_.c_str(), 0);
}

void TemporaryFile::publish(bool replace_existing) {
  assert(!published_);
  GRISTMILL_TEST_POINT("coordinator-before-rename");
  const int status =
      temporary_name_.empty() ? link_or_replace(replace_existing) : rename(replace_existing);
  if (status != 0) {
    throw ipc::system_error("give \"" + final_path_.string() + "\" its name", errno,
                            ErrorCode::kFailed);
  }
  GRISTMILL_TEST_POINT("coordinator-after-rename");
  temporary_name_.clear();
  published_ = true;
}

int TemporaryFile::link_as(const std::string& name) {
  return linkat(AT_FDCWD, link_to(fd_.get()).c_str(), folder_.get(), name.c_str(),
                AT_SYMLINK_FOLLOW);
}

// A link replaces nothing: only then has the file a temporary name for a moment.
int TemporaryFile::link_or_replace(bool replace_existing) {
  int status = link_as(final_name_);
  if (status == 0 || errno != EEXIST || !replace_existing) return status;
  for (int attempt = 0; attempt < kAttempts && status != 0 && errno == EEXIST; ++attempt) {
    std::string name = temporary_name(final_name_);
    status = link_as(name);
    if (status == 0) temporary_name_ = std::move(name);
  }
  return status == 0 ? rename(replace_existing) : status;
}

int TemporaryFile::rename(bool replace_existing) {
  if (!replace_existing) return rename_without_replacing();
  return renameat(folder_.get(), temporary_name_.c_str(), folder_.get(), final_name_.c_str());
}

int TemporaryFile::rename_without_replacing() {
  const int status = renameat2(folder_.get(), temporary_name_.c_str(), folder_.get(),
                               final_name_.c_str(), RENAME_NOREPLACE);
  if (status == 0 || errno != EINVAL) return status;
  // Not every file system knows the flag. A link does not replace either.
  if (linkat(folder_.get(), temporary_name_.c_str(), folder_.get(), final_name_.c_str(), 0) != 0)
    return -1;
  unlinkat(folder_.get(), temporary_name_.c_str(), 0);
  return 0;
}

}  // namespace gristmill::engine

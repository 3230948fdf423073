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
  create();
}

void TemporaryFile::create() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string name = temporary_name(final_name_);
    fd_.reset(openat(folder_.get(), name.c_str(),
                     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (fd_) {
      GRISTMILL_TEST_POINT("coordinator-after-temporary-file");
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
  assert(!temporary_name_.empty());
  GRISTMILL_TEST_POINT("coordinator-before-rename");
  const int status = replace_existing ? renameat(folder_.get(), temporary_name_.c_str(),
                                                 folder_.get(), final_name_.c_str())
                                      : rename_without_replacing();
  if (status != 0) {
    throw ipc::system_error("give \"" + final_path_.string() + "\" its name", errno,
                            ErrorCode::kFailed);
  }
  GRISTMILL_TEST_POINT("coordinator-after-rename");
  temporary_name_.clear();
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

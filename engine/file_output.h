#pragma once

#include "engine/output.h"
#include "engine/temporary_file.h"
#include "ipc/mapping.h"

namespace gristmill::engine {

// An output in a .npy file, whose data begins on a page. Its space is reserved on the file system,
// or only compared with what is free where the file system cannot reserve. Nothing is forced to
// disk. Errors: kInvalid for a shape that is none or an unusable folder; kResources when there is
// no space.
class FileOutput : public OutputArray {
 public:
  FileOutput(std::string name, DType dtype, Shape shape, std::filesystem::path path,
             bool replace_existing);
  // In a file that was made before its shape was known. Requires: file, which is empty.
  FileOutput(std::string name, DType dtype, Shape shape, std::unique_ptr<TemporaryFile> file,
             bool replace_existing);

  // Where the data begins in such a file.
  static std::int64_t data_offset_bytes();

  PlacedArray place() const override;
  void publish() override { file_->publish(replace_existing_); }
  void require_space() const override;
  ArrayView view() const override { return {mapping_.data(), dtype(), shape()}; }
  const std::filesystem::path& path() const override { return file_->final_path(); }

 private:
  std::shared_ptr<const MemoryName> memory_ = MemoryName::create();
  std::unique_ptr<TemporaryFile> file_;
  bool replace_existing_;
  ipc::ReadOnlyMapping mapping_;
};

}  // namespace gristmill::engine

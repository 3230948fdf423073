#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/dataset_storage.h"
#include "tests/process/process_test.h"

namespace gristmill::test {
namespace {

class SealedDatasetTest : public ProcessTest {
 protected:
  int fd() const { return rows_.rows().storage()->place().fd; }
  JobSpec storing(const std::string& how) const {
    JobSpec spec = misbehaving_at(35, how);
    spec.inputs = {{"rows", rows_.rows()}};
    return spec;
  }
  void expect_unchanged() {
    const RowHashJob again(4096, 3, 11);
    const auto now = rows_.rows().view().as<std::int64_t>();
    const auto before = again.rows().view().as<std::int64_t>();
    EXPECT_TRUE(std::equal(now.begin(), now.end(), before.begin(), before.end()));
  }

  RowHashJob rows_{4096, 3, 11};
};

TEST_F(SealedDatasetTest, CannotBeWrittenByItsOwner) {
  EXPECT_EQ(write(fd(), "x", 1), -1);
  EXPECT_EQ(pwrite(fd(), "x", 1, 0), -1);
  EXPECT_EQ(ftruncate(fd(), 0), -1);
  EXPECT_EQ(ftruncate(fd(), 1 << 20), -1);
  EXPECT_EQ(fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0), MAP_FAILED);
  EXPECT_EQ(fcntl(fd(), F_ADD_SEALS, 0), -1);
  expect_unchanged();
}

TEST_F(SealedDatasetTest, CannotBeReopenedForWriting) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd());
  const int again = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (again >= 0) {
    EXPECT_EQ(write(again, "x", 1), -1);
    EXPECT_EQ(ftruncate(again, 0), -1);
    EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED);
    close(again);
  }
  expect_unchanged();
}

TEST_F(SealedDatasetTest, ItsMappingCannotBeMadeWritable) {
  auto* address = const_cast<void*>(rows_.rows().view().data());
  EXPECT_EQ(mprotect(address, 4096, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(madvise(address, 4096, MADV_REMOVE), -1);
  expect_unchanged();
}

TEST_F(SealedDatasetTest, AStoreByAKernelFaultsInItsWorkerAlone) {
  const auto engine = engine_of(3);
  const Result result = engine->submit(storing("store")).wait();
  expect_failure(result, {"was killed by SIGSEGV in chunk 3, rows 30 to 39"});
  expect_unchanged();
  expect_good_engine(*engine);
}

TEST_F(SealedDatasetTest, AKernelCannotUnprotectIt) {
  const auto engine = engine_of(2);
  const Result result = engine->submit(storing("unprotect")).wait();
  EXPECT_TRUE(result.done()) << result.error()->message();
  expect_unchanged();
}

TEST_F(SealedDatasetTest, AStoreIntoAMappedFileFaultsToo) {
  const TemporaryFolder folder;
  const std::string content(8 * 100, 'x');
  const auto path = folder.write("rows.raw", content);
  JobSpec spec = misbehaving_at(35, "store");
  spec.inputs = {{"rows", Dataset::open_raw(path, DType::kInt64, {100})}};
  const auto engine = engine_of(2);
  expect_failure(engine->submit(spec).wait(), {"was killed by SIGSEGV in chunk 3"});
  EXPECT_EQ(text_of(path), content);
  spec.params["how"] = std::string("unprotect");
  EXPECT_TRUE(engine->submit(spec).wait().done());
}

}  // namespace
}  // namespace gristmill::test

#include <gristmill/dataset.h>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "engine/dataset_storage.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/engine/npy_file.h"

namespace gristmill {
namespace {

using testing::HasSubstr;

constexpr char kDict[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }";

class DatasetTest : public testing::Test {
 protected:
  static void expect_refused(const std::filesystem::path& path, const std::string& reason) {
    const Error error = test::error_of([&] { Dataset::open(path); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), HasSubstr("open \"" + path.string() + "\": "));
    EXPECT_THAT(error.message(), HasSubstr(reason));
  }
  static void expect_bytes(const ArrayView& view, std::string_view expected) {
    ASSERT_EQ(view.size_bytes(), static_cast<std::int64_t>(expected.size()));
    EXPECT_EQ(std::memcmp(view.data(), expected.data(), expected.size()), 0);
  }

  test::TemporaryFolder folder_;
};

TEST_F(DatasetTest, OpensANpyFileInPlace) {
  const std::string file = test::npy_file(kDict, 96);
  const auto path = folder_.write("a.npy", file);
  const Dataset dataset = Dataset::open(path);
  EXPECT_EQ(dataset.dtype(), DType::kFloat64);
  EXPECT_EQ(dataset.shape(), (Shape{3, 4}));
  EXPECT_EQ(dataset.size_bytes(), 96);
  EXPECT_EQ(dataset.path(), path);
  expect_bytes(dataset.view(), std::string_view(file).substr(128));

  const DatasetStorage& storage = *dataset.storage();
  EXPECT_EQ(storage.place().range_offset, 128);
  EXPECT_FALSE(storage.is_sealed());
  EXPECT_EQ(fcntl(storage.place().fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(storage.file_id(), engine::FileId(status));
}

TEST_F(DatasetTest, OpensAnEmptyArray) {
  const auto path = folder_.write(
      "a.npy", test::npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2), }", 0));
  const Dataset dataset = Dataset::open(path);
  EXPECT_EQ(dataset.view().rows(), 0);
  EXPECT_TRUE(dataset.view().as<double>().empty());
}

TEST_F(DatasetTest, OpensASparseFileOf16GiBWithoutTouchingIt) {
  const auto path = folder_.write(
      "a.npy",
      test::npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483648,), }", 0));
  std::filesystem::resize_file(path, 128 + (std::uintmax_t{16} << 30));
  const Dataset dataset = Dataset::open(path);
  EXPECT_EQ(dataset.size_bytes(), std::int64_t{16} << 30);
  EXPECT_EQ(dataset.view().as<double>().back(), 0.0);
}

TEST_F(DatasetTest, ViewStaysValidWhileACopyLives) {
  Dataset copy = Dataset::open(folder_.write("a.npy", test::npy_file(kDict, 96)));
  const ArrayView view = Dataset(copy).view();
  std::filesystem::remove(folder_ / "a.npy");
  EXPECT_EQ(static_cast<const unsigned char*>(view.data())[5], 5);
}

TEST_F(DatasetTest, APartSharesTheMemoryAndKeepsIt) {
  const std::vector<std::int32_t> values = {1, 2, 3, 4, 5, 6};
  std::optional<Dataset> whole =
      Dataset::copy_of(ArrayView(std::span<const std::int32_t>(values), {3, 2}));
  const Dataset part = whole->part(DType::kInt32, {2}, 2 * sizeof(std::int32_t));
  const void* const begin = whole->view().data();
  whole.reset();
  EXPECT_EQ(part.view().data(), static_cast<const std::int32_t*>(begin) + 2);
  EXPECT_EQ(part.view().as<std::int32_t>()[1], 4);
  EXPECT_EQ(part.storage()->place().array_offset, 8);
  EXPECT_TRUE(part.is_in_memory());
  EXPECT_EQ(part.part(DType::kUInt8, {4}, 4).view().as<std::uint8_t>()[0], 4);
}

TEST_F(DatasetTest, RefusesPartsThatAreNone) {
  const std::vector<std::int32_t> values = {1, 2};
  const Dataset whole = Dataset::copy_of(ArrayView(std::span<const std::int32_t>(values), {2}));
  const auto refused = [&](DType dtype, Shape shape, std::int64_t offset) {
    const Error error = test::error_of([&] { whole.part(dtype, shape, offset); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), HasSubstr("no part of a dataset of 8 bytes"));
  };
  refused(DType::kInt32, {3}, 0);
  refused(DType::kInt32, {1}, 8);
  refused(DType::kInt32, {1}, -4);
  refused(DType::kInt32, {1}, 2);
  refused(DType::kInt64, {INT64_MAX}, 0);
}

TEST_F(DatasetTest, FileThatIsReplacedByRenameDoesNotChange) {
  const Dataset dataset = Dataset::open(folder_.write("a.npy", test::npy_file(kDict, 96)));
  folder_.write("b.npy", std::string(224, 'x'));
  std::filesystem::rename(folder_ / "b.npy", folder_ / "a.npy");
  EXPECT_EQ(static_cast<const unsigned char*>(dataset.view().data())[5], 5);
}

TEST_F(DatasetTest, CopiesANpyFileWhoseDataIsNotAligned) {
  std::string file = std::string("\x93NUMPY\x01\x00", 8);
  const std::string header = std::string(kDict) + "\n";
  file += {static_cast<char>(header.size()), 0};
  file += header;
  const std::string data = test::npy_file(kDict, 96).substr(128);
  ASSERT_NE(file.size() % 8, 0U);
  const Dataset dataset = Dataset::open(folder_.write("a.npy", file + data));
  expect_bytes(dataset.view(), data);
  EXPECT_TRUE(dataset.storage()->is_sealed());
}

TEST_F(DatasetTest, RefusesWhatIsNoFile) {
  expect_refused(folder_ / "missing.npy", "no such file or directory");
  expect_refused(folder_.path(), "it is a directory");
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  expect_refused(folder_ / "fifo", "it is a FIFO");
  expect_refused("/dev/null", "not a regular file");
  expect_refused("/proc/self/status", "it is empty");
}

TEST_F(DatasetTest, RefusesMalformedFilesNamingThem) {
  expect_refused(folder_.write("empty.npy", ""), "it is empty");
  expect_refused(folder_.write("text.npy", "lat,lon\n"), "it is not a .npy file");
  expect_refused(folder_.write("short.npy", test::npy_file(kDict, 50)),
                 "promises 96 bytes of data and the file has 50");
  expect_refused(
      folder_.write(
          "fortran.npy",
          test::npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }", 96)),
      "Fortran order");
}

TEST_F(DatasetTest, KeepsTheHintOfTheParser) {
  const auto path = folder_.write(
      "a.npy", test::npy_file("{'descr': '>f8', 'fortran_order': False, 'shape': (12,), }", 96));
  EXPECT_THAT(test::error_of([&] { Dataset::open(path); }).hint(), HasSubstr("newbyteorder"));
}

TEST_F(DatasetTest, RawFileIsMappedWhereItIsAligned) {
  const auto path = folder_.write("raw.bin", "12345678abcdefghijklmnop????");
  const Dataset dataset = Dataset::open_raw(path, DType::kInt32, {2, 2}, 8);
  expect_bytes(dataset.view(), "abcdefghijklmnop");
  EXPECT_FALSE(dataset.storage()->is_sealed());
  EXPECT_EQ(dataset.storage()->place().range_offset, 8);
}

TEST_F(DatasetTest, RawFileIsCopiedOnceWhereItIsNotAligned) {
  const auto path = folder_.write("raw.bin", "12345abcdefghijklmnop????");
  const Dataset dataset = Dataset::open_raw(path, DType::kInt32, {2, 2}, 5);
  expect_bytes(dataset.view(), "abcdefghijklmnop");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(dataset.view().data()) % 4, 0U);
  EXPECT_TRUE(ipc::is_sealed(dataset.storage()->place().fd));
  EXPECT_EQ(dataset.path(), path);
  EXPECT_TRUE(dataset.storage()->file_id());
}

TEST_F(DatasetTest, LargeRawFileIsCopiedWhole) {
  std::string content(5'000'003, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i >> 3);
  const Dataset dataset =
      Dataset::open_raw(folder_.write("raw.bin", content), DType::kInt16, {2'500'001}, 1);
  expect_bytes(dataset.view(), std::string_view(content).substr(1));
}

TEST_F(DatasetTest, RawFileMayBeUsedInPartAndBeEmpty) {
  const auto path = folder_.write("raw.bin", "12345678");
  EXPECT_EQ(Dataset::open_raw(path, DType::kInt16, {1}).size_bytes(), 2);
  EXPECT_EQ(Dataset::open_raw(path, DType::kInt16, {0}, 8).size_bytes(), 0);
  EXPECT_EQ(Dataset::open_raw(folder_.write("empty.bin", ""), DType::kInt16, {0, 5}).shape(),
            (Shape{0, 5}));
}

TEST_F(DatasetTest, RawRangeBeyondTheEndIsRefused) {
  const auto path = folder_.write("raw.bin", "12345678");
  const auto refuse = [&](Shape shape, std::int64_t offset, const std::string& reason) {
    const Error error =
        test::error_of([&] { Dataset::open_raw(path, DType::kInt32, shape, offset); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalid);
    EXPECT_THAT(error.message(), HasSubstr("cannot open \"" + path.string() + "\": "));
    EXPECT_THAT(error.message(), HasSubstr(reason));
  };
  EXPECT_NO_THROW(Dataset::open_raw(path, DType::kInt32, {2}));
  refuse({3}, 0, "3 x int32 from byte 0 on needs 12 bytes and the file has 8 there");
  refuse({2}, 1, "and the file has 7 there");
  refuse({1}, 100, "and the file has 0 there");
  refuse({1}, INT64_MAX, "and the file has 0 there");
  refuse({1}, -4, "the offset -4 is negative");
  refuse({-1}, 0, "the shape -1 is not possible");
  refuse({INT64_MAX, 2}, 0, "is not possible");
  refuse(Shape(9, 1), 0, "9 axes are asked for: at most 8 are supported");
}

TEST_F(DatasetTest, CopyOfMemoryIsSealed) {
  std::vector<double> values(1'000'000);
  std::iota(values.begin(), values.end(), 0.5);
  const Dataset dataset =
      Dataset::copy_of(ArrayView(std::span<const double>(values), {1000, 1000}));
  values.assign(values.size(), -1);
  EXPECT_EQ(dataset.shape(), (Shape{1000, 1000}));
  EXPECT_EQ(dataset.view().as<double>()[999'999], 999'999.5);
  EXPECT_TRUE(dataset.path().empty());

  const DatasetStorage& storage = *dataset.storage();
  EXPECT_TRUE(storage.is_sealed());
  EXPECT_TRUE(ipc::is_sealed(storage.place().fd));
  EXPECT_FALSE(storage.file_id());
  EXPECT_EQ(fcntl(storage.place().fd, F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_EQ(mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, storage.place().fd, 0), MAP_FAILED);
}

TEST_F(DatasetTest, CopyOfNothingIsNothing) {
  const Dataset dataset = Dataset::copy_of(ArrayView(nullptr, DType::kInt8, {0, 3}));
  EXPECT_EQ(dataset.size_bytes(), 0);
  EXPECT_EQ(dataset.shape(), (Shape{0, 3}));
}

TEST_F(DatasetTest, CopyThatCannotFitIsAResourceError) {
  const double value = 1;
  const ArrayView huge(&value, DType::kFloat64, {std::int64_t{1} << 58});
  const Error error = test::error_of([&] { Dataset::copy_of(huge); });
  EXPECT_EQ(error.code(), ErrorCode::kResources);
  EXPECT_THAT(error.message(),
              HasSubstr("could not reserve a dataset of 288230376151711744 x float64"));
}

}  // namespace
}  // namespace gristmill

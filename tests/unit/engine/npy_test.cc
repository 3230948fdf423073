#include "engine/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/error_of.h"
#include "tests/unit/engine/npy_file.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

constexpr char kDict[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }";

NpyHeader parse(std::string_view file) {
  return parse_npy_header(test::bytes_of(file), static_cast<std::int64_t>(file.size()));
}

void expect_refused(std::string_view file, const std::string& reason,
                    const std::string& hint = "") {
  const Error error = test::error_of([&] { parse(file); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr(reason));
  EXPECT_THAT(error.hint(), HasSubstr(hint));
}

// A refusal or a header whose data lies inside the file: nothing else may happen.
void expect_parsed_safely(std::string_view file) {
  try {
    const NpyHeader header = parse(file);
    ASSERT_GE(header.data_offset_bytes, 10);
    ASSERT_GE(header.data_size_bytes, 0);
    ASSERT_EQ(header.data_offset_bytes + header.data_size_bytes,
              static_cast<std::int64_t>(file.size()));
    ASSERT_EQ(size_bytes(header.dtype, header.shape), header.data_size_bytes);
    ASSERT_LE(header.shape.size(), kMaxRank);
  } catch (const Error& error) {
    ASSERT_EQ(error.code(), ErrorCode::kInvalid);
    ASSERT_FALSE(error.message().empty());
    ASSERT_LT(error.message().size(), 400U);
  }
}

TEST(NpyTest, ReadsAllThreeFormats) {
  for (const int major : {1, 2, 3}) {
    const NpyHeader header = parse(test::npy_file(kDict, 96, major));
    EXPECT_EQ(header.dtype, DType::kFloat64);
    EXPECT_EQ(header.shape, (Shape{3, 4}));
    EXPECT_EQ(header.data_offset_bytes, 128);
    EXPECT_EQ(header.data_size_bytes, 96);
  }
}

TEST(NpyTest, ReadsEmptyAndScalarArrays) {
  const NpyHeader empty =
      parse(test::npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2), }", 0));
  EXPECT_EQ(empty.data_size_bytes, 0);
  const NpyHeader scalar =
      parse(test::npy_file("{'descr': '<i4', 'fortran_order': False, 'shape': (), }", 4));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(scalar.data_size_bytes, 4);
}

TEST(NpyTest, NeedsOnlyTheBeginningOfALargeFile) {
  const std::string file =
      test::npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483648,), }", 0);
  const std::int64_t data = std::int64_t{16} << 30;
  const NpyHeader header =
      parse_npy_header(test::bytes_of(file), static_cast<std::int64_t>(file.size()) + data);
  EXPECT_EQ(header.data_size_bytes, data);
}

TEST(NpyTest, RefusesAnEmptyFile) { expect_refused("", "it is empty"); }

TEST(NpyTest, RefusesAnotherMagicWithAHint) {
  expect_refused("lat,lon\n1,2\n3,4\n", "it is not a .npy file", "dtype=float64");
  expect_refused("x", "it is not a .npy file");
  expect_refused(std::string(4096, '\0'), "it is not a .npy file");
}

TEST(NpyTest, RefusesAnArchiveWithAHint) {
  expect_refused(std::string("PK\x03\x04", 4) + "................", "it is a zip archive (.npz)",
                 "numpy.save");
}

TEST(NpyTest, RefusesUnknownFormats) {
  std::string file = test::npy_file(kDict, 96);
  file[6] = 4;
  expect_refused(file, "its .npy format 4.0 is unknown");
  file[6] = 0;
  expect_refused(file, "its .npy format 0.0 is unknown");
  file[6] = 1;
  file[7] = 1;
  expect_refused(file, "its .npy format 1.1 is unknown");
}

TEST(NpyTest, RefusesFortranOrderWithAHint) {
  expect_refused(test::npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }", 96),
                 "its array is in Fortran order", "numpy.ascontiguousarray");
}

TEST(NpyTest, OneAxisIsInBothOrders) {
  EXPECT_EQ(
      parse(test::npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (12,), }", 96)).shape,
      Shape{12});
}

TEST(NpyTest, RefusesTooManyAxes) {
  EXPECT_EQ(parse(test::npy_file(
                      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1), }", 1))
                .shape.size(),
            8U);
  expect_refused(
      test::npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 1),
      "its array has 9 axes: at most 8 are supported");
}

TEST(NpyTest, RefusesAHeaderThatPromisesMoreOrLessThanThereIs) {
  expect_refused(test::npy_file(kDict, 95),
                 "its header promises 96 bytes of data and the file has 95", "cut off");
  expect_refused(test::npy_file(kDict, 0),
                 "its header promises 96 bytes of data and the file has 0", "cut off");
  expect_refused(test::npy_file(kDict, 97),
                 "its header promises 96 bytes of data and the file has 97", "several arrays");
}

TEST(NpyTest, RefusesAShapeWhoseProductOverflows) {
  for (const auto* shape : {"(4294967296, 4294967296)", "(9223372036854775807,)",
                            "(2305843009213693952,)", "(0, 9223372036854775807, 2)"}) {
    expect_refused(
        test::npy_file(
            std::string("{'descr': '<f8', 'fortran_order': False, 'shape': ") + shape + ", }", 0),
        "promises more bytes than can be counted");
  }
}

TEST(NpyTest, RefusesAHeaderLongerThanAnyRealOne) {
  std::string file = test::npy_file(kDict, 96, 2);
  file[8] = file[9] = file[10] = file[11] = '\xff';
  expect_refused(file, "its header is 4294967307 bytes long: at most 65536 are read");
}

TEST(NpyTest, ReadsTheLongestHeaderAllowed) {
  const std::size_t size = static_cast<std::size_t>(kMaxNpyHeaderBytes) - 12;
  std::string file =
      std::string("\x93NUMPY\x02\x00", 8) +
      std::string({static_cast<char>(size & 0xff), static_cast<char>(size >> 8), 0, 0}) + kDict;
  file.resize(static_cast<std::size_t>(kMaxNpyHeaderBytes), ' ');
  EXPECT_EQ(parse(file + std::string(96, 'x')).data_offset_bytes, kMaxNpyHeaderBytes);
}

TEST(NpyTest, RefusesEveryTruncationOfAValidFile) {
  for (const int major : {1, 2, 3}) {
    const std::string file = test::npy_file(kDict, 96, major);
    for (std::size_t size = 0; size < file.size(); ++size) {
      EXPECT_THROW(parse(std::string_view(file).substr(0, size)), Error) << size;
    }
  }
}

TEST(NpyTest, SurvivesEveryValueOfEveryHeaderByte) {
  const std::string valid = test::npy_file(kDict, 96);
  for (std::size_t position = 0; position < 128; ++position) {
    std::string file = valid;
    for (int value = 0; value < 256; ++value) {
      file[position] = static_cast<char>(value);
      expect_parsed_safely(file);
    }
  }
}

TEST(NpyTest, SurvivesRandomDamage) {
  std::mt19937 random(20'240'601);
  const std::string_view letters = "{}()[]',:\"<>|=fiubcOSVM0123456789L- \n\\TrueFals";
  for (int i = 0; i < 50'000; ++i) {
    std::string file = test::npy_file(kDict, 96, static_cast<int>(1 + random() % 3));
    for (auto flips = 1 + random() % 8; flips > 0; --flips) {
      char& byte = file[random() % 128];
      byte = random() % 4 == 0 ? static_cast<char>(random()) : letters[random() % letters.size()];
    }
    if (random() % 4 == 0) file.resize(random() % (file.size() + 1));
    expect_parsed_safely(file);
  }
}

TEST(NpyTest, WrittenHeaderIsReadBack) {
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{7}, Shape{3, 4}, Shape(8, 2)}) {
    for (const DType dtype : {DType::kBool, DType::kInt64, DType::kFloat32, DType::kComplex128}) {
      const std::string header = npy_header(dtype, shape);
      EXPECT_EQ(header.size(), static_cast<std::size_t>(kNpyDataOffsetBytes));
      const std::int64_t size = size_bytes(dtype, shape).value();
      const NpyHeader read = parse_npy_header(test::bytes_of(header), kNpyDataOffsetBytes + size);
      EXPECT_EQ(read.dtype, dtype);
      EXPECT_EQ(read.shape, shape);
      EXPECT_EQ(read.data_offset_bytes, kNpyDataOffsetBytes);
    }
  }
}

TEST(NpyTest, WrittenHeaderIsWhatNumPyWouldWriteButForThePadding) {
  const std::string header = npy_header(DType::kFloat64, {171'075});
  const std::string expected = std::string("\x93NUMPY\x01\x00\xf6\x0f", 10) +
                               "{'descr': '<f8', 'fortran_order': False, 'shape': (171075,), }  ";
  EXPECT_EQ(header.substr(0, expected.size()), expected);
  EXPECT_EQ(header.back(), '\n');
}

}  // namespace
}  // namespace gristmill::engine

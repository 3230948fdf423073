#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <variant>

#include "ipc/codec.h"
#include "ipc/ring.h"
#include "tests/support/repetitions.h"
#include "tests/support/sanitizers.h"
#include "tests/unit/ipc/codec_samples.h"

namespace gristmill::ipc {
namespace {

// Bombs: few bytes that ask for much.

std::vector<Bytes> bombs() {
  std::vector<Bytes> all = {
      bytes_of("\xDD\xFF\xFF\xFF\xFF"),          // array of 4 billion
      bytes_of("\xDF\xFF\xFF\xFF\xFF"),          // map of 4 billion
      bytes_of("\xDB\xFF\xFF\xFF\xFF"),          // text of 4 GiB
      bytes_of("\xC6\xFF\xFF\xFF\xFF"),          // binary of 4 GiB
      bytes_of("\xC9\xFF\xFF\xFF\xFF\x01"),      // extension of 4 GiB
      bytes_of("\xDC\xFF\xFF"),                  // array of 65,535
      bytes_of("\xDE\xFF\xFF"),                  // map of 65,535
      bytes_of("\xC1"),                          // never used
      repeated("\xDD\xFF\xFF\xFF\xFF", 12'000),  // each in the other
      repeated("\xDC\xFF\xFF", 2'000),
      repeated(std::string_view("\xDC\x00\x40", 3), 20'000),
      repeated(std::string_view("\xDE\x00\x40", 3), 20'000),
      repeated("\x91", 60'000),
      repeated("\x81", 60'000),
      repeated("\x91", 60'000) + kNil,
      bytes_of("\x92\x02\xDD\xFF\xFF\xFF\xFF"),
      bytes_of("\x92\x02\x94\x01\x01\x01\xDB\xFF\xFF\xFF\xFF"),
  };
  // As wide as allowed at the outer levels, filled to the last element: the most that can be had.
  const Bytes row = bytes_of(std::string_view("\xDC\x00\x40", 3)) + repeated("\xC0", 64);
  Bytes wide = bytes_of(std::string_view("\xDC\x00\x40", 3));
  for (int i = 0; i < 15; ++i) {
    wide = std::move(wide) + bytes_of(std::string_view("\xDC\x00\x40", 3));
    for (int k = 0; k < 64; ++k) wide = std::move(wide) + row;
  }
  wide.resize(kMaxFrameBytes);
  all.push_back(wide);
  // Depth at and beyond the limit.
  for (std::size_t depth = 1; depth < 20; ++depth) {
    all.push_back(repeated("\x91", depth) + kNil);
    all.push_back(repeated("\x92\x02", depth) + kNil);
  }
  return all;
}

TEST(CodecBombsTest, BombsAreMalformed) {
  for (const Bytes& bomb : bombs()) EXPECT_TRUE(is_malformed(bomb)) << bomb.size() << " bytes";
}

TEST(CodecBombsTest, BombsInAFieldAreMalformed) {
  const Sample sample{encode(Task{Order{1, 2, 3, 4}}), recoded_task};
  for_each_value(sample.bytes, 0, [&](std::size_t begin, std::size_t end) {
    for (const Bytes& bomb : bombs()) {
      EXPECT_FALSE(sample.recoded(with(sample.bytes, begin, end, bomb)));
    }
  });
}

// The largest size that this process ever had.
long peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmPeak:")
      status >> word;
    else
      continue;
    return std::stol(word);
  }
  return -1;
}

TEST(CodecBombsTest, BombsCostLittleMemory) {
  if (test::kSanitized) GTEST_SKIP() << "the sanitizer's own memory is in the figure";
  const std::vector<Bytes> all = bombs();
  const long before = peak_kib();
  ASSERT_GT(before, 0);
  for (const Bytes& bomb : all) EXPECT_TRUE(is_malformed(bomb));
  EXPECT_LT(peak_kib() - before, 8 * 1024);
}

// Chance. What is accepted must be a message: its encoding is decoded to the same.
void expect_message_or_malformed(const Sample& sample, const Bytes& bytes) {
  const std::optional<Bytes> once = sample.recoded(bytes);
  if (!once) return;
  const std::optional<Bytes> twice = sample.recoded(*once);
  ASSERT_TRUE(twice);
  ASSERT_EQ(*twice, *once);
}

TEST(CodecChanceTest, RandomBytesNeverCrash) {
  std::mt19937_64 random(20240614);
  const std::vector<Sample> all = samples();
  // Bytes that mean something at the start of a value, so that the storm gets further in.
  constexpr std::string_view kMarkers =
      "\x90\x91\x92\x93\x94\x97\xA0\xA1\xC0\xC2\xC3\xC4\xC5\xC6\xC7\xCA\xCB\xCC\xCD\xCE\xCF"
      "\xD0\xD3\xD4\xD9\xDA\xDB\xDC\xDD\xDE\xDF\xFF\x01\x02\x03";
  for (long round = 0; round < test::repetitions(1'000'000); ++round) {
    Bytes bytes(random() % 64);
    for (std::byte& byte : bytes) {
      byte = random() % 3 == 0 ? static_cast<std::byte>(random())
                               : static_cast<std::byte>(kMarkers[random() % kMarkers.size()]);
    }
    // Half of them begin as a message does.
    if (bytes.size() > 2 && random() % 2 == 0) {
      bytes[0] = std::byte{0x92};
      bytes[1] = static_cast<std::byte>(random() % std::variant_size_v<Report>);
    }
    expect_message_or_malformed(all[random() % all.size()], bytes);
  }
}

TEST(CodecChanceTest, RandomChangesOfMessagesNeverCrash) {
  std::mt19937_64 random(20240615);
  const std::vector<Sample> all = samples();
  long accepted = 0;
  for (long round = 0; round < test::repetitions(1'000'000); ++round) {
    const Sample& sample = all[random() % all.size()];
    Bytes bytes = sample.bytes;
    for (std::uint64_t changes = random() % 4 + 1; changes > 0 && !bytes.empty(); --changes) {
      const std::size_t at = random() % bytes.size();
      const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      switch (random() % 4) {
        case 0:
          bytes[at] ^= static_cast<std::byte>(1U << random() % 8);
          break;
        case 1:
          bytes[at] = static_cast<std::byte>(random());
          break;
        case 2:
          bytes.insert(place, static_cast<std::byte>(random()));
          break;
        default:
          bytes.erase(place);
          break;
      }
    }
    if (sample.recoded(bytes)) ++accepted;
    expect_message_or_malformed(sample, bytes);
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace gristmill::ipc

#include "engine/printable.h"

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

TEST(PrintableTest, OrdinaryTextStays) { EXPECT_EQ(printable("nearest ~!"), "nearest ~!"); }

TEST(PrintableTest, ControlCharactersCannotReachATerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f\xff"), "a?[2Jb???");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
}

TEST(PrintableTest, LongTextIsCut) {
  EXPECT_EQ(printable(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(printable(std::string(10'000, 'x')), std::string(80, 'x') + "...");
}

}  // namespace
}  // namespace gristmill::engine

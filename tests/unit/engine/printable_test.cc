#include "engine/printable.h"

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

TEST(PrintableTest, OrdinaryTextStays) { EXPECT_EQ(printable("nearest ~!"), "nearest ~!"); }

TEST(PrintableTest, ControlCharactersCannotReachATerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f\xff"), "a?[2Jb???");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
}

TEST(PrintableTest, WhatAWorkerWroteHasNoControlCharactersAndIsUtf8) {
  EXPECT_EQ(without_control_characters(std::string("a\x1b[2J\n\x7f")), "a [2J  ");
  const std::string valid = "\u00E9 \u20AC \U0001F600 \uFFFD";
  EXPECT_EQ(without_control_characters(valid), valid);
  for (const char* wrong : {"\xff", "\x80", "\xC3", "\xE2\x82", "\xC0\xAF", "\xED\xA0\x80",
                            "\xF4\x90\x80\x80", "\xE0\x80\x80"}) {
    const std::string text = without_control_characters(std::string(wrong) + "x");
    EXPECT_TRUE(text.starts_with("\uFFFD")) << text;
    EXPECT_TRUE(text.ends_with("x")) << text;
  }
}

TEST(PrintableTest, LongTextIsCut) {
  EXPECT_EQ(printable(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(printable(std::string(10'000, 'x')), std::string(80, 'x') + "...");
}

}  // namespace
}  // namespace gristmill::engine

#include "engine/npy_dict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;

void expect_refused(std::string_view text, const std::string& reason) {
  const Error error = test::error_of([&] { parse_npy_dict(text); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr(reason)) << text;
}

void expect_shape_refused(const std::string& shape, const std::string& reason) {
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }", reason);
}

Shape shape_in(const std::string& shape) {
  return parse_npy_dict("{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }").shape;
}

TEST(NpyDictTest, ReadsWhatNumPyWrites) {
  const NpyDict dict =
      parse_npy_dict("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }     \n");
  EXPECT_EQ(dict.descr, "<f8");
  EXPECT_FALSE(dict.fortran_order);
  EXPECT_EQ(dict.shape, (Shape{3, 4}));
}

TEST(NpyDictTest, TakesAnyOrderQuotesAndSpace) {
  const NpyDict dict =
      parse_npy_dict("\t{ \"shape\" :(3,4),\n'fortran_order':True ,\"descr\":'|b1'}\r\n");
  EXPECT_EQ(dict.descr, "|b1");
  EXPECT_TRUE(dict.fortran_order);
  EXPECT_EQ(dict.shape, (Shape{3, 4}));
}

TEST(NpyDictTest, ReadsShapesAsPythonDoes) {
  EXPECT_EQ(shape_in("()"), Shape{});
  EXPECT_EQ(shape_in("( )"), Shape{});
  EXPECT_EQ(shape_in("(7,)"), Shape{7});
  EXPECT_EQ(shape_in("( 7 , )"), Shape{7});
  EXPECT_EQ(shape_in("(7, 8, 9,)"), (Shape{7, 8, 9}));
  EXPECT_EQ(shape_in("(0, 2)"), (Shape{0, 2}));
  EXPECT_EQ(shape_in("(9223372036854775807,)"), Shape{INT64_MAX});
}

TEST(NpyDictTest, TakesTheLongsOfPython2) { EXPECT_EQ(shape_in("(3L, 4L)"), (Shape{3, 4})); }

TEST(NpyDictTest, RefusesShapesThatAreNone) {
  expect_shape_refused("(7)", "a number instead of a tuple");
  expect_shape_refused("7", "\"(\" is expected");
  expect_shape_refused("[7]", "\"(\" is expected");
  expect_shape_refused("(-1,)", "a length is negative");
  expect_shape_refused("(,)", "a length is expected");
  expect_shape_refused("(1,,2)", "a length is expected");
  expect_shape_refused("(1 2)", "\",\" or \")\" is expected");
  expect_shape_refused("(1.0,)", "\",\" or \")\" is expected");
  expect_shape_refused("(0x10,)", "\",\" or \")\" is expected");
  expect_shape_refused("(1_000,)", "\",\" or \")\" is expected");
  expect_shape_refused("(+1,)", "a length is expected");
  expect_shape_refused("(007,)", "a length begins with 0");
  expect_shape_refused("(9223372036854775808,)", "a length is too large");
  expect_shape_refused("(3, 4", "a length is expected");
  expect_refused("{'shape': (3, 4", "\",\" or \")\" is expected");
  expect_shape_refused("(None,)", "a length is expected");
}

TEST(NpyDictTest, RefusesMissingKeys) {
  expect_refused("{}", "the key \"descr\" is missing");
  expect_refused("{'descr': '<f8', 'shape': (3,)}", "the key \"fortran_order\" is missing");
  expect_refused("{'descr': '<f8', 'fortran_order': False}", "the key \"shape\" is missing");
}

TEST(NpyDictTest, RefusesUnknownKeys) {
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'x': 1}",
                 "unknown key \"x\"");
  expect_refused("{'Descr': '<f8'}", "unknown key \"Descr\"");
  expect_refused("{'\x1b[2J': 1}", "unknown key \"?[2J\"");
}

TEST(NpyDictTest, RefusesAKeyThatStandsThereTwice) {
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'shape': (4,)}",
                 "the key \"shape\" stands there twice");
  expect_refused("{'descr': '<f8', 'descr': '<f8'}", "the key \"descr\" stands there twice");
}

TEST(NpyDictTest, RefusesWhatIsNoLiteral) {
  expect_refused("", "\"{\" is expected");
  expect_refused("[]", "\"{\" is expected");
  expect_refused("{", "a string is expected");
  expect_refused("{'descr'}", "\":\" is expected");
  expect_refused("{'descr': '<f8}", "a string does not end");
  expect_refused("{'descr': '<f8\"", "a string does not end");
  expect_refused("{'descr': '\\x3cf8'}", "a string has an escape in it");
  expect_refused("{'descr': f8}", "a string is expected");
  expect_refused("{'descr': '<f8' 'shape': ()}", "\"}\" is expected");
  expect_refused("{'descr': '<f8',, }", "a string is expected");
  expect_refused("{'fortran_order': 0}", "True or False is expected");
  expect_refused("{'fortran_order': Falsehood}", "\"}\" is expected");
  expect_refused("{'descr': __import__('os')}", "a string is expected");
  expect_refused("{'descr': '<f8', 'fortran_order': False, 'shape': ()} x", "something follows");
  expect_refused(std::string_view("{\0}", 3), "a string is expected");
}

TEST(NpyDictTest, RefusesStructuredDTypesWithAHint) {
  for (const auto* text :
       {"{'descr': [('a', '<f8'), ('b', '<i4')], 'fortran_order': False, 'shape': (3,), }",
        "{'descr': ('<f8', (2,)), 'fortran_order': False, 'shape': (3,), }"}) {
    const Error error = test::error_of([&] { parse_npy_dict(text); });
    EXPECT_EQ(error.message(), "its dtype is structured");
    EXPECT_THAT(error.hint(), HasSubstr("numpy.save(f, a['field'])"));
  }
}

}  // namespace
}  // namespace gristmill::engine

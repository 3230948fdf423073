#include "engine/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/error_of.h"

namespace gristmill::engine {
namespace {

using testing::HasSubstr;
using Given = std::map<std::string, ParamValue>;

KernelInfo kernel() {
  KernelInfo info;
  info.name = "example";
  info.params = {{"flag", "bool", "false", "a switch", false},
                 {"count", "int", "3", "how many", false},
                 {"scale", "float", "0.5", "a factor", false},
                 {"metric", "string", "haversine", "a word", false},
                 {"weights", "list", "1,2.5,-3e2", "numbers", false}};
  return info;
}

ParamValue resolved(const std::string& name, const ParamValue& value) {
  const KernelInfo info = kernel();
  const std::vector<ParamValue> values = resolve_params(info, {{name, value}});
  for (std::size_t i = 0; i < info.params.size(); ++i) {
    if (info.params[i].name == name) return values.at(i);
  }
  return {};
}

Error refusal(const std::string& name, const ParamValue& value) {
  return test::error_of([&] { resolve_params(kernel(), {{name, value}}); });
}

TEST(ParamsTest, TakesTheDefaultsInTheOrderOfTheDeclarations) {
  const std::vector<ParamValue> values = resolve_params(kernel(), {});
  ASSERT_EQ(values.size(), 5U);
  EXPECT_EQ(values[0], ParamValue(false));
  EXPECT_EQ(values[1], ParamValue(std::int64_t{3}));
  EXPECT_EQ(values[2], ParamValue(0.5));
  EXPECT_EQ(values[3], ParamValue(std::string("haversine")));
  EXPECT_EQ(values[4], ParamValue(std::vector<double>{1, 2.5, -300}));
}

TEST(ParamsTest, ReadsTextsAsTheDeclaredType) {
  EXPECT_EQ(resolved("flag", std::string("true")), ParamValue(true));
  EXPECT_EQ(resolved("flag", std::string("1")), ParamValue(true));
  EXPECT_EQ(resolved("flag", std::string("0")), ParamValue(false));
  EXPECT_EQ(resolved("count", std::string("-12")), ParamValue(std::int64_t{-12}));
  EXPECT_EQ(resolved("scale", std::string("1e-3")), ParamValue(1e-3));
  EXPECT_EQ(resolved("scale", std::string("7")), ParamValue(7.0));
  EXPECT_EQ(resolved("metric", std::string("")), ParamValue(std::string()));
  EXPECT_EQ(resolved("weights", std::string("4")), ParamValue(std::vector<double>{4}));
  EXPECT_EQ(resolved("weights", std::string("")), ParamValue(std::vector<double>{}));
}

TEST(ParamsTest, TakesValuesOfTheDeclaredTypeAsTheyAre) {
  EXPECT_EQ(resolved("flag", true), ParamValue(true));
  EXPECT_EQ(resolved("count", std::numeric_limits<std::int64_t>::min()),
            ParamValue(std::numeric_limits<std::int64_t>::min()));
  const ParamValue nan = resolved("scale", std::nan(""));
  EXPECT_TRUE(std::isnan(std::get<double>(nan)));
  EXPECT_EQ(resolved("weights", std::vector<double>{1, 2}), ParamValue(std::vector<double>{1, 2}));
}

TEST(ParamsTest, AnIntegerStandsForAFloatAndNothingElseDoes) {
  EXPECT_EQ(resolved("scale", std::int64_t{2}), ParamValue(2.0));
  EXPECT_EQ(refusal("count", 2.0).code(), ErrorCode::kInvalid);
  EXPECT_EQ(refusal("count", true).code(), ErrorCode::kInvalid);
  EXPECT_EQ(refusal("flag", std::int64_t{1}).code(), ErrorCode::kInvalid);
  EXPECT_EQ(refusal("weights", 1.0).code(), ErrorCode::kInvalid);
  EXPECT_EQ(refusal("metric", 1.0).code(), ErrorCode::kInvalid);
}

TEST(ParamsTest, RefusesTextsThatAreNotOfTheType) {
  for (const char* text : {"", "three", "3 ", " 3", "3.0", "0x3", "9223372036854775808", "+3"}) {
    EXPECT_EQ(refusal("count", std::string(text)).code(), ErrorCode::kInvalid) << text;
  }
  for (const char* text : {"yes", "True", "", "2"}) {
    EXPECT_EQ(refusal("flag", std::string(text)).code(), ErrorCode::kInvalid) << text;
  }
  for (const char* text : {"1,,2", ",", "1;2", "1, 2", "a"}) {
    EXPECT_EQ(refusal("weights", std::string(text)).code(), ErrorCode::kInvalid) << text;
  }
}

TEST(ParamsTest, TheRefusalNamesParameterTypeAndValue) {
  const Error error = refusal("count", std::string("three"));
  EXPECT_THAT(error.message(), HasSubstr("\"count\""));
  EXPECT_THAT(error.message(), HasSubstr("int"));
  EXPECT_THAT(error.message(), HasSubstr("\"three\""));
  EXPECT_EQ(error.hint(), "count: how many.");
}

TEST(ParamsTest, AWholeNumberThatIsTooLargeIsToldFromATextThatIsNone) {
  EXPECT_EQ(refusal("count", std::string("-99999999999999999999")).message(),
            "parameter \"count\" is of type int, and -99999999999999999999 is beyond its 64 bits");
  EXPECT_THAT(refusal("count", std::string("-")).message(), HasSubstr("\"-\" is none"));
}

TEST(ParamsTest, OffersTheNearestNameForAnUnknownOne) {
  const Error error = refusal("metrik", std::string("euclidean"));
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_THAT(error.message(), HasSubstr("kernel \"example\": unknown parameter \"metrik\""));
  EXPECT_THAT(error.message(), HasSubstr("\"metric\""));
}

TEST(ParamsTest, RefusesWhatNoMessageCarries) {
  EXPECT_EQ(resolved("metric", std::string(4096, 'x')), ParamValue(std::string(4096, 'x')));
  EXPECT_EQ(refusal("metric", std::string(4097, 'x')).code(), ErrorCode::kInvalid);
  EXPECT_EQ(refusal("weights", std::vector<double>(4097)).code(), ErrorCode::kInvalid);
}

TEST(ParamsTest, OneWithoutADefaultMustBeGiven) {
  KernelInfo info = kernel();
  info.params.push_back({"radius", "float", "", "how far", true});
  const Error error = test::error_of([&] { resolve_params(info, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalid);
  EXPECT_EQ(error.message(), "kernel \"example\" needs parameter \"radius\"");
  EXPECT_EQ(error.hint(), "radius: how far.");
  EXPECT_EQ(resolve_params(info, {{"radius", std::string("2.5")}}).back(), ParamValue(2.5));
}

}  // namespace
}  // namespace gristmill::engine

// The present header against the kept one of ABI 1.0: whatever was there stays where it was.
#include <gtest/gtest.h>

#include <gristmill/kernel.h>
#include <cstddef>
#include <string>

namespace now {
constexpr auto kMagic = GM_PLUGIN_MAGIC;
constexpr auto kMajor = GM_ABI_MAJOR;
constexpr auto kMaxRank = GM_MAX_RANK;
constexpr auto kMaxOutputs = GM_MAX_OUTPUTS;
const std::string kQuerySymbol = GM_QUERY_SYMBOL;
}  // namespace now

#undef GRISTMILL_KERNEL_H
#undef GM_PLUGIN_MAGIC
#undef GM_ABI_MAJOR
#undef GM_ABI_MINOR
#undef GM_MAX_RANK
#undef GM_MAX_OUTPUTS
#undef GM_QUERY_SYMBOL
namespace abi1 {
#include "tests/plugins/abi1/gristmill/kernel.h"
}  // namespace abi1

namespace gristmill {
namespace {

// Pointers are fields, too, and their size is what is compared.
// NOLINTBEGIN(bugprone-sizeof-expression)
static_assert(now::kMagic == GM_PLUGIN_MAGIC);
static_assert(now::kMajor == GM_ABI_MAJOR);
static_assert(now::kMaxRank == GM_MAX_RANK);
static_assert(now::kMaxOutputs == GM_MAX_OUTPUTS);

#define SAME_FIELD(type, field)                                          \
  static_assert(offsetof(::type, field) == offsetof(abi1::type, field)); \
  static_assert(sizeof(::type::field) == sizeof(abi1::type::field))
#define SAME_VALUE(name) static_assert(std::int64_t{::name} == std::int64_t{abi1::name})

// gm_array and gm_param_value never change, all others only grow.
static_assert(sizeof(::gm_array) == sizeof(abi1::gm_array));
SAME_FIELD(gm_array, data);
SAME_FIELD(gm_array, dtype);
SAME_FIELD(gm_array, rank);
SAME_FIELD(gm_array, shape);
static_assert(sizeof(::gm_param_value) == sizeof(abi1::gm_param_value));
SAME_FIELD(gm_param_value, type);
SAME_FIELD(gm_param_value, list_length);
SAME_FIELD(gm_param_value, integer);
SAME_FIELD(gm_param_value, real);
SAME_FIELD(gm_param_value, text);
SAME_FIELD(gm_param_value, list);
static_assert(sizeof(::gm_host) >= sizeof(abi1::gm_host));
SAME_FIELD(gm_host, struct_size);
SAME_FIELD(gm_host, abi_minor);
SAME_FIELD(gm_host, context);
SAME_FIELD(gm_host, set_error);
SAME_FIELD(gm_host, cancelled);
SAME_FIELD(gm_host, log);
SAME_FIELD(gm_host, count);
SAME_FIELD(gm_host, scratch);
SAME_FIELD(gm_host, rows);
SAME_FIELD(gm_host, commit);
static_assert(sizeof(::gm_request) >= sizeof(abi1::gm_request));
SAME_FIELD(gm_request, struct_size);
SAME_FIELD(gm_request, input_count);
SAME_FIELD(gm_request, param_count);
SAME_FIELD(gm_request, output_count);
SAME_FIELD(gm_request, inputs);
SAME_FIELD(gm_request, params);
SAME_FIELD(gm_request, output_wanted);
static_assert(sizeof(::gm_plan) >= sizeof(abi1::gm_plan));
SAME_FIELD(gm_plan, struct_size);
SAME_FIELD(gm_plan, flags);
SAME_FIELD(gm_plan, index_space);
SAME_FIELD(gm_plan, input);
SAME_FIELD(gm_plan, items);
SAME_FIELD(gm_plan, rows);
SAME_FIELD(gm_plan, columns);
SAME_FIELD(gm_plan, tile_rows);
SAME_FIELD(gm_plan, tile_columns);
SAME_FIELD(gm_plan, bytes_per_item);
SAME_FIELD(gm_plan, nanoseconds_per_item);
SAME_FIELD(gm_plan, instruction_set);
SAME_FIELD(gm_plan, accumulator_bytes);
SAME_FIELD(gm_plan, outputs);
static_assert(sizeof(::gm_chunk) >= sizeof(abi1::gm_chunk));
SAME_FIELD(gm_chunk, struct_size);
SAME_FIELD(gm_chunk, output_count);
SAME_FIELD(gm_chunk, begin);
SAME_FIELD(gm_chunk, end);
SAME_FIELD(gm_chunk, outputs);
SAME_FIELD(gm_chunk, accumulator);
SAME_FIELD(gm_chunk, accumulator_bytes);
SAME_FIELD(gm_chunk, row_begin);
SAME_FIELD(gm_chunk, row_end);
SAME_FIELD(gm_chunk, column_begin);
SAME_FIELD(gm_chunk, column_end);
static_assert(sizeof(::gm_merge) >= sizeof(abi1::gm_merge));
SAME_FIELD(gm_merge, struct_size);
SAME_FIELD(gm_merge, reserved);
SAME_FIELD(gm_merge, into);
SAME_FIELD(gm_merge, from);
SAME_FIELD(gm_merge, accumulator_bytes);
static_assert(sizeof(::gm_finish) >= sizeof(abi1::gm_finish));
SAME_FIELD(gm_finish, struct_size);
SAME_FIELD(gm_finish, output_count);
SAME_FIELD(gm_finish, outputs);
SAME_FIELD(gm_finish, accumulator);
SAME_FIELD(gm_finish, accumulator_bytes);
static_assert(sizeof(::gm_input_decl) >= sizeof(abi1::gm_input_decl));
SAME_FIELD(gm_input_decl, name);
SAME_FIELD(gm_input_decl, help);
SAME_FIELD(gm_input_decl, flags);
SAME_FIELD(gm_input_decl, dtypes);
SAME_FIELD(gm_input_decl, min_rank);
SAME_FIELD(gm_input_decl, max_rank);
static_assert(sizeof(::gm_param_decl) >= sizeof(abi1::gm_param_decl));
SAME_FIELD(gm_param_decl, name);
SAME_FIELD(gm_param_decl, help);
SAME_FIELD(gm_param_decl, default_value);
SAME_FIELD(gm_param_decl, type);
SAME_FIELD(gm_param_decl, reserved);
static_assert(sizeof(::gm_output_decl) >= sizeof(abi1::gm_output_decl));
SAME_FIELD(gm_output_decl, name);
SAME_FIELD(gm_output_decl, help);
static_assert(sizeof(::gm_kernel) >= sizeof(abi1::gm_kernel));
SAME_FIELD(gm_kernel, struct_size);
SAME_FIELD(gm_kernel, flags);
SAME_FIELD(gm_kernel, pattern);
SAME_FIELD(gm_kernel, input_count);
SAME_FIELD(gm_kernel, param_count);
SAME_FIELD(gm_kernel, output_count);
SAME_FIELD(gm_kernel, input_decl_size);
SAME_FIELD(gm_kernel, param_decl_size);
SAME_FIELD(gm_kernel, output_decl_size);
SAME_FIELD(gm_kernel, reserved);
SAME_FIELD(gm_kernel, name);
SAME_FIELD(gm_kernel, summary);
SAME_FIELD(gm_kernel, description);
SAME_FIELD(gm_kernel, inputs);
SAME_FIELD(gm_kernel, params);
SAME_FIELD(gm_kernel, outputs);
SAME_FIELD(gm_kernel, plan);
SAME_FIELD(gm_kernel, open);
SAME_FIELD(gm_kernel, run);
SAME_FIELD(gm_kernel, close);
SAME_FIELD(gm_kernel, merge);
SAME_FIELD(gm_kernel, finish);
static_assert(sizeof(::gm_plugin) >= sizeof(abi1::gm_plugin));
SAME_FIELD(gm_plugin, magic);
SAME_FIELD(gm_plugin, abi_major);
SAME_FIELD(gm_plugin, abi_minor);
SAME_FIELD(gm_plugin, struct_size);
SAME_FIELD(gm_plugin, kernel_count);
SAME_FIELD(gm_plugin, reserved);
SAME_FIELD(gm_plugin, kernels);

SAME_VALUE(GM_OK);
SAME_VALUE(GM_FAILED);
SAME_VALUE(GM_INVALID);
SAME_VALUE(GM_NO_MEMORY);
SAME_VALUE(GM_BOOL);
SAME_VALUE(GM_INT8);
SAME_VALUE(GM_INT16);
SAME_VALUE(GM_INT32);
SAME_VALUE(GM_INT64);
SAME_VALUE(GM_UINT8);
SAME_VALUE(GM_UINT16);
SAME_VALUE(GM_UINT32);
SAME_VALUE(GM_UINT64);
SAME_VALUE(GM_FLOAT16);
SAME_VALUE(GM_FLOAT32);
SAME_VALUE(GM_FLOAT64);
SAME_VALUE(GM_COMPLEX64);
SAME_VALUE(GM_COMPLEX128);
SAME_VALUE(GM_PARAM_BOOL);
SAME_VALUE(GM_PARAM_INT);
SAME_VALUE(GM_PARAM_FLOAT);
SAME_VALUE(GM_PARAM_STRING);
SAME_VALUE(GM_PARAM_LIST);
SAME_VALUE(GM_MAP);
SAME_VALUE(GM_REDUCE);
SAME_VALUE(GM_EMIT);
SAME_VALUE(GM_ROWS);
SAME_VALUE(GM_RANGE);
SAME_VALUE(GM_TILES);
SAME_VALUE(GM_TRIANGLE);
SAME_VALUE(GM_OVERWRITES_OUTPUT);
SAME_VALUE(GM_ITEM_INDEPENDENT);
SAME_VALUE(GM_EXACT_MERGE);
SAME_VALUE(GM_OPTIONAL);
SAME_VALUE(GM_LOG_INFO);
SAME_VALUE(GM_LOG_WARNING);

#undef SAME_FIELD
#undef SAME_VALUE
// NOLINTEND(bugprone-sizeof-expression)

// The rest is checked by the compiler.
TEST(AbiLayoutTest, PluginsOfAbi1AreFoundByTheSameSymbol) {
  EXPECT_EQ(now::kQuerySymbol, GM_QUERY_SYMBOL);
}

}  // namespace
}  // namespace gristmill

// A kernel whose plans make no sense: against the C interface, because the C++ one would not let
// it.
#include <gristmill/kernel.h>
#include <cstring>

namespace {

gm_status plan(const gm_host*, const gm_request* request, gm_plan* plan) {
  const char* how = request->params[0].text;
  const auto is = [how](const char* name) { return std::strcmp(how, name) == 0; };
  plan->items = is("negative_items") ? -1 : 10;
  plan->bytes_per_item = is("negative_bytes") ? -1 : 8;
  if (is("nan_cost")) plan->nanoseconds_per_item = __builtin_nan("");
  if (is("infinite_cost")) plan->nanoseconds_per_item = __builtin_inf();
  plan->index_space = GM_RANGE;
  if (is("null_texts")) plan->instruction_set = nullptr;
  if (is("unknown_space")) plan->index_space = 4;
  if (is("rows_of_nothing")) plan->index_space = GM_ROWS;
  if (is("no_tiles")) plan->index_space = GM_TILES, plan->tile_rows = -1;
  if (is("slanted_triangle")) {
    plan->index_space = GM_TRIANGLE;
    plan->rows = 5;
    plan->columns = 6;
  }
  if (is("too_many_tiles")) {
    plan->index_space = GM_TILES;
    plan->rows = plan->columns = INT64_MAX;
  }
  gm_array& output = plan->outputs[0];
  output.dtype = is("unknown_dtype") ? 99 : is("no_output") ? 0 : GM_INT64;
  output.rank = is("rank_nine") ? 9 : is("rank_zero") ? 0 : 2;
  output.shape[0] = is("other_rows") ? 11 : plan->items;
  output.shape[1] = is("overflow") ? INT64_MAX : is("negative_row") ? -1 : 1;
  return is("failed_in_silence") ? GM_FAILED : GM_OK;
}

gm_status open(const gm_host*, const gm_request*, void**) { return GM_OK; }

gm_status run(const gm_host*, void*, const gm_chunk* chunk) {
  auto* output = static_cast<int64_t*>(chunk->outputs[0].data);
  for (int64_t item = chunk->begin; item < chunk->end; ++item) output[item] = item;
  return GM_OK;
}

void close(void*) {}

constexpr gm_param_decl kParams[] = {
    {"how", "what is wrong with the plan", "nothing", GM_PARAM_STRING, 0}};
constexpr gm_output_decl kOutputs[] = {{"index", "int64"}};
constexpr gm_kernel kernel() {
  gm_kernel kernel{};
  kernel.struct_size = sizeof(gm_kernel);
  kernel.flags = GM_OVERWRITES_OUTPUT;
  kernel.name = "wrong_plan";
  kernel.summary = "answers a wrong plan";
  kernel.param_count = 1;
  kernel.param_decl_size = sizeof(gm_param_decl);
  kernel.params = kParams;
  kernel.output_count = 1;
  kernel.output_decl_size = sizeof(gm_output_decl);
  kernel.outputs = kOutputs;
  kernel.plan = &plan;
  kernel.open = &open;
  kernel.run = &run;
  kernel.close = &close;
  return kernel;
}

constexpr gm_kernel kKernel = kernel();
constexpr const gm_kernel* kKernels[] = {&kKernel};
constexpr gm_plugin kPlugin = {GM_PLUGIN_MAGIC, GM_ABI_MAJOR, GM_ABI_MINOR, sizeof(gm_plugin), 1, 0,
                               kKernels};

}  // namespace

extern "C" __attribute__((visibility("default"))) const gm_plugin* gm_plugin_query(void);
extern "C" const gm_plugin* gm_plugin_query(void) { return &kPlugin; }

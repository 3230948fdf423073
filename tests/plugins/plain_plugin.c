/* A plug-in in plain C, or one that is to be refused: the build may redefine any of these. */
#include <gristmill/kernel.h>
#include <stddef.h>
#include <stdlib.h>

#ifndef MAGIC
#define MAGIC GM_PLUGIN_MAGIC
#endif
#ifndef ABI_MAJOR
#define ABI_MAJOR GM_ABI_MAJOR
#endif
#ifndef ABI_MINOR
#define ABI_MINOR GM_ABI_MINOR
#endif
#ifndef STRUCT_SIZE
#define STRUCT_SIZE sizeof(gm_plugin)
#endif
#ifndef KERNEL_STRUCT_SIZE
#define KERNEL_STRUCT_SIZE sizeof(gm_kernel)
#endif
#ifndef OUTPUT_DECL_SIZE
#define OUTPUT_DECL_SIZE sizeof(gm_output_decl)
#endif
#ifndef DTYPES
#define DTYPES 0
#endif
#ifndef RANKS
#define RANKS 0, 0
#endif
#ifndef PARAM_TYPE
#define PARAM_TYPE GM_PARAM_INT
#endif
#define VALUE_NAME "value"
#ifndef PARAM_NAME
#define PARAM_NAME "items"
#endif
#ifndef KERNEL_COUNT
#define KERNEL_COUNT 2
#endif
#ifndef KERNEL
#define KERNEL &fill
#endif
#ifndef RUN
#define RUN run
#endif
#ifndef OUTPUT_COUNT
#define OUTPUT_COUNT 1
#endif
#ifndef PATTERN
#define PATTERN GM_MAP
#endif
#ifndef MERGE
#define MERGE NULL
#endif
#ifndef FINISH
#define FINISH NULL
#endif
#ifndef QUERY
#define QUERY gm_plugin_query
#endif
#ifndef ANSWER
#define ANSWER &plugin
#endif

/* Fills its output with a value. Items 1000 and on are refused by run, counts below 0 by plan. */

static const gm_input_decl inputs[] = {{"weights", "not used", GM_OPTIONAL, DTYPES, RANKS}};
static const gm_param_decl params[] = {{PARAM_NAME, "how many", "10", PARAM_TYPE, 0},
                                       {VALUE_NAME, "what to write", "0.5", GM_PARAM_FLOAT, 0}};
static const gm_output_decl outputs[] = {{"filled", "float64 per item"}};

static gm_status plan(const gm_host* host, const gm_request* request, gm_plan* answer) {
  const int64_t items = request->params[0].integer;
  if (items < 0) {
    host->set_error(host->context, "\"items\" is negative", "Ask for 0 or more.");
    return GM_INVALID;
  }
  answer->items = items;
  answer->index_space = GM_RANGE;
  answer->outputs[0].dtype = GM_FLOAT64;
  answer->outputs[0].rank = 1;
  answer->outputs[0].shape[0] = items;
  return GM_OK;
}

static gm_status open(const gm_host* host, const gm_request* request, void** state) {
  double* value = malloc(sizeof(double));
  (void)host;
  if (value == NULL) return GM_NO_MEMORY;
  *value = request->params[1].real;
  *state = value;
  return GM_OK;
}

static gm_status run(const gm_host* host, void* state, const gm_chunk* chunk) {
  double* filled = chunk->outputs[0].data;
  if (chunk->end > 1000) {
    host->set_error(host->context, "there are only 1000 items", NULL);
    return GM_FAILED;
  }
  for (int64_t item = chunk->begin; filled != NULL && item < chunk->end; ++item) {
    filled[item] = *(const double*)state;
  }
  return GM_OK;
}

static void close(void* state) { free(state); }

/* A reduce that counts its items. Item 1000 is refused by run; merge refuses a sum beyond 1000,
 * finish a sum of 1000. */

static const gm_output_decl count_outputs[] = {{"count", "int64"}};

static gm_status count_plan(const gm_host* host, const gm_request* request, gm_plan* answer) {
  (void)host;
  answer->items = request->params[0].integer;
  answer->index_space = GM_RANGE;
  answer->accumulator_bytes = sizeof(int64_t);
  answer->outputs[0].dtype = GM_INT64;
  return GM_OK;
}

static gm_status count_run(const gm_host* host, void* state, const gm_chunk* chunk) {
  (void)state;
  if (chunk->outputs != NULL || chunk->accumulator_bytes != sizeof(int64_t)) return GM_FAILED;
  if (chunk->end > 1000) {
    host->set_error(host->context, "there are only 1000 items", NULL);
    return GM_FAILED;
  }
  *(int64_t*)chunk->accumulator += chunk->end - chunk->begin;
  return GM_OK;
}

static gm_status count_merge(const gm_host* host, void* state, const gm_merge* merge) {
  int64_t* sum = merge->into;
  (void)state;
  if (merge->accumulator_bytes != sizeof(int64_t)) return GM_FAILED;
  *sum += *(const int64_t*)merge->from;
  if (*sum <= 1000) return GM_OK;
  host->set_error(host->context, "too many were merged", NULL);
  return GM_FAILED;
}

static gm_status count_finish(const gm_host* host, void* state, const gm_finish* finish) {
  const int64_t sum = *(const int64_t*)finish->accumulator;
  (void)state;
  if (finish->accumulator_bytes != sizeof(int64_t)) return GM_FAILED;
  if (sum == 1000) {
    host->set_error(host->context, "there are too many to finish", NULL);
    return GM_FAILED;
  }
  if (finish->outputs[0].data != NULL) *(int64_t*)finish->outputs[0].data = sum;
  return GM_OK;
}

static const gm_kernel fill = {.struct_size = KERNEL_STRUCT_SIZE,
                               .flags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT,
                               .input_decl_size = sizeof(gm_input_decl),
                               .param_decl_size = sizeof(gm_param_decl),
                               .output_decl_size = OUTPUT_DECL_SIZE,
                               .name = "fill",
                               .summary = "fills its output with a value",
                               .input_count = 1,
                               .param_count = 2,
                               .output_count = OUTPUT_COUNT,
                               .pattern = PATTERN,
                               .inputs = inputs,
                               .params = params,
                               .outputs = outputs,
                               .plan = plan,
                               .open = open,
                               .run = RUN,
                               .close = close,
                               .merge = MERGE,
                               .finish = FINISH};

static const gm_kernel count = {.struct_size = sizeof(gm_kernel),
                                .flags = GM_EXACT_MERGE,
                                .input_decl_size = sizeof(gm_input_decl),
                                .param_decl_size = sizeof(gm_param_decl),
                                .output_decl_size = sizeof(gm_output_decl),
                                .name = "count",
                                .summary = "counts its items",
                                .input_count = 1,
                                .param_count = 2,
                                .output_count = 1,
                                .pattern = GM_REDUCE,
                                .inputs = inputs,
                                .params = params,
                                .outputs = count_outputs,
                                .plan = count_plan,
                                .open = open,
                                .run = count_run,
                                .close = close,
                                .merge = count_merge,
                                .finish = count_finish};

__attribute__((visibility("default"))) const gm_plugin* QUERY(void);
const gm_plugin* QUERY(void) {
  static const gm_kernel* const kernels[] = {KERNEL, &count};
  static const gm_plugin plugin = {MAGIC,        ABI_MAJOR, ABI_MINOR, STRUCT_SIZE,
                                   KERNEL_COUNT, 0,         kernels};
  /* Not all are used when one is redefined. */
  (void)&run;
  (void)&fill;
  (void)&plugin;
  return ANSWER;
}

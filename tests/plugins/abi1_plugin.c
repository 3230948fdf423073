/* A plug-in of ABI 1.0, compiled against its header as it was then. With GROWN its structs have
 * more at their end, as those of a later minor version would. */
#include <gristmill/kernel.h>
#include <stddef.h>
#include <stdlib.h>

#ifdef GROWN
#define MORE uint64_t more[3];
#define TAIL \
  , { UINT64_MAX, UINT64_MAX, UINT64_MAX }
#else
#define MORE
#define TAIL
#endif

typedef struct {
  gm_input_decl v1;
  MORE
} InputDecl;
typedef struct {
  gm_param_decl v1;
  MORE
} ParamDecl;
typedef struct {
  gm_output_decl v1;
  MORE
} OutputDecl;
typedef struct {
  gm_kernel v1;
  MORE
} Kernel;
typedef struct {
  gm_plugin v1;
  MORE
} Plugin;

static const InputDecl inputs[] = {
    {{"weights", "not used", GM_OPTIONAL, 1u << GM_FLOAT32, 0, 0} TAIL},
    {{"values", "N int64", 0, 1u << GM_INT64, 1, 1} TAIL}};
static const ParamDecl params[] = {
    {{"items", "of the range", "10", GM_PARAM_INT, 0} TAIL},
    {{"factor", "what values are multiplied with", "2", GM_PARAM_INT, 0} TAIL},
    {{"refuse", "whether run refuses", "false", GM_PARAM_BOOL, 0} TAIL}};
static const OutputDecl outputs[] = {{{"result", "int64"} TAIL}, {{"item", "int64"} TAIL}};

typedef struct {
  const int64_t* values;
  int64_t factor;
  int64_t refuse;
} State;

static gm_status refused(const gm_host* host, gm_status status, const char* message) {
  host->set_error(host->context, message, "Ask for something else.");
  return status;
}

static gm_status open(const gm_host* host, const gm_request* request, void** state) {
  State* made = malloc(sizeof(State));
  if (made == NULL) return refused(host, GM_NO_MEMORY, "out of memory");
  made->values = request->inputs[1].data;
  made->factor = request->params[1].integer;
  made->refuse = request->params[2].integer;
  *state = made;
  return GM_OK;
}

static void close(void* state) { free(state); }

static void plan_output(gm_plan* plan, uint32_t output, uint32_t rank, int64_t length) {
  plan->outputs[output].dtype = GM_INT64;
  plan->outputs[output].rank = rank;
  for (uint32_t axis = 0; axis < rank; ++axis) plan->outputs[output].shape[axis] = length;
}

static gm_status plan_rows(const gm_host* host, const gm_request* request, gm_plan* plan) {
  if (host->struct_size < sizeof(gm_host) || plan->struct_size < sizeof(gm_plan) ||
      request->struct_size < sizeof(gm_request)) {
    return refused(host, GM_FAILED, "the host is older than this");
  }
  if (request->params[1].integer < 0) {
    return refused(host, GM_INVALID, "\"factor\" is negative");
  }
  plan->index_space = GM_ROWS;
  plan->input = 1;
  plan_output(plan, 0, 1, request->inputs[1].shape[0]);
  plan_output(plan, 1, 1, request->inputs[1].shape[0]);
  return GM_OK;
}

/* Map of rows: result = factor * value, by way of scratch; a line for item 0. */
static gm_status map_rows(const gm_host* host, void* state, const gm_chunk* chunk) {
  const State* self = state;
  const int64_t size = chunk->end - chunk->begin;
  int64_t* products = host->scratch(host->context, size * (int64_t)sizeof(int64_t));
  if (products == NULL) return refused(host, GM_NO_MEMORY, "no scratch");
  if ((uintptr_t)products % 64 != 0) return refused(host, GM_FAILED, "scratch is not aligned");
  if (self->refuse != 0) return refused(host, GM_FAILED, "it was asked to refuse");
  for (int64_t i = 0; i < size; ++i) products[i] = self->factor * self->values[chunk->begin + i];
  for (uint32_t output = 0; output < chunk->output_count; ++output) {
    int64_t* rows = chunk->outputs[output].data;
    for (int64_t i = 0; rows != NULL && i < size; ++i) {
      rows[chunk->begin + i] = output == 0 ? products[i] : chunk->begin + i;
    }
  }
  if (chunk->begin == 0) host->log(host->context, GM_LOG_WARNING, "item 0 was here");
  host->count(host->context, "items", size);
  return GM_OK;
}

/* Reduce of a range: the sum of its numbers, and how many they are. */
static gm_status plan_range(const gm_host* host, const gm_request* request, gm_plan* plan) {
  (void)host;
  plan->index_space = GM_RANGE;
  plan->items = request->params[0].integer;
  plan->accumulator_bytes = 2 * sizeof(int64_t);
  plan_output(plan, 0, 0, 0);
  plan_output(plan, 1, 0, 0);
  return GM_OK;
}

static gm_status reduce_range(const gm_host* host, void* state, const gm_chunk* chunk) {
  int64_t* sums = chunk->accumulator;
  (void)state;
  if (chunk->outputs != NULL || (uintptr_t)sums % 64 != 0) {
    return refused(host, GM_FAILED, "that is no accumulator");
  }
  for (int64_t item = chunk->begin; item < chunk->end; ++item) {
    if (host->cancelled(host->context) != 0) return GM_FAILED;
    sums[0] += item;
    sums[1] += 1;
  }
  return GM_OK;
}

static gm_status merge(const gm_host* host, void* state, const gm_merge* merge) {
  int64_t* into = merge->into;
  const int64_t* from = merge->from;
  (void)host;
  (void)state;
  into[0] += from[0];
  into[1] += from[1];
  return GM_OK;
}

static gm_status finish(const gm_host* host, void* state, const gm_finish* finish) {
  const int64_t* sums = finish->accumulator;
  (void)host;
  (void)state;
  for (uint32_t output = 0; output < finish->output_count; ++output) {
    int64_t* element = finish->outputs[output].data;
    if (element != NULL) *element = sums[output];
  }
  return GM_OK;
}

/* Emit of rows: the odd values and their numbers. */
static gm_status emit_rows(const gm_host* host, void* state, const gm_chunk* chunk) {
  const State* self = state;
  const gm_array* rows = host->rows(host->context, chunk->end - chunk->begin);
  int64_t* found = rows == NULL ? NULL : rows[0].data;
  int64_t* items = rows == NULL ? NULL : rows[1].data;
  int64_t count = 0;
  if (rows == NULL) return refused(host, GM_NO_MEMORY, "no rows");
  for (int64_t item = chunk->begin; item < chunk->end; ++item) {
    if (self->values[item] % 2 == 0) continue;
    if (found != NULL) found[count] = self->values[item];
    if (items != NULL) items[count] = item;
    ++count;
  }
  return host->commit(host->context, count);
}

/* Map of a triangle: all products of two values; item: the number of the tile, plus one. */
static gm_status plan_triangle(const gm_host* host, const gm_request* request, gm_plan* plan) {
  (void)host;
  plan->index_space = GM_TRIANGLE;
  plan->rows = request->inputs[1].shape[0];
  plan->tile_rows = 7;
  plan_output(plan, 0, 2, plan->rows);
  plan_output(plan, 1, 2, plan->rows);
  return GM_OK;
}

static gm_status map_triangle(const gm_host* host, void* state, const gm_chunk* chunk) {
  const State* self = state;
  const int64_t n = chunk->outputs[0].shape[0];
  int64_t* products = chunk->outputs[0].data;
  int64_t* tiles = chunk->outputs[1].data;
  if (chunk->end != chunk->begin + 1) return refused(host, GM_FAILED, "that is no tile");
  for (int64_t i = chunk->row_begin; i < chunk->row_end; ++i) {
    for (int64_t j = chunk->column_begin; j < chunk->column_end; ++j) {
      const int64_t product = self->values[i] * self->values[j];
      if (products != NULL) products[i * n + j] = products[j * n + i] = product;
      if (tiles != NULL) tiles[i * n + j] = tiles[j * n + i] = chunk->begin + 1;
    }
  }
  return GM_OK;
}

#define TABLES                                                                              \
  .struct_size = sizeof(Kernel), .input_count = 2, .param_count = 3, .output_count = 2,     \
  .input_decl_size = sizeof(InputDecl), .param_decl_size = sizeof(ParamDecl),               \
  .output_decl_size = sizeof(OutputDecl), .inputs = &inputs[0].v1, .params = &params[0].v1, \
  .outputs = &outputs[0].v1, .open = open, .close = close
static const Kernel kernels[] = {
    {{TABLES, .name = "abi1_map", .flags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT,
      .pattern = GM_MAP, .plan = plan_rows, .run = map_rows} TAIL},
    {{TABLES, .name = "abi1_reduce", .pattern = GM_REDUCE, .plan = plan_range, .run = reduce_range,
      .merge = merge, .finish = finish} TAIL},
    {{TABLES, .name = "abi1_emit", .pattern = GM_EMIT, .plan = plan_rows, .run = emit_rows} TAIL},
    {{TABLES, .name = "abi1_triangle", .pattern = GM_MAP, .plan = plan_triangle,
      .run = map_triangle} TAIL}};

__attribute__((visibility("default"))) const gm_plugin* gm_plugin_query(void);
const gm_plugin* gm_plugin_query(void) {
  static const gm_kernel* const all[] = {&kernels[0].v1, &kernels[1].v1, &kernels[2].v1,
                                         &kernels[3].v1};
  static const Plugin plugin = {{GM_PLUGIN_MAGIC, 1, 0, sizeof(Plugin), 4, 0, all} TAIL};
  return &plugin.v1;
}

/* A plug-in in plain C11, on kernel.h alone: each element, but no less than `low` and no more than
 * `high`. A NaN stays one. Shapes and dtypes are those of the input.
 *
 * All of the ABI is here that a map needs: declarations, plan, open, run, close, and the one symbol
 * that is exported.
 *
 *   gcc -std=c11 -O2 -fPIC -shared -I../../include clip.c -o clip.so
 *   gristmill run clip --plugin ./clip.so --input FILE.npy --param low=0 --param high=1
 */
#include <gristmill/kernel.h>
#include <stdlib.h>

static const gm_input_decl kInputs[] = {{.name = "values",
                                         .help = "N x any shape",
                                         .dtypes = (1u << GM_FLOAT32) | (1u << GM_FLOAT64),
                                         .min_rank = 1,
                                         .max_rank = GM_MAX_RANK}};
static const gm_param_decl kParams[] = {
    {.name = "low", .help = "no less", .default_value = "0", .type = GM_PARAM_FLOAT},
    {.name = "high", .help = "no more", .default_value = "1", .type = GM_PARAM_FLOAT}};
static const gm_output_decl kOutputs[] = {{.name = "clipped", .help = "as values"}};

/* What a worker keeps for a job. The data that the request points to stays until close. */
typedef struct clip_state {
  const void* values;
  gm_dtype dtype;
  int64_t row_elements;
  double low;
  double high;
} clip_state;

static gm_status plan(const gm_host* host, const gm_request* request, gm_plan* answer) {
  if (!(request->params[0].real <= request->params[1].real)) {
    host->set_error(host->context, "\"low\" is above \"high\"", NULL);
    return GM_INVALID;
  }
  answer->index_space = GM_ROWS;
  answer->input = 0;
  answer->outputs[0] = request->inputs[0]; /* dtype, rank and shape; data is NULL here */
  return GM_OK;
}

static gm_status open(const gm_host* host, const gm_request* request, void** state) {
  clip_state* self = malloc(sizeof(clip_state));
  (void)host;
  if (self == NULL) return GM_NO_MEMORY;
  const gm_array* values = &request->inputs[0];
  self->values = values->data;
  self->dtype = values->dtype;
  self->row_elements = 1;
  for (uint32_t axis = 1; axis < values->rank; ++axis) self->row_elements *= values->shape[axis];
  self->low = request->params[0].real;
  self->high = request->params[1].real;
  *state = self;
  return GM_OK;
}

/* Written so that a NaN, which is neither below nor above, is kept. */
static void clip_floats(const float* from, float* to, int64_t count, float low, float high) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = from[i] < low ? low : from[i];
    to[i] = value > high ? high : value;
  }
}

static void clip_doubles(const double* from, double* to, int64_t count, double low, double high) {
  for (int64_t i = 0; i < count; ++i) {
    const double value = from[i] < low ? low : from[i];
    to[i] = value > high ? high : value;
  }
}

/* Items begin to end are rows of the input, and of the output, whose first element is given. */
static gm_status run(const gm_host* host, void* state, const gm_chunk* chunk) {
  const clip_state* self = state;
  const int64_t first = chunk->begin * self->row_elements;
  const int64_t count = (chunk->end - chunk->begin) * self->row_elements;
  (void)host;
  if (self->dtype == GM_FLOAT32) {
    clip_floats((const float*)self->values + first, (float*)chunk->outputs[0].data + first, count,
                (float)self->low, (float)self->high);
  } else {
    clip_doubles((const double*)self->values + first, (double*)chunk->outputs[0].data + first,
                 count, self->low, self->high);
  }
  return GM_OK;
}

static void close(void* state) { free(state); }

static const gm_kernel kClip = {
    .struct_size = sizeof(gm_kernel),
    .flags = GM_OVERWRITES_OUTPUT | GM_ITEM_INDEPENDENT,
    .pattern = GM_MAP,
    .input_count = 1,
    .param_count = 2,
    .output_count = 1,
    .input_decl_size = sizeof(gm_input_decl),
    .param_decl_size = sizeof(gm_param_decl),
    .output_decl_size = sizeof(gm_output_decl),
    .name = "clip",
    .summary = "each element, within limits",
    .description = "The element, low if it is below, high if it is above; NaN stays NaN.",
    .inputs = kInputs,
    .params = kParams,
    .outputs = kOutputs,
    .plan = plan,
    .open = open,
    .run = run,
    .close = close};

__attribute__((visibility("default"))) const gm_plugin* gm_plugin_query(void);
const gm_plugin* gm_plugin_query(void) {
  static const gm_kernel* const kKernels[] = {&kClip};
  static const gm_plugin kPlugin = {.magic = GM_PLUGIN_MAGIC,
                                    .abi_major = GM_ABI_MAJOR,
                                    .abi_minor = GM_ABI_MINOR,
                                    .struct_size = sizeof(gm_plugin),
                                    .kernel_count = 1,
                                    .kernels = kKernels};
  return &kPlugin;
}

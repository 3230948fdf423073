/* The plug-in ABI, C11 and C++. Major 0: not frozen yet; a plug-in of another version is refused.
 *
 * A plug-in is a shared object that exports gm_plugin_query and links against nothing of gristmill.
 * It is loaded by worker processes only. In each worker, per job: open once, run once per chunk
 * that this worker takes (in any order, each chunk at most once), close once. plan may be called in
 * any worker at any time, and sees no data. All calls come from one thread.
 *
 * No exception and no longjmp may leave a function of a plug-in. What the host hands in stays valid
 * until the call returns; for open, until close has returned. What the plug-in hands out (its
 * declarations, the texts of a plan) stays valid while it is loaded. Whoever makes a struct sets
 * its struct_size, for gm_plan the host, which zeroes the rest. */
#ifndef GRISTMILL_KERNEL_H
#define GRISTMILL_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GM_PLUGIN_MAGIC 0x314d4752u /* "RGM1" in memory */
#define GM_ABI_MAJOR 0u
#define GM_ABI_MINOR 2u
#define GM_MAX_RANK 8
#define GM_MAX_OUTPUTS 16
#define GM_QUERY_SYMBOL "gm_plugin_query"

/* What a call answers. Anything but GM_OK comes with a text by gm_host.set_error. */
typedef int32_t gm_status;
enum {
  GM_OK = 0,
  GM_FAILED = 1,  /* the kernel could not do it */
  GM_INVALID = 2, /* the request does not suit the kernel: wrong dtype, shape or parameter */
  GM_NO_MEMORY = 3
};

/* Element types; the numbers are those of gristmill::DType. */
typedef uint32_t gm_dtype;
enum {
  GM_BOOL = 1,
  GM_INT8 = 2,
  GM_INT16 = 3,
  GM_INT32 = 4,
  GM_INT64 = 5,
  GM_UINT8 = 6,
  GM_UINT16 = 7,
  GM_UINT32 = 8,
  GM_UINT64 = 9,
  GM_FLOAT16 = 10,
  GM_FLOAT32 = 11,
  GM_FLOAT64 = 12,
  GM_COMPLEX64 = 13,
  GM_COMPLEX128 = 14
};

typedef uint32_t gm_param_type;
enum {
  GM_PARAM_BOOL = 1,
  GM_PARAM_INT = 2,
  GM_PARAM_FLOAT = 3,
  GM_PARAM_STRING = 4,
  GM_PARAM_LIST = 5
};

typedef uint32_t gm_pattern;
enum { GM_MAP = 0, GM_REDUCE = 1 };

/* Flags of a kernel. */
enum {
  GM_OVERWRITES_OUTPUT = 1u, /* writes every element of its rows (reduce: of its outputs); else they
                                are zeroed first */
  GM_ITEM_INDEPENDENT = 2u,  /* an item's result does not depend on the chunk it is in */
  /* Reduce: any order of adding and merging gives the same bits, as for counts, minima and maxima.
   * Then a worker has one accumulator for all its chunks. */
  GM_EXACT_MERGE = 4u
};

/* Flags of an input. */
enum { GM_OPTIONAL = 1u };

/* Services of the host. */
typedef struct gm_host {
  uint32_t struct_size;
  uint32_t reserved;
  void* context;
  /* message: lower case, no full stop. hint: a sentence, or NULL. Both are copied. */
  void (*set_error)(void* context, const char* message, const char* hint);
  /* Nonzero when the job was cancelled: return as soon as convenient, with any status. */
  int32_t (*cancelled)(void* context);
} gm_host;

/* A C-contiguous array. dtype 0: this optional input was not given. data is NULL while planning and
 * for outputs that nobody asked for; it is aligned to the element size. */
typedef struct gm_array {
  void* data; /* inputs are mapped read-only: a store into one is a fault */
  gm_dtype dtype;
  uint32_t rank;
  int64_t shape[GM_MAX_RANK];
} gm_array;

typedef struct gm_param_value {
  gm_param_type type;
  uint32_t list_length;
  int64_t integer; /* also bool: 0 or 1 */
  double real;
  const char* text;
  const double* list;
} gm_param_value;

/* What a job asks for: inputs, params and outputs in the order of their declarations. */
typedef struct gm_request {
  uint32_t struct_size;
  uint32_t input_count;
  uint32_t param_count;
  uint32_t output_count;
  const gm_array* inputs;
  const gm_param_value* params;
  const uint8_t* output_wanted;
} gm_request;

/* The kernel's answer to a request. The outputs of a map have items along axis 0, those of a reduce
 * any shape. */
typedef struct gm_plan {
  uint32_t struct_size;
  uint32_t output_count;
  int64_t items;
  int64_t bytes_per_item;      /* read and written per item, for choosing a chunk size */
  double nanoseconds_per_item; /* static estimate; 0: not known */
  const char* index_space;     /* in words: rows of "points" */
  const char* instruction_set; /* the code path taken on this machine; NULL: there is one only */
  gm_array outputs[GM_MAX_OUTPUTS]; /* dtype, rank, shape; data is NULL */
  int64_t accumulator_bytes;        /* reduce: at least 1; map: 0 */
} gm_plan;

/* A chunk of a job: items [begin, end). Map: outputs[k].data is the first element of the whole
 * output: write rows begin to end of it and nothing else; NULL if not asked for. Reduce: there are
 * no outputs, but an accumulator, aligned to 64 bytes, which holds zeros or what earlier calls of
 * run in this worker made of it. */
typedef struct gm_chunk {
  uint32_t struct_size;
  uint32_t output_count;
  int64_t begin;
  int64_t end;
  const gm_array* outputs;
  void* accumulator;
  int64_t accumulator_bytes;
} gm_chunk;

/* Reduce: add `from` to `into`. Both hold what run or merge left. The items of `from` come later,
 * unless any order gives the same bits (GM_EXACT_MERGE). */
typedef struct gm_merge {
  uint32_t struct_size;
  uint32_t reserved;
  void* into;
  const void* from;
  int64_t accumulator_bytes;
} gm_merge;

/* Reduce: the accumulator of all items, or zeros if there are none; and the whole outputs, to be
 * written. */
typedef struct gm_finish {
  uint32_t struct_size;
  uint32_t output_count;
  const gm_array* outputs;
  const void* accumulator;
  int64_t accumulator_bytes;
} gm_finish;

typedef struct gm_input_decl {
  const char* name;
  const char* help;
  uint32_t flags;
  uint32_t reserved;
} gm_input_decl;

typedef struct gm_param_decl {
  const char* name;
  const char* help;
  const char* default_value; /* as text */
  gm_param_type type;
  uint32_t reserved;
} gm_param_decl;

typedef struct gm_output_decl {
  const char* name;
  const char* help;
} gm_output_decl;

typedef struct gm_kernel {
  uint32_t struct_size;
  uint32_t flags;
  const char* name;
  const char* summary;     /* one line */
  const char* description; /* what it computes, formula and source, cost */
  uint32_t input_count;
  uint32_t param_count;
  uint32_t output_count;
  gm_pattern pattern;
  const gm_input_decl* inputs;
  const gm_param_decl* params;
  const gm_output_decl* outputs;
  gm_status (*plan)(const gm_host* host, const gm_request* request, gm_plan* plan);
  /* state: whatever the kernel wants to keep for the job in this worker. */
  gm_status (*open)(const gm_host* host, const gm_request* request, void** state);
  gm_status (*run)(const gm_host* host, void* state, const gm_chunk* chunk);
  void (*close)(void* state);
  /* Reduce only, else NULL. */
  gm_status (*merge)(const gm_host* host, void* state, const gm_merge* merge);
  gm_status (*finish)(const gm_host* host, void* state, const gm_finish* finish);
} gm_kernel;

typedef struct gm_plugin {
  uint32_t magic;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t struct_size;
  uint32_t kernel_struct_size;
  uint32_t kernel_count;
  const gm_kernel* const* kernels;
} gm_plugin;

/* The one symbol that a plug-in exports. */
typedef const gm_plugin* (*gm_plugin_query_function)(void);

#ifdef __cplusplus
}
#endif
#endif

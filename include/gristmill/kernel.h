/* The plug-in ABI, version 1, in C11 and C++20. docs/kernel-abi.md is its specification.
 *
 * A plug-in is a shared object that exports gm_plugin_query and links against nothing of gristmill.
 * It is loaded by workers only. In each worker, per job: open once, run for the chunks
 * that this worker takes (in any order, each chunk at most once), close once. plan may be called in
 * any worker at any time, and sees no data. All calls of a worker come from one thread. A worker is
 * a process of its own, unless the user debugs (EngineOptions::in_process): then what is static is
 * shared by several.
 *
 * No exception and no longjmp may leave a function of a plug-in. What the host hands in stays valid
 * until the call returns; for open, until close has returned. What the plug-in hands out (its
 * declarations, the texts of a plan) stays valid while it is loaded.
 *
 * Structs that begin with struct_size only grow, at their end: whoever makes one sets the size it
 * knows, and whoever reads one takes what lies beyond that size for zeros. gm_array and
 * gm_param_value never change. The host makes gm_plan, zeroed. */
#ifndef GRISTMILL_KERNEL_H
#define GRISTMILL_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GM_PLUGIN_MAGIC 0x314d4752u /* "RGM1" in memory */
#define GM_ABI_MAJOR 1u
#define GM_ABI_MINOR 0u
#define GM_MAX_RANK 8
#define GM_MAX_OUTPUTS 16
#define GM_QUERY_SYMBOL "gm_plugin_query"

/* What a call answers. Anything but GM_OK comes with a text by gm_host.set_error; GM_NO_MEMORY
 * needs none. */
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

/* A set of dtypes: (1u << GM_FLOAT32) | (1u << GM_FLOAT64). */
typedef uint32_t gm_dtype_set;

typedef uint32_t gm_param_type;
enum {
  GM_PARAM_BOOL = 1,
  GM_PARAM_INT = 2,
  GM_PARAM_FLOAT = 3,
  GM_PARAM_STRING = 4,
  GM_PARAM_LIST = 5 /* of numbers */
};

/* What becomes of the items: a row of the outputs for each; one result of all; any number of rows
 * for each chunk. */
typedef uint32_t gm_pattern;
enum { GM_MAP = 0, GM_REDUCE = 1, GM_EMIT = 2 };

/* What the items are. A tile is a block of pairs of rows: row_begin <= i < row_end with
 * column_begin <= j < column_end. Those of GM_TRIANGLE cover all pairs with i <= j, and a tile off
 * the diagonal also stands for its mirror image. */
typedef uint32_t gm_index_space;
enum {
  GM_ROWS = 0,    /* the rows of an input */
  GM_RANGE = 1,   /* 0 to items - 1, without any input */
  GM_TILES = 2,   /* the tiles of rows x columns pairs */
  GM_TRIANGLE = 3 /* the tiles of rows x rows pairs on and above the diagonal */
};

/* Flags of a kernel; a plan may change them for its job. */
enum {
  GM_OVERWRITES_OUTPUT = 1u, /* map: writes every element of its rows (reduce: of its outputs);
                                else they are zeroed first */
  GM_ITEM_INDEPENDENT = 2u,  /* an item's result does not depend on the chunk it is in */
  /* Reduce: any order of adding and merging gives the same bits, as for counts, minima and maxima.
   * Then a worker has one accumulator for all its chunks. */
  GM_EXACT_MERGE = 4u
};

/* Flags of an input. */
enum { GM_OPTIONAL = 1u };

typedef uint32_t gm_log_level;
enum { GM_LOG_INFO = 0, GM_LOG_WARNING = 1 };

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

/* Services of the host, for the duration of the call that they were handed to. */
typedef struct gm_host {
  uint32_t struct_size;
  uint32_t abi_minor; /* of the host */
  void* context;
  /* message: lower case, no full stop. hint: a sentence, or NULL. Both are copied. */
  void (*set_error)(void* context, const char* message, const char* hint);
  /* Nonzero when the job was cancelled: return as soon as convenient, with any status. */
  int32_t (*cancelled)(void* context);
  /* A line for the user. The first hundred of a worker and job are kept, of at most 1,000 bytes. */
  void (*log)(void* context, gm_log_level level, const char* message);
  /* Adds to a number of that name, which the summary of the job shows; 16 names at most. What
   * failed or cancelled chunks added stays in it. */
  void (*count)(void* context, const char* name, int64_t amount);
  /* Memory for the rest of this call, aligned to 64 bytes, its contents arbitrary. NULL: there is
   * none; return GM_NO_MEMORY. */
  void* (*scratch)(void* context, int64_t size_bytes);
  /* Emit, in run: room for so many more rows of each output, behind the committed ones of this
   * chunk. What was given before and not committed is taken back. The arrays, one for each output,
   * stay valid until the next call of rows; NULL: there is no room, return GM_NO_MEMORY. */
  const gm_array* (*rows)(void* context, int64_t count);
  /* Emit, in run: the first count of these rows are results, in this order. GM_INVALID for more
   * than there are: return it. */
  gm_status (*commit)(void* context, int64_t count);
} gm_host;

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

/* The kernel's answer to a request. */
typedef struct gm_plan {
  uint32_t struct_size;
  uint32_t flags; /* set by the host to those of the kernel */
  gm_index_space index_space;
  uint32_t input;       /* GM_ROWS: number of the input */
  int64_t items;        /* GM_RANGE: how many; else the host finds out */
  int64_t rows;         /* GM_TILES, GM_TRIANGLE */
  int64_t columns;      /* GM_TILES */
  int64_t tile_rows;    /* of a tile; 0: 256 */
  int64_t tile_columns; /* the same; GM_TRIANGLE: equal to tile_rows */
  /* Read and written per item, for choosing a chunk size. 0: its row of the input of GM_ROWS, and
   * of the outputs. */
  int64_t bytes_per_item;
  double nanoseconds_per_item; /* a constant estimate; 0: not known */
  const char* instruction_set; /* the code path taken on this machine; NULL: there is one only */
  int64_t accumulator_bytes;   /* reduce: at least 1 */
  /* dtype, rank and shape; data is NULL. Map: axis 0 has the items, with tiles axes 0 and 1 have
   * rows and columns. Reduce: any shape. Emit: axis 0 is not read. */
  gm_array outputs[GM_MAX_OUTPUTS];
} gm_plan;

/* A chunk of a job: items [begin, end). With tiles, run is called once for each tile, and end is
 * begin + 1.
 *
 * Map: outputs[k].data is the first element of the whole output: write rows begin to end of it, or
 * the tile's block and in a triangle its mirror image, and nothing else; NULL if not asked for.
 * Reduce: there are no outputs, but an accumulator, aligned to 64 bytes, which holds zeros or what
 * earlier calls of run in this worker made of it. Emit: neither, see gm_host.rows. */
typedef struct gm_chunk {
  uint32_t struct_size;
  uint32_t output_count;
  int64_t begin;
  int64_t end;
  const gm_array* outputs;
  void* accumulator;
  int64_t accumulator_bytes;
  int64_t row_begin; /* of the tile; without tiles begin and end */
  int64_t row_end;
  int64_t column_begin; /* of the tile; without tiles 0 */
  int64_t column_end;
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

/* Requests whose inputs do not have these dtypes and ranks are refused by the host. */
typedef struct gm_input_decl {
  const char* name;
  const char* help;
  uint32_t flags;
  gm_dtype_set dtypes; /* 0: any */
  uint32_t min_rank;
  uint32_t max_rank; /* 0: any from min_rank on */
} gm_input_decl;

typedef struct gm_param_decl {
  const char* name;
  const char* help;
  const char* default_value; /* as text; NULL: must be given */
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
  gm_pattern pattern;
  uint32_t input_count;
  uint32_t param_count;
  uint32_t output_count;
  uint32_t input_decl_size; /* of one declaration, in bytes */
  uint32_t param_decl_size;
  uint32_t output_decl_size;
  uint32_t reserved;
  const char* name;
  const char* summary;     /* one line */
  const char* description; /* what it computes, formula and source, cost */
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

/* The first three fields are the same in every version. */
typedef struct gm_plugin {
  uint32_t magic;
  uint32_t abi_major; /* another one than the host's is refused */
  uint32_t abi_minor; /* a newer one than the host's is refused */
  uint32_t struct_size;
  uint32_t kernel_count;
  uint32_t reserved;
  const gm_kernel* const* kernels;
} gm_plugin;

/* The one symbol that a plug-in exports. */
typedef const gm_plugin* (*gm_plugin_query_function)(void);

/* What the built-in kernel `loop` calls for each chunk: a compiled function that is no plug-in.
 * Array k is input k and, as the last, the output. data[k]: its first row in the chunk. dims[0]:
 * rows of the chunk. dims[1 + k]: elements in a row of array k. strides[k]: bytes from one of its
 * rows to the next. user: NULL. Rows are C-contiguous, inputs are mapped read-only, the rows of the
 * output are zeros before. Answers 0; anything else fails the chunk, with the number as the reason.
 */
typedef int32_t (*gm_loop_function)(void** data, const int64_t* dims, const int64_t* strides,
                                    void* user);

#ifdef __cplusplus
}
#endif
#endif

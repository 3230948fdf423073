/* Functions for the kernel loop. */
#include <gristmill/kernel.h>
#include <stddef.h>
#include <string.h>

#define LOOP(name)                                                                         \
  __attribute__((visibility("default"))) int32_t name(void** data, const int64_t* dims,    \
                                                      const int64_t* strides, void* user); \
  int32_t name(void** data, const int64_t* dims, const int64_t* strides, void* user)

/* Two inputs of float64: the sum of all elements of both rows. */
LOOP(add_rows) {
  (void)user;
  for (int64_t row = 0; row < dims[0]; ++row) {
    double sum = 0;
    for (int k = 0; k < 2; ++k) {
      const double* elements = (const double*)((const char*)data[k] + row * strides[k]);
      for (int64_t i = 0; i < dims[1 + k]; ++i) sum += elements[i];
    }
    *(double*)((char*)data[2] + row * strides[2]) = sum;
  }
  return 0;
}

/* One input: rows of seven int64, which say what the function was called with; the last is 0 if the
 * row was zeros before. Then it spoils its arguments. */
LOOP(tell_arguments) {
  for (int64_t row = 0; row < dims[0]; ++row) {
    int64_t* told = (int64_t*)((char*)data[1] + row * strides[1]);
    int64_t before = 0;
    for (int i = 0; i < 7; ++i) before |= told[i];
    const int64_t facts[7] = {dims[0],    dims[1],      dims[2], strides[0],
                              strides[1], user != NULL, before};
    memcpy(told, facts, sizeof facts);
  }
  data[0] = data[1] = NULL;
  ((int64_t*)dims)[1] = ((int64_t*)strides)[0] = -1;
  return 0;
}

/* One input of int64: fails where it is negative, with that number. */
LOOP(refuse_negative) {
  (void)user;
  for (int64_t row = 0; row < dims[0]; ++row) {
    const int64_t value = *(const int64_t*)((const char*)data[0] + row * strides[0]);
    if (value < 0) return (int32_t)value;
    *(int64_t*)((char*)data[1] + row * strides[1]) = value;
  }
  return 0;
}

/* One input of int64: a store into it, which is a fault, where it is negative. */
LOOP(crash_at_negative) {
  (void)user;
  for (int64_t row = 0; row < dims[0]; ++row) {
    const int64_t value = *(const int64_t*)((const char*)data[0] + row * strides[0]);
    if (value < 0) *(volatile int64_t*)data[0] = 0;
    *(int64_t*)((char*)data[1] + row * strides[1]) = value;
  }
  return 0;
}

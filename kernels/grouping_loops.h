// The body of grouping_*.cc, compiled once per instruction set; see pairwise_loops.h for why it is
// all in an unnamed namespace and includes next to nothing.
#pragma once

#include "kernels/grouping.h"

namespace gristmill::kernels {
namespace {

#define GRISTMILL_INLINE inline __attribute__((always_inline))

template <class T>
constexpr bool kFloating = __is_same(T, float) || __is_same(T, double);
// The number of a group; any number from `groups` on for a key that is none.
template <class K>
GRISTMILL_INLINE uint64_t group_of(K key, int64_t groups) {
  if constexpr (kFloating<K>) {
    const bool inside = key >= 0 && key < static_cast<K>(groups);
    const int64_t whole = inside ? static_cast<int64_t>(key) : 0;
    return inside && static_cast<K>(whole) == key ? static_cast<uint64_t>(whole) : UINT64_MAX;
  } else {
    return static_cast<uint64_t>(key);  // a negative one is beyond all groups
  }
}

template <class K>
int64_t read_keys(const void* keys, int64_t count, int64_t groups, uint32_t* out) {
  const K* data = static_cast<const K*>(keys);
  uint64_t wrong = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t group = group_of(data[i], groups);
    wrong |= group >= static_cast<uint64_t>(groups) ? 1 : 0;
    out[i] = static_cast<uint32_t>(group);
  }
  if (wrong == 0) return count;
  int64_t row = 0;
  while (group_of(data[row], groups) < static_cast<uint64_t>(groups)) ++row;
  return row;
}

// Calls add(value, group) for each row.
template <class T, class Add>
GRISTMILL_INLINE int64_t each_row(const GroupedRows& rows, const Add& add) {
  const T* value = static_cast<const T*>(rows.values);
  const int64_t value_stride = rows.value_stride;
  const int64_t count = rows.count;
  if (rows.key_stride == 0) {
    const uint32_t* keys = static_cast<const uint32_t*>(rows.keys);
    for (int64_t i = 0; i < count; ++i, value += value_stride) add(*value, keys[i]);
    return count;
  }
  const T* key = static_cast<const T*>(rows.keys);
  const int64_t key_stride = rows.key_stride;
  const int64_t groups = rows.groups;
  for (int64_t i = 0; i < count; ++i, value += value_stride, key += key_stride) {
    const uint64_t group = group_of(*key, groups);
    if (group >= static_cast<uint64_t>(groups)) return i;
    add(*value, group);
  }
  return count;
}

template <class T>
GRISTMILL_INLINE void add_to(IntegerGroup& group, T value, int64_t threshold) {
  const auto extended = static_cast<int64_t>(value);
  const int64_t ordered = __is_same(T, uint64_t) ? extended ^ INT64_MIN : extended;
  if (group.count == 0) group.min = group.max = ordered;
  ++group.count;
  group.above += ordered >= threshold ? 1 : 0;
  group.min = ordered < group.min ? ordered : group.min;
  group.max = ordered > group.max ? ordered : group.max;
  group.sum += value;
  if constexpr (sizeof(T) < 8) {
    const auto modular = static_cast<uint64_t>(extended);
    group.squares += modular * modular;
  } else {
    const Wide size = value < 0 ? -static_cast<Wide>(value) : static_cast<Wide>(value);
    const Wide square = size * size;
    group.squares += square;
    group.squares_carried += group.squares < square ? 1 : 0;
  }
}

template <class T>
int64_t add_integers(const GroupedRows& rows, int64_t threshold, IntegerGroup* groups) {
  return each_row<T>(rows,
                     [=](T value, uint64_t group) { add_to(groups[group], value, threshold); });
}

template <class T>
int64_t add_floats(const GroupedRows& rows, double threshold, ShiftedGroup* groups) {
  return each_row<T>(rows, [=](T value, uint64_t number) {
    const auto x = static_cast<double>(value);
    ShiftedGroup& group = groups[number];
    if (group.count == 0) {
      group.shift = x;
      group.min = __builtin_inf();
      group.max = -__builtin_inf();
    }
    const double difference = x - group.shift;
    ++group.count;
    group.above += x >= threshold ? 1 : 0;
    group.sum += difference;
    group.squares += difference * difference;
    group.min = x < group.min ? x : group.min;
    group.max = x > group.max ? x : group.max;
  });
}

template <class T>
void add_again(const GroupedRows& rows, ShiftedGroup* groups) {
  each_row<T>(rows, [=](T value, uint64_t number) {
    const auto x = static_cast<double>(value);
    ShiftedGroup& group = groups[number];
    if (group.again == 0) return;
    const double difference = x - group.shift;
    group.sum += difference;
    group.squares += difference * difference;
    if (x != x) group.again = 2;
  });
}

template <class T>
constexpr void set_integers(GroupingLoops& loops, gm_dtype dtype) {
  loops.read_keys[dtype] = &read_keys<T>;
  loops.add_integers[dtype] = &add_integers<T>;
}

template <class T>
constexpr void set_floats(GroupingLoops& loops, gm_dtype dtype) {
  loops.add_floats[dtype] = &add_floats<T>;
  loops.add_again[dtype] = &add_again<T>;
}

constexpr GroupingLoops grouping(const char* instruction_set) {
  GroupingLoops loops{};
  loops.instruction_set = instruction_set;
  set_integers<int8_t>(loops, GM_INT8);
  set_integers<int16_t>(loops, GM_INT16);
  set_integers<int32_t>(loops, GM_INT32);
  set_integers<int64_t>(loops, GM_INT64);
  set_integers<uint8_t>(loops, GM_UINT8);
  set_integers<uint16_t>(loops, GM_UINT16);
  set_integers<uint32_t>(loops, GM_UINT32);
  set_integers<uint64_t>(loops, GM_UINT64);
  set_floats<float>(loops, GM_FLOAT32);
  set_floats<double>(loops, GM_FLOAT64);
  return loops;
}

#undef GRISTMILL_INLINE

}  // namespace
}  // namespace gristmill::kernels

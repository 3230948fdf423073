// Kernel structs as the C ABI wants them. Part of kernel.hpp.
#pragma once

#include <gristmill/kernel/chunk.hpp>
#include <gristmill/kernel/declaration.hpp>
#include <gristmill/kernel/plan.hpp>

namespace gristmill::kernel::detail {

// Runs one call of the ABI, and turns what it throws into a status and its text.
template <class Body>
gm_status guarded(const gm_host* host, const Body& body) noexcept {
  const auto report = [host](gm_status status, const char* message, const char* hint = nullptr) {
    host->set_error(host->context, message, hint);
    return status;
  };
  try {
    check_struct_size(*host);
    body();
    return GM_OK;
  } catch (const Error& error) {
    const char* hint = error.hint().empty() ? nullptr : error.hint().c_str();
    return report(error.status(), error.what(), hint);
  } catch (const std::bad_alloc&) {
    return report(GM_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return report(GM_FAILED, error.what());
  } catch (...) {
    return report(GM_FAILED, "the kernel threw something that is no std::exception");
  }
}

template <class K>
concept Reduces = requires(K& kernel, const Merge& merge, const Finish& finish) {
  kernel.merge(merge);
  kernel.finish(finish);
};

// Half a reduce is a mistake, not a map.
template <class K>
concept HasMergeOrFinish = requires {
  &K::merge;
}
|| requires { &K::finish; };

// Hidden: see the note on -fvisibility in kernel.hpp.
template <class K>
struct [[gnu::visibility("hidden")]] Adapter {
  static gm_status plan(const gm_host* host, const gm_request* request, gm_plan* plan) noexcept {
    return guarded(host, [&] {
      check_struct_size(*plan);
      const Request checked(kKernel, *request);
      Plan answer(checked, *plan);
      K::plan(checked, answer);
      answer.finish();
    });
  }

  static gm_status open(const gm_host* host, const gm_request* request, void** state) noexcept {
    return guarded(host, [&] { *state = new K(Request(kKernel, *request)); });
  }

  static gm_status run(const gm_host* host, void* state, const gm_chunk* chunk) noexcept {
    return guarded(host, [&] {
      check_struct_size(*chunk);
      static_cast<K*>(state)->run(Chunk(kKernel, *host, *chunk));
    });
  }

  static void close(void* state) noexcept { delete static_cast<K*>(state); }

  static gm_status merge(const gm_host* host, void* state, const gm_merge* merge) noexcept {
    return guarded(host, [&] {
      check_struct_size(*merge);
      static_cast<K*>(state)->merge(Merge(*merge));
    });
  }

  static gm_status finish(const gm_host* host, void* state, const gm_finish* finish) noexcept {
    return guarded(host, [&] {
      check_struct_size(*finish);
      static_cast<K*>(state)->finish(Finish(kKernel, *finish));
    });
  }

  static constexpr gm_kernel declaration() {
    gm_kernel kernel{};
    kernel.struct_size = sizeof(gm_kernel);
    kernel.input_decl_size = sizeof(gm_input_decl);
    kernel.param_decl_size = sizeof(gm_param_decl);
    kernel.output_decl_size = sizeof(gm_output_decl);
    kernel.name = K::kName;
    kernel.summary = kernel.description = K::kSummary;
    if constexpr (requires { K::kDescription; }) kernel.description = K::kDescription;
    if constexpr (requires { K::kFlags; }) kernel.flags = K::kFlags;
    if constexpr (requires { K::kPattern; }) kernel.pattern = K::kPattern;
    if constexpr (requires { K::kInputs; }) {
      kernel.input_count = std::size(K::kInputs);
      kernel.inputs = std::data(K::kInputs);
    }
    if constexpr (requires { K::kParams; }) {
      kernel.param_count = std::size(K::kParams);
      kernel.params = std::data(K::kParams);
    }
    static_assert(std::size(K::kOutputs) <= GM_MAX_OUTPUTS);
    kernel.output_count = std::size(K::kOutputs);
    kernel.outputs = std::data(K::kOutputs);
    kernel.plan = &plan;
    kernel.open = &open;
    kernel.run = &run;
    kernel.close = &close;
    static_assert(Reduces<K> || !HasMergeOrFinish<K>,
                  "a reduce has void merge(const Merge&) and void finish(const Finish&)");
    if constexpr (Reduces<K>) {
      kernel.pattern = GM_REDUCE;
      kernel.merge = &merge;
      kernel.finish = &finish;
    }
    return kernel;
  }

  static constexpr gm_kernel kKernel = declaration();
};

template <class... Kernels>
[[gnu::visibility("hidden")]] const gm_plugin* plugin() {
  static constexpr const gm_kernel* kKernels[] = {&Adapter<Kernels>::kKernel...};
  static constexpr gm_plugin kPlugin = {GM_PLUGIN_MAGIC,   GM_ABI_MAJOR,       GM_ABI_MINOR,
                                        sizeof(gm_plugin), sizeof...(Kernels), 0,
                                        kKernels};
  return &kPlugin;
}

}  // namespace gristmill::kernel::detail

// Makes a plug-in of these kernels. Once per shared object, outside of any namespace.
#define GRISTMILL_KERNELS(...)                                                              \
  extern "C" __attribute__((visibility("default"))) const gm_plugin* gm_plugin_query(void); \
  extern "C" const gm_plugin* gm_plugin_query(void) {                                       \
    return ::gristmill::kernel::detail::plugin<__VA_ARGS__>();                              \
  }

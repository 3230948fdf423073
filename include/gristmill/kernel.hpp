// Kernels in C++, on top of the C ABI of kernel.h. This is a whole plug-in:
//
//   #include <gristmill/kernel.hpp>
//   namespace gk = gristmill::kernel;
//
//   constexpr auto kScale =
//       gk::define("scale", "each element times a factor")
//           .inputs(gk::input<double>("values", "N x any shape"))
//           .params(gk::param<double>("factor", "what it is multiplied with", "2"))
//           .outputs(gk::output_like<double>("scaled", "as values", "values"))
//           .map([](const gk::Request& job, const gk::Chunk& chunk) {
//             const auto factor = job.param<double>("factor");
//             const auto values = chunk.rows<double>(job.input("values"));
//             const auto scaled = chunk.output<double>("scaled");
//             for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] = factor * values[i];
//           });
//   GRISTMILL_KERNELS(gk::Defined<kScale>)
//
// A kernel that keeps something from chunk to chunk is a struct. A worker makes one object per job
// and calls run once per chunk that it takes; all from one thread. With Eigen:
//
//   #include <Eigen/Core>
//   #include <gristmill/kernel.hpp>
//   namespace gk = gristmill::kernel;
//   using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
//   using Rows = Eigen::Map<const Matrix>;
//   using Sums = Eigen::Map<Eigen::VectorXd>;
//
//   struct RowSum {
//     static constexpr const char* kName = "row_sum";
//     static constexpr const char* kSummary = "sum of each row";
//     static constexpr gm_input_decl kInputs[] = {gk::input<double>("rows", "N x d")};
//     static constexpr gm_output_decl kOutputs[] = {gk::output("sum", "float64")};
//
//     static void plan(const gk::Request&, gk::Plan& plan) {
//       plan.rows_of("rows").output<double>("sum");
//     }
//     explicit RowSum(const gk::Request& request) : rows_(request.input("rows").as<Rows>()) {}
//     void run(const gk::Chunk& chunk) {
//       chunk.output<Sums>("sum") = rows_.middleRows(chunk.begin(), chunk.size()).rowwise().sum();
//     }
//     Rows rows_;
//   };
//   GRISTMILL_KERNELS(RowSum)
//
// Patterns: a struct with merge and finish is a reduce: run adds its items to an accumulator, which
// begins as zeros, merge adds one accumulator to another, finish writes the outputs, which have any
// shape. One with kPattern = GM_EMIT has any number of rows per chunk: see Chunk::emit. docs/cpp.md
// has one of each.
//
// Optional: kDescription, kInputs, kParams, kFlags. plan sees no data. Exceptions end as a
// gm_status with their text: see Error. Compile plug-ins with -fvisibility=hidden (or the struct in
// an unnamed namespace): else two plug-ins of one process that use the same struct name share what
// is static.
#pragma once

#include <gristmill/kernel/adapter.hpp>
#include <gristmill/kernel/chunk.hpp>
#include <gristmill/kernel/declaration.hpp>
#include <gristmill/kernel/definition.hpp>
#include <gristmill/kernel/element.hpp>
#include <gristmill/kernel/plan.hpp>
#include <gristmill/kernel/request.hpp>

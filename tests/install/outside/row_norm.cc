#include <Eigen/Core>
#include <gristmill/kernel.hpp>
namespace gk = gristmill::kernel;

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Rows = Eigen::Map<const Matrix>;
using Norms = Eigen::Map<Eigen::VectorXd>;

constexpr auto kRowNorm = gk::define("row_norm", "length of each row")
                              .inputs(gk::input<double>("rows", "N x d"))
                              .outputs(gk::output<double>("norm", "of each row"))
                              .map([](const gk::Request& job, const gk::Chunk& chunk) {
                                chunk.output<Norms>("norm") =
                                    chunk.rows<Rows>(job.input("rows")).rowwise().norm();
                              });
GRISTMILL_KERNELS(gk::Defined<kRowNorm>)

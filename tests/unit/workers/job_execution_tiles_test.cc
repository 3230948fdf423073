// Tiles in a job: what is zeroed, and when it ends.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include <gristmill/kernel.h>

#include "ipc/segment.h"
#include "tests/support/error_of.h"
#include "workers/job_execution.h"

namespace gristmill::workers {
namespace {

// A kernel of the test's own.
class TileHost : public KernelHost {
 public:
  std::vector<KernelInfo> describe() const override { return {}; }
  std::uint64_t identity() const override { return 0; }
  ipc::Planned plan(const ipc::KernelRequest&) const override { return {}; }
  std::unique_ptr<OpenKernel> open(const ipc::KernelRequest&, const std::vector<JobArray>&,
                                   const std::vector<JobArray>&, std::int64_t,
                                   const JobServices&) const override {
    return std::make_unique<Kernel>(*this);
  }

  std::function<void(const Items&)> run;

 private:
  class Kernel : public OpenKernel {
   public:
    explicit Kernel(const TileHost& host) : host_(host) {}
    void run(const Items& items, void*) override { host_.run(items); }
    void merge(void*, const void*) override {}
    void finish(const void*) override {}
    std::vector<ipc::Counter> counters() const override { return {}; }

   private:
    const TileHost& host_;
  };
};

// Pairs of 10 x 7 rows in tiles of 3 x 2, or the triangle of 10 rows in tiles of 3, three tiles a
// chunk; the output is full of -1.
class JobExecutionTilesTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kJob = 3;
  static constexpr std::uint32_t kMostChunks = 20;
  static constexpr std::int64_t kRows = 10;

  JobExecutionTilesTest() {
    job_.job = kJob;
    job_.slots = 1;
    job_.ledger_key = 99;
    job_.chunk_items = 3;
    job_.control = {0, 100, 0, control_segment_.size_bytes(), 0, false};
    host_.run = [this](const Items& items) { ran_.push_back(items); };
    std::fill(output(), output() + kRows * kRows, -1);
  }

  void set_space(ipc::SpaceKind kind) {
    const bool triangle = kind == ipc::SpaceKind::kTriangle;
    job_.space = {kind, 0, kRows, triangle ? kRows : 7, 3, triangle ? 3 : 2};
    job_.items = *ipc::tile_count(job_.space);
    job_.chunks = static_cast<std::uint32_t>((job_.items + 2) / 3);
    const std::int64_t bytes = kRows * job_.space.columns * 8;
    job_.outputs = {{DType::kInt64, {kRows, job_.space.columns}}};
    // A name of its own for each length.
    job_.output_placements = {
        ipc::Placement{1, static_cast<std::uint64_t>(bytes), 0, bytes, 0, false}};
  }
  std::optional<ipc::JobFailed> run() {
    std::vector<ipc::UniqueFd> fds;
    for (const ipc::Segment* segment : {&control_segment_, &output_segment_}) {
      fds.emplace_back(fcntl(segment->fd(), F_DUPFD_CLOEXEC, 0));
    }
    JobExecution execution(job_, std::move(fds), host_, memory_, memory_watch_, {});
    return execution.run({kJob, 1, 0, job_.chunks});
  }
  std::int64_t* output() { return reinterpret_cast<std::int64_t*>(output_.data()); }
  std::int64_t at(std::int64_t row, std::int64_t column) {
    return output()[row * job_.space.columns + column];
  }
  // How many elements outside of these blocks are not what they were.
  std::int64_t changed_outside(const std::vector<ipc::Tile>& blocks) {
    std::int64_t changed = 0;
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t j = 0; j < job_.space.columns; ++j) {
        const bool inside = std::any_of(blocks.begin(), blocks.end(), [&](const ipc::Tile& block) {
          return i >= block.row_begin && i < block.row_end && j >= block.column_begin &&
                 j < block.column_end;
        });
        changed += !inside && at(i, j) != -1 ? 1 : 0;
      }
    }
    return changed;
  }

  ipc::Segment control_segment_ =
      ipc::Segment::create(ipc::ControlSegment::size_bytes(1, kMostChunks));
  ipc::WritableMapping control_mapping_{control_segment_.fd(), 0, control_segment_.size_bytes()};
  ipc::ControlSegment control_{control_mapping_.bytes(), 1, kMostChunks};
  ipc::Segment output_segment_ = ipc::Segment::create(4096);
  ipc::WritableMapping output_{output_segment_.fd(), 0, 4096};
  ipc::OpenJob job_;
  TileHost host_;
  MemoryCache memory_;
  MemoryWatch memory_watch_{0};
  std::vector<Items> ran_;
};

TEST_F(JobExecutionTilesTest, RunsEachTileOnceAndByItself) {
  for (const auto kind : {ipc::SpaceKind::kTiles, ipc::SpaceKind::kTriangle}) {
    ran_.clear();
    set_space(kind);
    // Another key each time: the ledger still has the tags of the job before.
    job_.ledger_key += 1;
    EXPECT_FALSE(run());
    ASSERT_EQ(ran_.size(), static_cast<std::size_t>(job_.items));
    for (std::int64_t i = 0; i < job_.items; ++i) {
      const Items& items = ran_[static_cast<std::size_t>(i)];
      EXPECT_EQ(items.begin, i);
      EXPECT_EQ(items.end, i + 1);
      EXPECT_EQ(items.tile, ipc::tile_at(job_.space, i));
    }
  }
}

TEST_F(JobExecutionTilesTest, TheBlockOfATileIsZeroedBeforeItAndNothingElse) {
  set_space(ipc::SpaceKind::kTiles);
  std::vector<ipc::Tile> blocks;
  host_.run = [&](const Items& items) {
    blocks.push_back(items.tile);
    EXPECT_EQ(at(items.tile.row_begin, items.tile.column_begin), 0);
    EXPECT_EQ(at(items.tile.row_end - 1, items.tile.column_end - 1), 0);
    EXPECT_EQ(changed_outside(blocks), 0) << items.begin;
  };
  EXPECT_FALSE(run());
  EXPECT_EQ(std::count(output(), output() + kRows * 7, 0), kRows * 7);
}

TEST_F(JobExecutionTilesTest, InATriangleTheMirrorImageIsZeroedToo) {
  set_space(ipc::SpaceKind::kTriangle);
  std::vector<ipc::Tile> blocks;
  host_.run = [&](const Items& items) {
    const ipc::Tile& tile = items.tile;
    blocks.push_back(tile);
    blocks.push_back({tile.column_begin, tile.column_end, tile.row_begin, tile.row_end});
    EXPECT_EQ(at(tile.row_end - 1, tile.column_end - 1), 0);
    EXPECT_EQ(at(tile.column_end - 1, tile.row_end - 1), 0);
    EXPECT_EQ(changed_outside(blocks), 0) << items.begin;
  };
  EXPECT_FALSE(run());
  EXPECT_EQ(std::count(output(), output() + kRows * kRows, 0), kRows * kRows);
}

TEST_F(JobExecutionTilesTest, AJobThatStopsBetweenTwoTilesOfAChunkLeavesTheChunkOpen) {
  set_space(ipc::SpaceKind::kTiles);
  host_.run = [&](const Items& items) {
    ran_.push_back(items);
    if (items.begin == 4) control_.stop() = kJob;
  };
  EXPECT_FALSE(run());
  EXPECT_EQ(ran_.size(), 5U) << "tile 5 is of the same chunk";
  EXPECT_EQ(control_.ledger(0), ipc::ledger_tag(99, 0));
  EXPECT_NE(control_.ledger(1), ipc::ledger_tag(99, 1));
}

TEST_F(JobExecutionTilesTest, ATileThatFailsIsReportedWithItsChunk) {
  set_space(ipc::SpaceKind::kTriangle);
  host_.run = [](const Items& items) {
    if (items.begin == 4) throw Error(ErrorCode::kFailed, "no");
  };
  const auto failure = run();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->chunk, 1U);
}

TEST_F(JobExecutionTilesTest, OtherTilesThanItemsAreRefused) {
  set_space(ipc::SpaceKind::kTiles);
  job_.items += 1;
  EXPECT_EQ(test::error_of([&] { run(); }).code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace gristmill::workers

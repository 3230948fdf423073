#include "engine/order_book.h"

#include <gtest/gtest.h>

namespace gristmill::engine {
namespace {

TEST(OrderBookTest, IsQuietBeforeTheFirstOrder) {
  const OrderBook book(3);
  EXPECT_TRUE(book.quiet());
  EXPECT_EQ(book.busy_count(), 0U);
  EXPECT_FALSE(book.busy(2));
}

TEST(OrderBookTest, IsQuietAgainWhenAllHaveAnswered) {
  OrderBook book(2);
  const auto first = book.order(0);
  const auto second = book.order(1);
  EXPECT_TRUE(book.answer(1, second));
  EXPECT_FALSE(book.quiet());
  EXPECT_TRUE(book.answer(0, first));
  EXPECT_TRUE(book.quiet());
}

TEST(OrderBookTest, NumbersTheOrdersOfASlotUpwards) {
  OrderBook book(2);
  const auto first = book.order(0);
  book.answer(0, first);
  EXPECT_EQ(book.order(0), first + 1);
  EXPECT_EQ(book.order(1), first) << "each slot counts for itself";
}

TEST(OrderBookTest, DropsTheAnswerToAnOlderOrder) {
  OrderBook book(1);
  const auto first = book.order(0);
  book.answer(0, first);
  const auto second = book.order(0);
  EXPECT_FALSE(book.answer(0, first));
  EXPECT_TRUE(book.busy(0));
  EXPECT_TRUE(book.answer(0, second));
}

TEST(OrderBookTest, DropsASecondAnswerAndOneToAFutureOrder) {
  OrderBook book(2);
  const auto order = book.order(0);
  EXPECT_FALSE(book.answer(0, order + 1));
  EXPECT_FALSE(book.answer(1, order)) << "nothing was ordered of it";
  EXPECT_TRUE(book.answer(0, order));
  EXPECT_FALSE(book.answer(0, order));
  EXPECT_EQ(book.busy_count(), 0U);
}

TEST(OrderBookTest, AReapedSlotOwesNothing) {
  OrderBook book(2);
  const auto lost = book.order(0);
  book.reaped(0);
  EXPECT_TRUE(book.quiet());
  book.reaped(0);
  EXPECT_TRUE(book.quiet()) << "an idle worker's death changes nothing";
  const auto next = book.order(0);
  EXPECT_FALSE(book.answer(0, lost)) << "the dead worker's order";
  EXPECT_TRUE(book.answer(0, next));
}

}  // namespace
}  // namespace gristmill::engine

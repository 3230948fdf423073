#pragma once

#include <chrono>
#include <thread>

namespace gristmill::test {

// Looks until the condition holds. The watchdog is the limit.
template <class Condition>
void wait_until(const Condition& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace gristmill::test

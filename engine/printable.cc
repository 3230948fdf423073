#include "engine/printable.h"

namespace gristmill::engine {

std::string printable(std::string_view text) {
  constexpr std::size_t kLimit = 80;
  std::string result(text.substr(0, kLimit));
  for (char& c : result) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (text.size() > kLimit) result += "...";
  return result;
}

}  // namespace gristmill::engine

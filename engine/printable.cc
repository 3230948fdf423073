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

std::string without_control_characters(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text;
}

ErrorText without_control_characters(ErrorText text) {
  for (std::string* part : {&text.message, &text.detail, &text.hint}) {
    *part = without_control_characters(std::move(*part));
  }
  return text;
}

}  // namespace gristmill::engine

#include "engine/text_file.h"

#include <fstream>
#include <sstream>
#include <utility>

namespace gristmill::engine {

std::optional<std::string> read_text_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream read;
  read << file.rdbuf();
  if (read.bad()) return std::nullopt;
  std::string text = std::move(read).str();
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace gristmill::engine

#include "bench/options.h"

#include <stdexcept>

namespace gristmill::bench {

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--smoke") {
      options.smoke = true;
    } else if (word == "--json" && i + 1 < argc) {
      options.json_file = argv[++i];
    } else {
      throw std::invalid_argument(word == "--json" ? "--json needs a file"
                                                   : "not understood: " + word);
    }
  }
  return options;
}

}  // namespace gristmill::bench

#include "engine/npy_dict.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>

#include "engine/printable.h"

namespace gristmill::engine {
namespace {

class DictReader {
 public:
  explicit DictReader(std::string_view text) : text_(text) {}

  NpyDict read() {
    expect('{');
    while (!take('}')) {
      read_entry();
      if (take(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (position_ != text_.size()) fail("something follows the dictionary");
    if (!descr_) fail("the key \"descr\" is missing");
    if (!fortran_order_) fail("the key \"fortran_order\" is missing");
    if (!shape_) fail("the key \"shape\" is missing");
    return {std::move(*descr_), *fortran_order_, std::move(*shape_)};
  }

 private:
  void read_entry() {
    const std::string_view key = read_string();
    expect(':');
    if (key == "descr") {
      read_once(key, descr_, &DictReader::read_descr);
    } else if (key == "fortran_order") {
      read_once(key, fortran_order_, &DictReader::read_bool);
    } else if (key == "shape") {
      read_once(key, shape_, &DictReader::read_shape);
    } else {
      fail(fmt::format("unknown key \"{}\"", printable(key)));
    }
  }

  template <class T>
  void read_once(std::string_view key, std::optional<T>& value, T (DictReader::*read_value)()) {
    if (value) fail(fmt::format("the key \"{}\" stands there twice", key));
    value = (this->*read_value)();
  }

  std::string read_descr() {
    if (take('[') || take('(')) {
      throw Error(ErrorCode::kInvalid,
                  {"its dtype is structured",
                   {},
                   "Save each field as an array of its own: numpy.save(f, a['field'])."});
    }
    return std::string(read_string());
  }

  std::string_view read_string() {
    skip_space();
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("a string is expected");
    const std::size_t begin = ++position_;
    while (peek() != quote) {
      if (position_ >= text_.size()) fail("a string does not end");
      if (peek() == '\\') fail("a string has an escape in it");
      ++position_;
    }
    return text_.substr(begin, position_++ - begin);
  }

  bool read_bool() {
    if (take_word("True")) return true;
    if (take_word("False")) return false;
    fail("True or False is expected");
  }

  Shape read_shape() {
    expect('(');
    Shape shape;
    bool comma = true;
    while (!take(')')) {
      if (!comma) fail("\",\" or \")\" is expected");
      shape.push_back(read_length());
      comma = take(',');
    }
    if (shape.size() == 1 && !comma) fail("the shape is a number instead of a tuple");
    return shape;
  }

  std::int64_t read_length() {
    skip_space();
    if (peek() == '-') fail("a length is negative");
    const char* const begin = text_.data() + position_;
    const char* const end = text_.data() + text_.size();
    std::int64_t length = 0;
    const auto [stop, error] = std::from_chars(begin, end, length);
    if (error == std::errc::invalid_argument) fail("a length is expected");
    if (error == std::errc::result_out_of_range) fail("a length is too large");
    if (*begin == '0' && stop - begin > 1) fail("a length begins with 0");
    position_ += static_cast<std::size_t>(stop - begin);
    if (peek() == 'L') ++position_;  // how Python 2 writes a long
    return length;
  }

  // NUL stands for the end; as a character of the text it is nowhere allowed either.
  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  void skip_space() {
    while (position_ < text_.size() &&
           std::string_view(" \t\n\r\f").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }

  bool take(char wanted) { return take_word({&wanted, 1}); }

  bool take_word(std::string_view wanted) {
    skip_space();
    if (text_.substr(position_, wanted.size()) != wanted) return false;
    position_ += wanted.size();
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) fail(fmt::format("\"{}\" is expected", wanted));
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorCode::kInvalid,
                fmt::format("its header is malformed at character {}: {}", position_, why));
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_order_;
  std::optional<Shape> shape_;
};

}  // namespace

NpyDict parse_npy_dict(std::string_view text) { return DictReader(text).read(); }

}  // namespace gristmill::engine

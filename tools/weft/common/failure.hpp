// An error meant for the person at the terminal: one line that says what went wrong and what to do.
#pragma once
#include <stdexcept>  // runtime_error

namespace weft::tool {

class failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace weft::tool

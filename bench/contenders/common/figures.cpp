// Figures as JSON.
#include "contenders/common/figures.hpp"

#include <cstdio>  // snprintf

namespace contenders {

std::string figures::json() const {
  std::string line = "{";
  for (const auto& [name, value] : list_) {
    char text[96];
    std::snprintf(text, sizeof text, "%s\"%s\": %.10g", line.size() > 1 ? ", " : "", name, value);
    line += text;
  }
  return line + "}";
}

}  // namespace contenders

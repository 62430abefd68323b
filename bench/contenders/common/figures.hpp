// The result of a measurement: named numbers, printed as one line of JSON.
#pragma once
#include <initializer_list>  // construction
#include <string>            // JSON
#include <utility>           // pair
#include <vector>            // in the order in which they were added

namespace contenders {

class figures {
 public:
  figures() = default;
  figures(std::initializer_list<std::pair<const char*, double>> list) : list_(list) {}

  figures& add(const char* name, double value) {
    list_.emplace_back(name, value);
    return *this;
  }
  std::string json() const;

 private:
  std::vector<std::pair<const char*, double>> list_;
};

}  // namespace contenders

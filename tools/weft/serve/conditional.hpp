// Conditional requests: does the client's copy still stand?
#pragma once
#include <sys/stat.h>  // stat

#include <ctime>        // time_t
#include <string>       // string
#include <string_view>  // string_view

namespace weft::tool {

// What identifies one state of a file to a client.
struct validators {
  std::string etag;  // strong, with its quotes
  std::time_t modified = 0;
};

// The tag is made of size, modification time in nanoseconds and inode: a file replaced by rename changes its inode, one
// rewritten in place its time. Equal tags therefore mean equal bytes, unless somebody sets the clock of a file back.
validators make_validators(const struct stat& st);

// The conditional headers of one request; an empty view is an absent header.
struct conditions {
  std::string_view if_match, if_none_match, if_modified_since, if_unmodified_since;
};
enum class verdict { proceed, not_modified, precondition_failed };

// In the order of RFC 9110, section 13.2.2, for GET and HEAD.
verdict evaluate(const conditions& asked, const validators& current) noexcept;

// Whether a Range may be honoured under this If-Range header (empty: yes). Strong comparison.
bool range_allowed(std::string_view if_range, const validators& current) noexcept;

}  // namespace weft::tool

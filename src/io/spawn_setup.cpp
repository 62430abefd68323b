// From process_options to posix_spawn's actions and attributes.
#include "io/spawn_setup.hpp"

#include <cerrno>      // EINVAL
#include <csignal>     // sigset_t
#include <features.h>  // __GLIBC_PREREQ

#include <fcntl.h>  // O_RDWR

#include "io/os_files.hpp"

namespace weft::inline v0::detail {
namespace {

// What is open above the standard descriptors goes not to the child, whoever opened it: libraries, and std::fstream, open
// files that are not close-on-exec.
#if __GLIBC_PREREQ(2, 34)
int close_above_standard(posix_spawn_file_actions_t& actions) noexcept {
  return ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
}
#else
int close_above_standard(posix_spawn_file_actions_t&) noexcept { return 0; }  // weft's own are close-on-exec
#endif

// Pointers to the strings, and a null. False: a string holds a zero byte, and would be cut there.
bool point_to(const std::vector<std::string>& strings, std::vector<char*>& out) {
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) {
    if (s.find('\0') != std::string::npos) {
      return false;
    }
    out.push_back(const_cast<char*>(s.c_str()));
  }
  out.push_back(nullptr);
  return true;
}

}  // namespace

spawn_setup::spawn_setup(const std::vector<std::string>& command, const process_options& options)
    : search_path_(options.search_path) {
  if (command.empty() || !point_to(command, arguments_)) {
    note(EINVAL);
  }
  own_environment_ = options.environment.has_value();
  if (own_environment_ && !point_to(*options.environment, environment_)) {
    note(EINVAL);
  }
  theirs_.reserve(3);
  // Nothing that can throw comes after: the destructor would not run.
  note(::posix_spawn_file_actions_init(&actions_));
  note(::posix_spawnattr_init(&attributes_));
  redirect(0, options.input);
  redirect(1, options.output);
  redirect(2, options.error);
  if (!options.working_directory.empty()) {
    note(::posix_spawn_file_actions_addchdir_np(&actions_, options.working_directory.c_str()));
  }
  if (!options.keep_descriptors) {
    note(close_above_standard(actions_));
  }
  set_attributes(options);
}

spawn_setup::~spawn_setup() {
  ::posix_spawn_file_actions_destroy(&actions_);  // neither can fail
  ::posix_spawnattr_destroy(&attributes_);
}

void spawn_setup::redirect(int target, const stdio& how) {
  switch (how.what()) {
    case stdio::kind::inherit:
      return;
    case stdio::kind::null:
      note(::posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", O_RDWR, 0));
      return;
    case stdio::kind::pipe:
      redirect_to_pipe(target);
      return;
    case stdio::kind::descriptor:
      give(how.fd(), target);
      return;
    case stdio::kind::same_as_output:
      note(target == 2 ? ::posix_spawn_file_actions_adddup2(&actions_, 1, 2) : EINVAL);
      return;
  }
}

void spawn_setup::redirect_to_pipe(int target) {
  int ends[2] = {-1, -1};
  const os::result r = os::make_pipe(ends);
  if (!r.ok()) {
    note(r.error);
    return;
  }
  const bool child_reads = target == 0;
  const raw_descriptor theirs(child_reads ? ends[0] : ends[1]);
  ours_[target] = raw_descriptor(child_reads ? ends[1] : ends[0]);
  give(theirs.get(), target);
}

// The copy lies above 2: in the child a number below may be replaced before it is copied.
void spawn_setup::give(int source, int target) {
  const os::result copy = os::duplicate_above_standard(source);
  note(copy.error);
  if (copy.ok()) {
    theirs_.emplace_back(copy.fd());
    note(::posix_spawn_file_actions_adddup2(&actions_, copy.fd(), target));
  }
}

// The thread of the pool that spawns has all signals blocked, and a child inherits that. SIGPIPE ignored is the server's
// way, and no program's that writes into a pipe.
void spawn_setup::set_attributes(const process_options& options) noexcept {
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  sigset_t none, to_default;
  ::sigemptyset(&none);
  ::sigemptyset(&to_default);
  ::sigaddset(&to_default, SIGPIPE);
  note(::posix_spawnattr_setsigmask(&attributes_, &none));
  note(::posix_spawnattr_setsigdefault(&attributes_, &to_default));
  if (options.new_group) {
    flags |= POSIX_SPAWN_SETPGROUP;
    note(::posix_spawnattr_setpgroup(&attributes_, 0));
  }
  note(::posix_spawnattr_setflags(&attributes_, flags));
}

os::spawn_request spawn_setup::request() const noexcept {
  return {.program = arguments_[0],
          .search_path = search_path_,
          .arguments = arguments_.data(),
          .environment = own_environment_ ? environment_.data() : nullptr,
          .actions = &actions_,
          .attributes = &attributes_};
}

}  // namespace weft::inline v0::detail

// The public names and their signatures, pinned: programs outside the project are compiled against them. Nothing here runs;
// a name that is gone or means something else does not compile. Names may be added freely, and are added here, too.
#include <chrono>            // durations
#include <compare>           // strong_ordering
#include <cstddef>           // byte, size_t
#include <cstdint>           // uint16_t
#include <exception>         // exception
#include <functional>        // hash
#include <future>            // future_status, launch
#include <initializer_list>  // initializer_list
#include <iterator>          // iterator concepts
#include <mutex>             // locks of std
#include <optional>          // optional
#include <ostream>           // ostream
#include <ranges>            // input_range
#include <shared_mutex>      // shared_lock
#include <span>              // span
#include <stdexcept>         // logic_error, runtime_error
#include <string>            // string
#include <string_view>       // string_view
#include <system_error>      // error_code
#include <tuple>             // tuple
#include <type_traits>       // is_same
#include <utility>           // declval
#include <variant>           // variant, monostate
#include <vector>            // vector

// Macros that other libraries' headers leave behind: a program may include those before ours.
#define cpu_relax() a macro of Boost.Fiber

#include <weft/dns/install.hpp>
#include <weft/dns/resolver.hpp>
#include <weft/tls/stream.hpp>
#include <weft/weft.hpp>

namespace {

using std::declval;
using clock_type = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;
using time_point = clock_type::time_point;
using wall_time = std::chrono::system_clock::time_point;
using int_function = int (*)();
using void_function = void (*)();

template <class A, class B>
inline constexpr bool same = std::is_same_v<A, B>;
template <class T>
inline constexpr bool move_only = std::is_nothrow_move_constructible_v<T>&& std::is_nothrow_move_assignable_v<T> &&
                                  !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
template <class T>
inline constexpr bool pinned_in_place = !std::is_move_constructible_v<T> && !std::is_move_assignable_v<T>;

// An expression, its type, and whether it may throw.
#define API_TYPE(type, ...) static_assert(same<decltype(__VA_ARGS__), type>, #__VA_ARGS__)
#define API_NOEXCEPT(type, ...) \
  API_TYPE(type, __VA_ARGS__);  \
  static_assert(noexcept(__VA_ARGS__), #__VA_ARGS__)
// A function, by its address: exactly these arguments.
#define API_FUNCTION(type, ...) static_assert(same<decltype(static_cast<type>(__VA_ARGS__)), type>, #__VA_ARGS__)

namespace running {

static_assert(std::is_enum_v<weft::io_backend> && weft::io_backend::automatic != weft::io_backend::uring &&
              weft::io_backend::uring != weft::io_backend::epoll);
static_assert(std::is_enum_v<weft::migration> && weft::migration::inherit != weft::migration::pinned &&
              weft::migration::pinned != weft::migration::free);

static_assert(std::is_aggregate_v<weft::runtime_options>);
constexpr weft::runtime_options options{
    .workers = 2U, .stack_size = 65536, .io = weft::io_backend::epoll, .migrate = weft::migration::free};
static_assert(weft::runtime_options{}.workers == 0 && weft::runtime_options{}.stack_size == 256 * 1024);
static_assert(weft::runtime_options{}.io == weft::io_backend::automatic);
static_assert(weft::runtime_options{}.migrate == weft::migration::pinned);
API_TYPE(unsigned, weft::runtime_options::workers);
API_TYPE(std::size_t, weft::runtime_options::stack_size);

using weft::runtime;
static_assert(pinned_in_place<runtime> && std::is_default_constructible_v<runtime>);
static_assert(std::is_constructible_v<runtime, weft::runtime_options> &&
              !std::is_convertible_v<weft::runtime_options, runtime>);
API_TYPE(int, declval<runtime&>().run(int_function{}));
API_TYPE(void, declval<runtime&>().run(void_function{}));
API_TYPE(weft::fiber<int>, declval<runtime&>().spawn(int_function{}));
API_TYPE(weft::fiber<long>, declval<runtime&>().spawn([](int, char) { return 1L; }, 1, 'c'));
API_TYPE(weft::fiber<>, declval<runtime&>().spawn(weft::fiber_options{}, void_function{}));
API_NOEXCEPT(void, declval<runtime&>().request_stop());
API_NOEXCEPT(runtime*, runtime::current());
API_TYPE(int, weft::run(int_function{}));
API_TYPE(void, weft::run(void_function{}));
API_TYPE(int, weft::run(options, int_function{}));
API_FUNCTION(void (*)(), &weft::debug::install_crash_reports);
API_FUNCTION(void (*)(std::ostream&), &weft::debug::dump);

}  // namespace running

namespace fibers {

static_assert(std::is_aggregate_v<weft::fiber_options>);
constexpr weft::fiber_options options{
    .name = "n", .stack_size = 65536, .migrate = weft::migration::pinned, .spread = true};
static_assert(options.name == "n" && options.stack_size == 65536);
static_assert(options.migrate == weft::migration::pinned && options.spread);
static_assert(weft::fiber_options{}.name.empty() && weft::fiber_options{}.stack_size == 0);
static_assert(weft::fiber_options{}.migrate == weft::migration::inherit && !weft::fiber_options{}.spread);
API_TYPE(std::string_view, weft::fiber_options::name);

using weft::fiber;
static_assert(same<weft::fiber<>, weft::fiber<void>> && move_only<fiber<int>>);
static_assert(std::is_nothrow_default_constructible_v<fiber<>>);
API_NOEXCEPT(bool, declval<const fiber<>&>().joinable());
API_NOEXCEPT(weft::fiber_id, declval<const fiber<>&>().get_id());
API_TYPE(int, declval<fiber<int>&>().join());
API_TYPE(int&, declval<fiber<int&>&>().join());
API_TYPE(void, declval<fiber<>&>().join());
API_TYPE(bool, declval<fiber<>&>().join_for(milliseconds{}));
API_TYPE(bool, declval<fiber<>&>().join_until(time_point{}));
API_TYPE(void, declval<fiber<>&>().detach());
API_NOEXCEPT(void, declval<fiber<>&>().request_stop());
API_NOEXCEPT(weft::stop_token, declval<const fiber<>&>().get_stop_token());
API_TYPE(fiber<int>, weft::spawn(int_function{}));
API_TYPE(fiber<int>, weft::spawn([](int i, std::string) { return i; }, 1, "s"));
API_TYPE(fiber<>, weft::spawn(weft::fiber_options{.name = "n"}, void_function{}));
API_TYPE(fiber<>, weft::spawn({.name = "n"}, void_function{}));

static_assert(std::is_copy_constructible_v<weft::fiber_id> && std::is_default_constructible_v<weft::fiber_id>);
API_TYPE(bool, weft::fiber_id{} == weft::fiber_id{});
API_TYPE(std::strong_ordering, weft::fiber_id{} <=> weft::fiber_id{});
API_TYPE(std::size_t, std::hash<weft::fiber_id>{}(weft::fiber_id{}));
API_TYPE(std::ostream&, declval<std::ostream&>() << weft::fiber_id{});

namespace self = weft::this_fiber;
API_FUNCTION(void (*)(), &self::yield);
API_TYPE(void, self::sleep_for(milliseconds{}));
API_TYPE(void, self::sleep_for(std::chrono::duration<double>{}));
API_TYPE(void, self::sleep_until(time_point{}));
API_TYPE(void, self::sleep_until(wall_time{}));
API_TYPE(weft::fiber_id, self::get_id());
API_TYPE(std::string_view, self::name());
API_TYPE(void, self::set_name(std::string_view{}));
API_TYPE(weft::stop_token, self::get_stop_token());
API_FUNCTION(void (*)(), &self::check_stop);
API_TYPE(std::size_t, self::stack_remaining());
API_TYPE(bool, self::is_fiber());
API_TYPE(void, self::set_migration(weft::migration::free));

static_assert(std::is_base_of_v<std::runtime_error, weft::timed_out>);
static_assert(std::is_class_v<weft::cancelled> && !std::is_base_of_v<std::exception, weft::cancelled>);
using local = weft::fiber_local<std::string>;
static_assert(std::is_default_constructible_v<local>);
API_TYPE(std::string&, *declval<local&>());
API_TYPE(std::size_t, declval<local&>()->size());
static_assert(std::is_default_constructible_v<weft::cancel_shield> && pinned_in_place<weft::cancel_shield>);
static_assert(std::is_default_constructible_v<weft::no_suspend> && pinned_in_place<weft::no_suspend>);
static_assert(std::is_constructible_v<weft::thread_guard<std::mutex>, std::mutex&>);

}  // namespace fibers

namespace low_layer {

using weft::coroutine;
static_assert(move_only<coroutine>);
constexpr auto body = [](coroutine& self) { self.yield(); };
static_assert(std::is_constructible_v<coroutine, decltype(body)> &&
              std::is_constructible_v<coroutine, decltype(body), std::size_t>);
static_assert(std::is_void_v<decltype(declval<coroutine&>().yield())>);
static_assert(std::is_convertible_v<decltype(declval<coroutine&>().resume()), bool>);
API_TYPE(bool, declval<const coroutine&>().done());

using numbers = weft::generator<int>;
static_assert(move_only<numbers> && std::ranges::input_range<numbers> && !std::ranges::forward_range<numbers>);
static_assert(same<std::ranges::range_value_t<numbers>, int>);
static_assert(std::is_constructible_v<numbers, decltype([](auto& yield) { yield(1); })>);
API_TYPE(void, declval<numbers::yielder&>()(1));
API_TYPE(void, declval<numbers::yielder&>().yield(1));

}  // namespace low_layer

namespace sync {

template <class M>
inline constexpr bool lockable = std::is_default_constructible_v<M>&& pinned_in_place<M>&&
    same<decltype(declval<M&>().lock()), void>&& same<decltype(declval<M&>().try_lock()), bool>&&
        same<decltype(declval<M&>().unlock()), void>&& std::is_constructible_v<std::lock_guard<M>, M&>&&
            std::is_constructible_v<std::unique_lock<M>, M&>&& std::is_constructible_v<std::scoped_lock<M>, M&>;
template <class M>
inline constexpr bool timed = lockable<M>&& same<decltype(declval<M&>().try_lock_for(milliseconds{})), bool>&&
    same<decltype(declval<M&>().try_lock_until(time_point{})), bool>&&
        same<decltype(declval<M&>().try_lock_until(wall_time{})), bool>;
template <class M>
inline constexpr bool shared = lockable<M>&& same<decltype(declval<M&>().lock_shared()), void>&&
    same<decltype(declval<M&>().try_lock_shared()), bool>&& same<decltype(declval<M&>().unlock_shared()), void>&&
        std::is_constructible_v<std::shared_lock<M>, M&>;
static_assert(lockable<weft::mutex> && timed<weft::timed_mutex>);
static_assert(lockable<weft::recursive_mutex> && timed<weft::recursive_timed_mutex>);
static_assert(shared<weft::shared_mutex> && shared<weft::shared_timed_mutex> && timed<weft::shared_timed_mutex>);
API_TYPE(bool, declval<weft::shared_timed_mutex&>().try_lock_shared_for(milliseconds{}));
API_TYPE(bool, declval<weft::shared_timed_mutex&>().try_lock_shared_until(time_point{}));

static_assert(std::is_enum_v<weft::cv_status> && weft::cv_status::no_timeout != weft::cv_status::timeout);
constexpr auto condition = [] { return true; };
template <class C, class L>
inline constexpr bool waits =
    std::is_default_constructible_v<C>&& pinned_in_place<C>&& same<decltype(declval<C&>().wait(declval<L&>())), void>&&
        same<decltype(declval<C&>().wait(declval<L&>(), condition)), void>&&
            same<decltype(declval<C&>().wait_for(declval<L&>(), milliseconds{})), weft::cv_status>&&
                same<decltype(declval<C&>().wait_for(declval<L&>(), milliseconds{}, condition)), bool>&&
                    same<decltype(declval<C&>().wait_until(declval<L&>(), time_point{})), weft::cv_status>&&
                        same<decltype(declval<C&>().wait_until(declval<L&>(), wall_time{})), weft::cv_status>&&
                            same<decltype(declval<C&>().wait_until(declval<L&>(), time_point{}, condition)), bool>&&
                                same<decltype(declval<C&>().notify_one()), void>&&
                                    same<decltype(declval<C&>().notify_all()), void>;
static_assert(waits<weft::condition_variable, std::unique_lock<weft::mutex>>);
static_assert(waits<weft::condition_variable_any, std::unique_lock<weft::shared_mutex>>);
static_assert(waits<weft::condition_variable_any, weft::mutex>);

template <class S>
inline constexpr bool counts = std::is_constructible_v<S, std::ptrdiff_t>&& pinned_in_place<S>&&
    same<decltype(declval<S&>().release()), void>&& same<decltype(declval<S&>().release(1)), void>&&
        same<decltype(declval<S&>().acquire()), void>&& same<decltype(declval<S&>().try_acquire()), bool>&&
            same<decltype(declval<S&>().try_acquire_for(milliseconds{})), bool>&&
                same<decltype(declval<S&>().try_acquire_until(time_point{})), bool>&&
                    same<decltype(S::max()), std::ptrdiff_t>;
static_assert(counts<weft::counting_semaphore<>> && counts<weft::counting_semaphore<7>>);
static_assert(same<weft::binary_semaphore, weft::counting_semaphore<1>>);
static_assert(weft::counting_semaphore<>::max() == std::numeric_limits<std::ptrdiff_t>::max());

using weft::latch;
static_assert(std::is_constructible_v<latch, std::ptrdiff_t> && pinned_in_place<latch>);
API_TYPE(void, declval<latch&>().count_down());
API_TYPE(void, declval<latch&>().count_down(2));
API_TYPE(bool, declval<const latch&>().try_wait());
API_TYPE(void, declval<const latch&>().wait());
API_TYPE(void, declval<latch&>().arrive_and_wait());
API_TYPE(void, declval<latch&>().arrive_and_wait(2));
API_TYPE(std::ptrdiff_t, latch::max());

struct at_completion {
  void operator()() noexcept {}
};
using weft::barrier;
static_assert(std::is_constructible_v<barrier<>, std::ptrdiff_t> && pinned_in_place<barrier<>>);
static_assert(same<decltype(barrier(1, at_completion{})), barrier<at_completion>>);
API_TYPE(barrier<>::arrival_token, declval<barrier<>&>().arrive());
API_TYPE(barrier<>::arrival_token, declval<barrier<>&>().arrive(2));
API_TYPE(void, declval<const barrier<>&>().wait(declval<barrier<>::arrival_token>()));
API_TYPE(void, declval<barrier<>&>().arrive_and_wait());
API_TYPE(void, declval<barrier<>&>().arrive_and_drop());
API_TYPE(std::ptrdiff_t, barrier<>::max());

static_assert(std::is_default_constructible_v<weft::once_flag> && pinned_in_place<weft::once_flag>);
API_TYPE(void, weft::call_once(
                   declval<weft::once_flag&>(), [](int, char) {}, 1, 'c'));

using weft::event;
static_assert(std::is_default_constructible_v<event> && pinned_in_place<event>);
API_TYPE(void, declval<event&>().set());
API_TYPE(void, declval<event&>().reset());
API_TYPE(void, declval<event&>().wait());
API_TYPE(bool, declval<event&>().wait_for(milliseconds{}));
API_TYPE(bool, declval<event&>().wait_until(time_point{}));
API_TYPE(bool, declval<const event&>().is_set());

using weft::wait_group;
static_assert(std::is_default_constructible_v<wait_group> && pinned_in_place<wait_group>);
API_TYPE(void, declval<wait_group&>().add(1));
API_TYPE(void, declval<wait_group&>().done());
API_TYPE(void, declval<wait_group&>().wait());

}  // namespace sync

namespace stopping {

using weft::stop_source;
using weft::stop_token;
static_assert(std::is_copy_constructible_v<stop_source> && std::is_default_constructible_v<stop_source>);
static_assert(std::is_constructible_v<stop_source, weft::nostopstate_t> && std::is_copy_constructible_v<stop_token>);
static_assert(std::is_nothrow_default_constructible_v<stop_token>);
API_NOEXCEPT(stop_token, declval<const stop_source&>().get_token());
API_NOEXCEPT(bool, declval<stop_source&>().request_stop());
API_NOEXCEPT(bool, declval<const stop_source&>().stop_requested());
API_NOEXCEPT(bool, declval<const stop_source&>().stop_possible());
API_NOEXCEPT(bool, declval<const stop_token&>().stop_requested());
API_NOEXCEPT(bool, declval<const stop_token&>().stop_possible());
API_TYPE(bool, stop_token{} == stop_token{});
static_assert(std::is_constructible_v<weft::stop_callback<void_function>, stop_token, void_function>);
static_assert(same<decltype(weft::stop_callback(stop_token{}, void_function{})), weft::stop_callback<void_function>>);
static_assert(same<weft::stop_callback<void_function>::callback_type, void_function>);
using any = weft::condition_variable;
API_TYPE(bool, declval<any&>().wait(declval<std::unique_lock<weft::mutex>&>(), stop_token{}, sync::condition));

}  // namespace stopping

namespace futures {

using weft::future;
using weft::promise;
using weft::shared_future;
static_assert(move_only<promise<int>> && move_only<future<int>> && std::is_copy_constructible_v<shared_future<int>>);
static_assert(std::is_default_constructible_v<promise<int>> && std::is_default_constructible_v<future<int>>);
API_TYPE(future<int>, declval<promise<int>&>().get_future());
API_TYPE(void, declval<promise<int>&>().set_value(1));
API_TYPE(void, declval<promise<int&>&>().set_value(declval<int&>()));
API_TYPE(void, declval<promise<void>&>().set_value());
API_TYPE(void, declval<promise<int>&>().set_exception(std::exception_ptr{}));
API_TYPE(int, declval<future<int>&>().get());
API_TYPE(int&, declval<future<int&>&>().get());
API_TYPE(void, declval<future<void>&>().get());
API_NOEXCEPT(bool, declval<const future<int>&>().valid());
API_TYPE(void, declval<const future<int>&>().wait());
API_TYPE(std::future_status, declval<const future<int>&>().wait_for(milliseconds{}));
API_TYPE(std::future_status, declval<const future<int>&>().wait_until(time_point{}));
API_NOEXCEPT(shared_future<int>, declval<future<int>&>().share());
API_TYPE(const int&, declval<const shared_future<int>&>().get());
API_TYPE(int&, declval<const shared_future<int&>&>().get());
API_TYPE(void, declval<const shared_future<void>&>().get());
static_assert(std::is_constructible_v<shared_future<int>, future<int>&&>);

using task = weft::packaged_task<int(char)>;
static_assert(move_only<task> && std::is_constructible_v<task, int (*)(char)>);
static_assert(same<decltype(weft::packaged_task([](char) { return 1; })), task>);
API_TYPE(future<int>, declval<task&>().get_future());
API_TYPE(void, declval<task&>()('c'));
API_TYPE(void, declval<task&>().reset());
API_NOEXCEPT(bool, declval<const task&>().valid());
API_TYPE(future<int>, weft::async(int_function{}));
API_TYPE(future<int>, weft::async([](int i) { return i; }, 1));
API_TYPE(future<void>, weft::async(std::launch::deferred, void_function{}));

}  // namespace futures

namespace channels {

using weft::channel;
static_assert(std::is_base_of_v<std::logic_error, weft::channel_closed>);
static_assert(std::is_default_constructible_v<channel<int>> && std::is_constructible_v<channel<int>, std::size_t>);
static_assert(pinned_in_place<channel<int>> && !std::is_convertible_v<std::size_t, channel<int>>);
API_TYPE(void, declval<channel<int>&>().send(1));
API_TYPE(bool, declval<channel<int>&>().try_send(declval<int&>()));
API_TYPE(bool, declval<channel<int>&>().send_for(declval<int&>(), milliseconds{}));
API_TYPE(bool, declval<channel<int>&>().send_until(declval<int&>(), time_point{}));
API_TYPE(std::optional<int>, declval<channel<int>&>().receive());
API_TYPE(std::optional<int>, declval<channel<int>&>().try_receive());
API_TYPE(std::optional<int>, declval<channel<int>&>().receive_for(milliseconds{}));
API_TYPE(std::optional<int>, declval<channel<int>&>().receive_until(time_point{}));
API_NOEXCEPT(void, declval<channel<int>&>().close());
API_NOEXCEPT(bool, declval<const channel<int>&>().closed());
API_TYPE(std::size_t, declval<const channel<int>&>().size());
API_TYPE(std::size_t, declval<const channel<int>&>().capacity());
API_TYPE(int&, *declval<channel<int>&>().begin());
API_TYPE(bool, declval<channel<int>&>().begin() == declval<channel<int>&>().end());
constexpr auto on_value = [](std::optional<int>) {};
API_TYPE(std::size_t,
         weft::select(weft::on_receive(declval<channel<int>&>(), on_value),
                      weft::on_send(declval<channel<int>&>(), 1, void_function{}),
                      weft::on_timeout(milliseconds{}, void_function{}), weft::otherwise(void_function{})));
API_TYPE(std::size_t, weft::select(weft::on_timeout(time_point{}, void_function{})));

}  // namespace channels

namespace tasks {

using weft::scope;
static_assert(std::is_default_constructible_v<scope> && pinned_in_place<scope>);
API_TYPE(void, declval<scope&>().spawn([](int) {}, 1));
API_TYPE(void, declval<scope&>().spawn(weft::fiber_options{}, void_function{}));
API_TYPE(weft::fiber<int>, declval<scope&>().fork([](int i) { return i; }, 1));
API_TYPE(weft::fiber<int>, declval<scope&>().fork(weft::fiber_options{}, int_function{}));
API_TYPE(void, declval<scope&>().join());
API_NOEXCEPT(void, declval<scope&>().request_stop());
API_TYPE(int, weft::with_scope([](scope&) { return 1; }));
API_TYPE(void, weft::with_scope([](scope&) {}));
API_TYPE(int, weft::with_timeout(milliseconds{}, int_function{}));
API_TYPE(int, weft::with_deadline(time_point{}, int_function{}));
using all_of = std::tuple<int, std::monostate, std::string>;
using any_of = std::variant<int, std::monostate>;
API_TYPE(all_of, weft::when_all(int_function{}, void_function{}, [] { return std::string(); }));
API_TYPE(any_of, weft::when_any(int_function{}, void_function{}));
API_TYPE(void, weft::parallel_invoke(void_function{}, void_function{}));
API_TYPE(void, weft::parallel_for(0, 10, [](int) {}));
API_TYPE(void,
         weft::parallel_for(declval<std::vector<int>&>().begin(), declval<std::vector<int>&>().end(), [](int&) {}));
API_TYPE(long, weft::parallel_reduce(0, 10, 0L, std::plus<>{}, [](int i) { return long{i}; }));
API_TYPE(int, weft::blocking(int_function{}));
API_TYPE(int&, weft::blocking([]() -> int& { std::terminate(); }));
API_TYPE(void, weft::blocking(void_function{}));

}  // namespace tasks

namespace network {

using namespace weft::net;
using error = std::error_code&;

static_assert(std::is_copy_constructible_v<endpoint> && std::is_default_constructible_v<endpoint>);
API_TYPE(endpoint, endpoint::parse("127.0.0.1:80"));
API_TYPE(endpoint, endpoint::parse("[::1]:80", declval<error>()));
API_TYPE(std::string, declval<const endpoint&>().to_string());
API_TYPE(std::uint16_t, declval<const endpoint&>().port());
API_TYPE(bool, declval<const endpoint&>() == declval<const endpoint&>());

static_assert(std::is_aggregate_v<listen_options> && move_only<tcp_listener>);
API_TYPE(tcp_listener, tcp_listener::bind(endpoint{}));
API_TYPE(tcp_listener, tcp_listener::bind(endpoint{}, listen_options{}));
API_TYPE(tcp_listener, tcp_listener::bind(endpoint{}, declval<error>()));
API_TYPE(tcp_listener, tcp_listener::bind(endpoint{}, listen_options{}, declval<error>()));
API_TYPE(tcp_stream, declval<tcp_listener&>().accept());
API_TYPE(tcp_stream, declval<tcp_listener&>().accept(declval<error>()));
API_TYPE(endpoint, declval<const tcp_listener&>().local_endpoint());
API_TYPE(void, declval<tcp_listener&>().close());
API_TYPE(void, declval<tcp_listener&>().close(declval<error>()));

using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;
static_assert(move_only<tcp_stream> && std::is_default_constructible_v<tcp_stream>);
API_TYPE(tcp_stream, tcp_stream::connect(endpoint{}));
API_TYPE(tcp_stream, tcp_stream::connect(endpoint{}, declval<error>()));
API_TYPE(tcp_stream, tcp_stream::connect(std::string_view{}, std::uint16_t{80}));
API_TYPE(tcp_stream, tcp_stream::connect(std::string_view{}, std::uint16_t{80}, declval<error>()));
API_TYPE(std::size_t, declval<tcp_stream&>().read_some(bytes{}));
API_TYPE(std::size_t, declval<tcp_stream&>().read_some(bytes{}, declval<error>()));
API_TYPE(std::size_t, declval<tcp_stream&>().write_some(const_bytes{}));
API_TYPE(std::size_t, declval<tcp_stream&>().write_some(const_bytes{}, declval<error>()));
API_TYPE(void, declval<tcp_stream&>().read_exactly(bytes{}));
API_TYPE(std::size_t, declval<tcp_stream&>().read_exactly(bytes{}, declval<error>()));
API_TYPE(void, declval<tcp_stream&>().write_all(const_bytes{}));
API_TYPE(std::size_t, declval<tcp_stream&>().write_all(const_bytes{}, declval<error>()));
API_TYPE(void, declval<tcp_stream&>().shutdown_write());
API_TYPE(void, declval<tcp_stream&>().shutdown_write(declval<error>()));
API_TYPE(void, declval<tcp_stream&>().close());
API_TYPE(void, declval<tcp_stream&>().close(declval<error>()));
API_TYPE(int, declval<const tcp_stream&>().native_handle());
API_TYPE(void, declval<tcp_stream&>().set_timeout(milliseconds{}));

API_TYPE(std::vector<endpoint>, resolve(std::string_view{}, std::string_view{}));
API_TYPE(std::vector<endpoint>, resolve(std::string_view{}, std::string_view{}, declval<error>()));
API_TYPE(void, wait_readable(0));
API_TYPE(void, wait_readable(0, declval<error>()));
API_TYPE(void, wait_writable(0));
API_TYPE(void, wait_writable(0, declval<error>()));
API_TYPE(bool, wait_readable_for(0, milliseconds{}));
API_TYPE(bool, wait_writable_for(0, milliseconds{}, declval<error>()));
API_TYPE(bool, wait_readable_until(0, time_point{}));
API_TYPE(bool, wait_writable_until(0, time_point{}, declval<error>()));

using udp_batch = std::span<incoming_datagram>;
using udp_row = std::span<const outgoing_datagram>;
static_assert(std::is_aggregate_v<udp_options> && move_only<udp_socket> && std::is_default_constructible_v<udp_socket>);
API_TYPE(udp_socket, udp_socket::bind(endpoint{}));
API_TYPE(udp_socket, udp_socket::bind(endpoint{}, udp_options{}, declval<error>()));
API_TYPE(udp_socket, udp_socket::connect(endpoint{}));
API_TYPE(void, declval<udp_socket&>().send_to(const_bytes{}, endpoint{}));
API_TYPE(void, declval<udp_socket&>().send(const_bytes{}, declval<error>()));
API_TYPE(received_datagram, declval<udp_socket&>().receive_from(bytes{}));
API_TYPE(received_datagram, declval<udp_socket&>().receive(bytes{}, declval<error>()));
API_TYPE(std::size_t, declval<udp_socket&>().receive_batch(udp_batch{}));
API_TYPE(std::size_t, declval<udp_socket&>().send_batch(udp_row{}));
API_TYPE(void, declval<udp_socket&>().set_peer(endpoint{}));
API_TYPE(void, declval<udp_socket&>().set_timeout(milliseconds{}));

using numbers_to_send = std::span<const int>;
using owners = std::span<owned_descriptor>;
static_assert(move_only<unix_listener> && move_only<unix_stream> && move_only<unix_datagram>);
static_assert(move_only<owned_descriptor>);
API_TYPE(unix_listener, unix_listener::bind(endpoint{}));
API_TYPE(unix_listener, unix_listener::bind(endpoint{}, unix_listen_options{}, declval<error>()));
API_TYPE(unix_stream, declval<unix_listener&>().accept());
API_TYPE(unix_stream, unix_stream::connect(endpoint{}));
API_TYPE(unix_stream, unix_stream::connect(endpoint{}, declval<error>()));
API_TYPE(std::size_t, declval<unix_stream&>().read_some(bytes{}));
API_TYPE(void, declval<unix_stream&>().write_all(const_bytes{}));
API_TYPE(void, declval<unix_stream&>().send_descriptors(numbers_to_send{}, const_bytes{}));
API_TYPE(received_descriptors, declval<unix_stream&>().receive_descriptors(bytes{}, owners{}));
API_TYPE(unix_datagram, unix_datagram::bind(endpoint{}));
API_TYPE(unix_datagram, unix_datagram::connect(endpoint{}, declval<error>()));
API_TYPE(void, declval<unix_datagram&>().send_to(const_bytes{}, endpoint{}));

}  // namespace network

namespace names {

using error = std::error_code&;
using weft::dns::resolver;
static_assert(pinned_in_place<resolver> && std::is_constructible_v<resolver, weft::dns::resolver_options>);
API_TYPE(std::vector<weft::net::endpoint>, declval<resolver&>().resolve("host", "service"));
API_TYPE(std::vector<weft::net::endpoint>, declval<resolver&>().resolve("host", "service", declval<error>()));
API_FUNCTION(void (*)() noexcept, &weft::dns::install);
API_FUNCTION(void (*)() noexcept, &weft::dns::uninstall);

}  // namespace names

namespace secure {

using namespace weft::tls;
using code = std::error_code&;
using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;
static_assert(std::is_copy_constructible_v<context> && std::is_nothrow_default_constructible_v<context>);
static_assert(std::is_aggregate_v<client_settings> && std::is_aggregate_v<server_settings>);
API_TYPE(context, context::client());
API_TYPE(context, context::client({.verify = false, .trust = "", .alpn = {"h2"}}, declval<code>()));
API_TYPE(context, context::server({.own = {.certificate_chain = "", .private_key = ""}}));
API_TYPE(context,
         context::server(server_settings{.own = {}, .clients = client_certificate::required}, declval<code>()));
API_TYPE(void, declval<context&>().reload(identity{}));
API_TYPE(void, declval<context&>().reload(identity{}, declval<code>()));
API_TYPE(std::string, read_pem_file(""));

static_assert(move_only<stream> && std::is_nothrow_default_constructible_v<stream>);
static_assert(transport<weft::net::tcp_stream> && transport<weft::net::unix_stream> && transport<stream>);
static_assert(std::is_constructible_v<stream, weft::net::tcp_stream, const context&>);
static_assert(std::is_constructible_v<stream, std::reference_wrapper<stream>, const context&, const stream_options&>);
constexpr stream_options to_host{.host = "example.org", .check_host = true, .session_key = "443"};
API_TYPE(void, declval<stream&>().handshake());
API_TYPE(void, declval<stream&>().handshake(declval<code>()));
API_TYPE(std::size_t, declval<stream&>().read_some(bytes{}));
API_TYPE(std::size_t, declval<stream&>().read_exactly(bytes{}, declval<code>()));
API_TYPE(std::size_t, declval<stream&>().write_some(const_bytes{}));
API_TYPE(void, declval<stream&>().write_all(const_bytes{}));
API_TYPE(void, declval<stream&>().shutdown());
API_TYPE(void, declval<stream&>().shutdown(closing::wait, declval<code>()));
API_TYPE(void, declval<stream&>().shutdown_write());
API_TYPE(void, declval<stream&>().set_timeout(milliseconds{}));
API_TYPE(void, declval<stream&>().close());
API_TYPE(weft::net::tcp_stream*, declval<stream&>().over<weft::net::tcp_stream>());
API_TYPE(std::string, declval<const stream&>().alpn());
API_TYPE(bool, declval<const stream&>().session_reused());
static_assert(std::is_error_code_enum_v<weft::tls::error> &&
              weft::tls::error::truncated != weft::tls::error::interrupted);

}  // namespace secure

namespace files {

using error = std::error_code&;
using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;
using weft::fs::file;
static_assert(move_only<file> && std::is_nothrow_default_constructible_v<file>);
API_TYPE(file, file::open("", {.access = weft::fs::access::read_write, .create = true}));
API_TYPE(file, file::open("", declval<error>()));
API_TYPE(std::size_t, declval<file&>().read_at(bytes{}, 0U));
API_TYPE(std::size_t, declval<file&>().write_at(const_bytes{}, 0U, declval<error>()));
API_TYPE(std::size_t, declval<file&>().read_exactly(bytes{}));
API_TYPE(std::size_t, declval<file&>().write_all(const_bytes{}, declval<error>()));
API_TYPE(weft::fs::file_info, declval<file&>().stat());
API_TYPE(std::uint64_t, declval<file&>().seek(0));
API_TYPE(std::uint64_t, declval<file&>().seek(-1, weft::fs::seek_from::end, declval<error>()));
API_TYPE(std::uint64_t, declval<file&>().tell());
API_TYPE(void, declval<file&>().close());
API_TYPE(std::string, weft::fs::read_file(""));
API_TYPE(void, weft::fs::write_file("", "text"));
API_TYPE(void, weft::fs::write_file("", const_bytes{}, declval<error>()));
API_TYPE(void, weft::fs::replace_file("", "text", declval<error>()));
API_TYPE(std::uint64_t, weft::fs::copy_file("", "", weft::fs::if_exists::overwrite));
API_TYPE(std::vector<weft::fs::directory_entry>, weft::fs::list_directory(""));
API_TYPE(weft::fs::file_info, weft::fs::stat(""));
API_TYPE(weft::fs::file_info, weft::fs::lstat("", declval<error>()));
API_TYPE(void, weft::fs::create_symlink("target", "link"));
API_TYPE(void, weft::fs::create_hard_link("target", "link", declval<error>()));
API_TYPE(weft::fs::path, weft::fs::read_symlink(""));
API_TYPE(void, weft::fs::rename("", ""));
API_TYPE(bool, weft::fs::remove(""));
API_TYPE(bool, weft::fs::create_directory(""));

}  // namespace files

namespace processes {

using error = std::error_code&;
using bytes = std::span<std::byte>;
using const_bytes = std::span<const std::byte>;
using weft::process;
static_assert(move_only<process> && move_only<weft::pipe_reader> && move_only<weft::pipe_writer>);
static_assert(pinned_in_place<weft::signal_set> && std::is_default_constructible_v<weft::pipe>);
static_assert(std::is_constructible_v<weft::signal_set, std::initializer_list<int>>);
API_TYPE(weft::pipe_reader, declval<weft::pipe&>().reader);
API_TYPE(weft::pipe_writer, declval<weft::pipe&>().writer);
API_TYPE(std::size_t, declval<weft::pipe_reader&>().read_some(bytes{}));
API_TYPE(std::size_t, declval<weft::pipe_writer&>().write_all(const_bytes{}));
API_TYPE(process, process::spawn({"true"}, {.input = weft::stdio::pipe()}, declval<error>()));
API_TYPE(weft::process_output, process::run({"true"}));
API_TYPE(weft::exit_status, declval<process&>().wait());
API_TYPE(std::optional<weft::exit_status>, declval<process&>().wait_for(milliseconds{}));
API_TYPE(void, declval<process&>().kill(15));
API_TYPE(weft::pipe_writer&, declval<process&>().input());
API_TYPE(weft::pipe_reader&, declval<process&>().output());
API_TYPE(std::string, declval<weft::pipe_reader&>().read_to_end());
API_TYPE(int, declval<weft::signal_set&>().wait());
API_TYPE(std::optional<int>, declval<weft::signal_set&>().wait_for(milliseconds{}));
API_NOEXCEPT(std::optional<int>, declval<weft::signal_set&>().try_wait());
API_NOEXCEPT(void, declval<weft::signal_set&>().close());
API_TYPE(weft::input_stream, weft::standard_input());
API_TYPE(std::size_t, weft::standard_output().write_all("text"));

}  // namespace processes

}  // namespace

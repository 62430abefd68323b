/// \file   weft/sync/future.hpp
/// \brief  What std has in <future>: future, shared_future, promise, packaged_task and async, for fibers and OS threads.
///
/// Errors are std::future_error with std::future_errc; the status of a timed wait is std::future_status.
/// Not here: the members that act at the end of a thread.
#pragma once
#include <weft/sync/async.hpp>          // async
#include <weft/sync/basic_future.hpp>   // future, shared_future
#include <weft/sync/packaged_task.hpp>  // packaged_task
#include <weft/sync/promise.hpp>        // promise

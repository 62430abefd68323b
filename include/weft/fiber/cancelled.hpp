/// \file   weft/fiber/cancelled.hpp
/// \brief  The exception that ends a fiber that was asked to stop.
#pragma once
#include <weft/base/config.hpp>  // WEFT_EXPORT

namespace weft::inline v0 {

/// Thrown at a cancellation point of a fiber that was asked to stop, so that its destructors run.
/// Not derived from std::exception: `catch (const std::exception&)` does not swallow it by accident. It is sticky: a
/// fiber that swallows it gets it again at its next cancellation point.
struct WEFT_EXPORT cancelled {};

}  // namespace weft::inline v0

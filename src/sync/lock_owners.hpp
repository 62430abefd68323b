// Who holds which lock, while debug checks are on: a lock itself keeps no owner, its word is the queue's.
#pragma once

namespace weft::inline v0::detail {

enum class hold : bool { alone, shared };

// The calling fiber or plain thread has taken `lock`. Without memory for that, owners are not checked from then on.
void note_holder(const void* lock, hold how) noexcept;
// It is about to give it back; aborts if it does not hold it. `what`, here and below: what the lock is called.
void forget_holder(const void* lock, const char* what) noexcept;
// It is about to wait for it; aborts if it would wait for itself.
void check_before_waiting(const void* lock, hold wanted, const char* what) noexcept;

}  // namespace weft::inline v0::detail

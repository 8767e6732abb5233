//! Settings of the C library's allocator, which the speech library's tensors come from.

/// Freed memory up to so much is kept for the next tensor (a batch's largest is about 200 MB).
const KEPT_BYTES: i32 = 512 << 20;

/// Lets tensors reuse memory: by default each large one is mapped anew, and a fifth of recognition goes into page faults.
/// To be called before any thread is started, since a thread's own arena never holds a block of more than 64 MB.
#[expect(unsafe_code, reason = "nothing safe reaches these settings")]
pub(crate) fn keep_freed_memory() {
    let settings = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, KEPT_BYTES),
        (libc::M_TRIM_THRESHOLD, KEPT_BYTES),
    ];
    for (setting, value) in settings {
        // SAFETY: mallopt only takes numbers, and no other thread runs yet; a refused setting leaves the default
        unsafe { libc::mallopt(setting, value) };
    }
}

/// Gives back to the system what is kept and not in use, for the programs that run next.
#[expect(unsafe_code, reason = "nothing safe reaches this call")]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim takes the allocator's own locks and only touches memory that is free
    unsafe { libc::malloc_trim(0) };
}

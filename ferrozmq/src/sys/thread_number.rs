//! Telling threads apart for the price of one instruction.
//!
//! A thread-local variable would do, but in a shared library it is a call. The processor knows where the present thread's control
//! block is; no other living thread has its own there.

/// No thread has this number; where threads cannot be told apart, all have it.
pub const NONE: usize = 1;

/// A number that no other living thread of this process has, or [`NONE`].
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
#[inline(always)]
#[must_use]
pub fn of_this() -> usize {
    let number;
    // SAFETY: reads the first word of the control block, which by this system's ABI is the block's own address.
    unsafe {
        std::arch::asm!("mov {}, fs:0", out(reg) number, options(nostack, preserves_flags, pure, readonly));
    }
    number
}

/// A number that no other living thread of this process has, or [`NONE`].
#[cfg(all(target_arch = "aarch64", target_os = "linux", not(miri)))]
#[inline(always)]
#[must_use]
pub fn of_this() -> usize {
    let number;
    // SAFETY: reads a register that programs may read, and that the C library points to the control block.
    unsafe {
        std::arch::asm!("mrs {}, tpidr_el0", out(reg) number, options(nostack, preserves_flags, pure, nomem));
    }
    number
}

/// A number that no other living thread of this process has, or [`NONE`].
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux", not(miri))))]
#[inline(always)]
#[must_use]
pub fn of_this() -> usize {
    NONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_live_at_the_same_time_have_different_numbers() {
        let here = of_this();
        assert_eq!(here, of_this());
        let there = std::thread::spawn(of_this).join().unwrap();
        assert!(here != there || here == NONE);
    }
}

//! Hints to the processor's cache. (Not a system call, but of its kind: the machine's, and good for nothing but speed.)

/// Has the processor fetch the lines on which `place` begins and ends, to read them soon.
#[inline(always)]
pub fn will_read<T>(place: Option<&T>) {
    hint::<T, false>(place);
}

/// The same, to write them.
#[inline(always)]
pub fn will_write<T>(place: Option<&T>) {
    hint::<T, true>(place);
}

#[cfg(all(target_arch = "x86_64", not(any(loom, miri))))]
#[inline(always)]
fn hint<T, const WRITE: bool>(place: Option<&T>) {
    use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
    let Some(place) = place else { return };
    let first = std::ptr::from_ref(place).cast::<i8>();
    let last = first.wrapping_add(size_of::<T>().saturating_sub(1));
    // One byte lies on one line.
    let ends = if size_of::<T>() > 1 { &[first, last][..] } else { &[first] };
    for line in ends {
        // SAFETY: a hint, which is good for any address.
        unsafe {
            match WRITE {
                true => _mm_prefetch::<_MM_HINT_ET0>(*line),
                false => _mm_prefetch::<_MM_HINT_T0>(*line),
            }
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", not(any(loom, miri)))))]
#[inline(always)]
fn hint<T, const WRITE: bool>(_: Option<&T>) {}

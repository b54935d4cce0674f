//! CPUs and the attributes of the calling thread: affinity, name, scheduling, signals.
//!
//! Everything but [`usable`] concerns the thread that calls alone. Nothing is remembered.

use rustix::process::getpid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// How many CPUs this process may run on (affinity masks; not cgroup quotas); at least one.
///
/// A thread with a CPU of its own has peers on others, which its own mask does not tell: the mask of the process's first
/// thread counts too.
pub fn usable() -> usize {
    let masks = [sched_getaffinity(None), sched_getaffinity(Some(getpid()))];
    let known = |cpu: &usize| masks.iter().flatten().any(|mask| mask.is_set(*cpu));
    match (0..CpuSet::MAX_CPU).filter(known).count() {
        // More CPUs than a mask holds.
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

/// Restricts this thread to `cpus`. `EINVAL` if none of them exists or one is beyond the mask's size.
pub fn set_affinity(cpus: impl IntoIterator<Item = usize>) -> io::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        set.set(cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Sets this thread's scheduling policy (`SCHED_OTHER` 0, `SCHED_FIFO` 1, `SCHED_RR` 2 …) and priority;
/// `None` leaves one alone. Real-time policies take the priority itself. The others know only
/// niceness, and a positive priority asks for the highest, as libzmq does. `EPERM`, `EINVAL`.
pub fn set_scheduling(policy: Option<i32>, priority: Option<i32>) -> io::Result<()> {
    let (old_policy, mut parameter) = scheduling()?;
    let policy = policy.unwrap_or(old_policy);
    let is_real_time = policy == libc::SCHED_FIFO || policy == libc::SCHED_RR;
    parameter.sched_priority = match priority {
        Some(priority) if is_real_time => priority,
        None if is_real_time => parameter.sched_priority.max(1),
        _ => 0,
    };
    // SAFETY: `parameter` is initialised and outlives the call; the thread is the calling one.
    check(unsafe { libc::pthread_setschedparam(libc::pthread_self(), policy, &raw const parameter) })?;
    match priority {
        Some(priority) if !is_real_time && priority > 0 => {
            Ok(rustix::process::setpriority_process(None, HIGHEST_NICENESS)?)
        }
        _ => Ok(()),
    }
}

/// Asks the scheduler for short turns, soon: the thread then runs soon after it is woken, even where another computes on its CPU. That is
/// no more of the CPU than its share, and takes no privilege. Linux 6.12 and later; older ones know no such wish, and nor do policies
/// other than `SCHED_OTHER`: there nothing happens.
pub fn ask_for_short_turns() -> io::Result<()> {
    let mut attributes = attributes()?;
    // A kernel that takes no wishes tells of none.
    if attributes.sched_policy != libc::SCHED_OTHER.cast_unsigned()
        || attributes.sched_runtime <= SHORT_TURN_NS
    {
        return Ok(());
    }
    attributes.sched_runtime = SHORT_TURN_NS;
    // SAFETY: the kernel reads the attributes, which outlive the call, up to the size they name.
    done(unsafe { libc::syscall(libc::SYS_sched_setattr, THIS_THREAD, &raw const attributes, 0) })
}

/// The shortest turn that the scheduler grants.
const SHORT_TURN_NS: u64 = 100_000;
const THIS_THREAD: libc::pid_t = 0;

fn attributes() -> io::Result<libc::sched_attr> {
    // SAFETY: plain integers, for which zero is valid.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::sched_attr>();
    // SAFETY: the kernel writes at most `size` bytes to the attributes, which outlive the call.
    done(unsafe { libc::syscall(libc::SYS_sched_getattr, THIS_THREAD, &raw mut attributes, size, 0) })?;
    Ok(attributes)
}

/// System calls without a wrapper leave the errno in `errno`.
fn done(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Blocks every signal for this thread, so that the application's handlers run in its own threads.
pub fn block_signals() -> io::Result<()> {
    let mut all = std::mem::MaybeUninit::uninit();
    // SAFETY: `sigfillset` initialises the set, which outlives both calls; the old mask is not wanted.
    check(unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut())
    })
}

/// The nice value of the most favoured thread.
const HIGHEST_NICENESS: i32 = -20;

fn scheduling() -> io::Result<(i32, libc::sched_param)> {
    let mut policy = 0;
    // SAFETY: `sched_param` is plain integers, for which zero is valid.
    let mut parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: both results outlive the call; the thread is the calling one.
    check(unsafe { libc::pthread_getschedparam(libc::pthread_self(), &raw mut policy, &raw mut parameter) })?;
    Ok((policy, parameter))
}

/// The pthread functions return the errno.
fn check(errno: i32) -> io::Result<()> {
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_a_thread(body: impl FnOnce() + Send + 'static) {
        std::thread::spawn(body).join().unwrap();
    }

    #[test]
    fn there_is_a_cpu() {
        assert!(usable() >= 1);
    }

    #[test]
    fn affinity_restricts() {
        in_a_thread(|| {
            let mine = sched_getaffinity(None).unwrap();
            let first = (0..CpuSet::MAX_CPU).find(|cpu| mine.is_set(*cpu)).unwrap();
            set_affinity([first]).unwrap();
            assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
            let others = sched_getaffinity(Some(getpid())).unwrap().count() as usize;
            assert!((others..=others + 1).contains(&usable()), "its peers may have other CPUs");
            assert!(set_affinity([CpuSet::MAX_CPU]).is_err());
            assert!(set_affinity([]).is_err());
        });
    }

    #[test]
    fn scheduling_is_set_or_refused() {
        in_a_thread(|| {
            set_scheduling(None, None).unwrap();
            set_scheduling(Some(libc::SCHED_BATCH), None).unwrap();
            assert_eq!(scheduling().unwrap().0, libc::SCHED_BATCH);
            assert!(set_scheduling(Some(999), None).is_err());
        });
    }

    #[test]
    fn short_turns_are_asked_for_and_change_nothing_else() {
        in_a_thread(|| {
            ask_for_short_turns().unwrap();
            let asked = attributes().unwrap();
            assert!(asked.sched_runtime <= SHORT_TURN_NS, "{} ns", asked.sched_runtime);
            assert_eq!((asked.sched_policy, asked.sched_nice), (0, own_niceness()));
            set_scheduling(Some(libc::SCHED_BATCH), None).unwrap();
            ask_for_short_turns().unwrap();
            assert_eq!(scheduling().unwrap().0, libc::SCHED_BATCH);
        });
    }

    fn own_niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[test]
    fn blocked_signals_stay_pending() {
        in_a_thread(|| {
            block_signals().unwrap();
            let mut pending = std::mem::MaybeUninit::uninit();
            // SAFETY: raises a blocked signal in this thread, then reads the pending set into `pending`.
            unsafe {
                assert_eq!(libc::pthread_kill(libc::pthread_self(), libc::SIGUSR1), 0);
                assert_eq!(libc::sigpending(pending.as_mut_ptr()), 0);
                assert_eq!(libc::sigismember(pending.as_ptr(), libc::SIGUSR1), 1);
            }
        });
    }
}

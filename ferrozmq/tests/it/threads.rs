//! One socket, many threads: whole messages stay whole, nobody's wake-up is lost.

use crate::ground::{MOMENT, SOON, endpoints, join, number, numbered, parts};
use crate::progress::ByHand;
use ferrozmq::{Context, ErrorKind, Frame, Message, Socket, SocketType};
use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Instant;

fn stamped(sender: u64, number: u64) -> Message {
    let parts = [sender.to_le_bytes(), number.to_le_bytes(), sender.to_le_bytes()];
    Message::from(parts.map(|part| Frame::from(part.to_vec())))
}

fn read_stamp(message: &Message) -> (u64, u64) {
    let word = |part: usize| u64::from_le_bytes(message[part].as_bytes().try_into().unwrap());
    assert_eq!(message.len(), 3, "a torn message");
    assert_eq!(word(0), word(2), "parts of two messages");
    (word(0), word(1))
}

#[test]
fn many_threads_send_on_one_socket() {
    const THREADS: u64 = 6;
    const EACH: u64 = 5000;
    for endpoint in endpoints("many") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let senders: Vec<_> = (0..THREADS)
            .map(|sender| {
                let push = push.clone();
                thread::spawn(move || (0..EACH).for_each(|n| push.send(stamped(sender, n)).unwrap()))
            })
            .collect();
        let mut next = [0; THREADS as usize];
        for _ in 0..THREADS * EACH {
            let (sender, n) = read_stamp(&pull.recv_timeout(SOON).unwrap());
            assert_eq!(n, next[sender as usize]);
            next[sender as usize] += 1;
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    }
}

#[test]
fn many_threads_receive_on_one_socket() {
    const THREADS: usize = 4;
    const TOTAL: u64 = 20_000;
    for endpoint in endpoints("receivers") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let (found, finds) = mpsc::channel();
        let receivers: Vec<_> = (0..THREADS)
            .map(|_| {
                let (pull, found) = (pull.clone(), found.clone());
                thread::spawn(move || {
                    loop {
                        let message = pull.recv_timeout(SOON).unwrap();
                        if message.size() == 0 {
                            return;
                        }
                        found.send(number(&message)).unwrap();
                    }
                })
            })
            .collect();
        (0..TOTAL).for_each(|n| push.send(numbered(n)).unwrap());
        let mut all: Vec<u64> = (0..TOTAL).map(|_| finds.recv_timeout(SOON).unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..TOTAL));
        (0..THREADS).for_each(|_| push.send("").unwrap());
        receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    }
}

#[test]
fn of_two_waiting_receivers_each_message_wakes_one_that_takes_it() {
    for endpoint in endpoints("two") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        let (found, finds) = mpsc::channel();
        for _ in 0..2 {
            let (pull, found) = (pull.clone(), found.clone());
            thread::spawn(move || {
                while let Ok(message) = pull.recv() {
                    if found.send(number(&message)).is_err() {
                        return;
                    }
                }
            });
        }
        // One at a time, so that both are asleep (or on their way) each time.
        for n in 0..3000 {
            push.send(numbered(n)).unwrap();
            assert_eq!(finds.recv_timeout(SOON).unwrap(), n);
        }
        // Two at a time.
        for n in 0..1000 {
            push.send(numbered(n)).unwrap();
            push.send(numbered(n)).unwrap();
            assert_eq!(finds.recv_timeout(SOON).unwrap(), n);
            assert_eq!(finds.recv_timeout(SOON).unwrap(), n);
        }
        pull.close();
    }
}

#[test]
fn who_does_not_wait_wakes_who_does_for_what_it_leaves() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let mut peer = ByHand::connect(&endpoint, "PUSH");
    for _ in 0..300 {
        thread::scope(|scope| {
            let waiter = scope.spawn(|| pull.recv_timeout(SOON).map(drop));
            // Two messages in one read, of which the looker takes one.
            peer.stream.write_all(&[0, 1, 7, 0, 1, 8]).unwrap();
            let begin = Instant::now();
            while pull.try_recv().is_err() {
                assert!(begin.elapsed() < SOON);
            }
            waiter.join().unwrap().unwrap();
        });
    }
}

#[test]
fn a_leader_that_times_out_passes_the_lead_on() {
    for endpoint in endpoints("lead") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        for n in 0..10 {
            let first = pull.clone();
            let leader = thread::spawn(move || first.recv_timeout(MOMENT / 3).map(|_| ()));
            let second = pull.clone();
            let follower = thread::spawn(move || number(&second.recv_timeout(SOON).unwrap()));
            let led = leader.join().unwrap();
            push.send(numbered(n)).unwrap();
            if led.is_ok() {
                unreachable!("nothing had been sent");
            }
            assert_eq!(follower.join().unwrap(), n);
        }
    }
}

#[test]
fn one_thread_waits_to_send_and_another_to_receive() {
    for endpoint in endpoints("both") {
        let context = Context::new();
        let (one, other) = join(&context, SocketType::Dealer, SocketType::Dealer, &endpoint);
        for socket in [&one, &other] {
            socket.set_sndhwm(2).unwrap();
            socket.set_rcvhwm(2).unwrap();
        }
        const COUNT: u64 = 5000;
        let mut threads = Vec::new();
        for socket in [one, other] {
            let sender = socket.clone();
            threads.push(thread::spawn(move || {
                (0..COUNT)
                    .for_each(|n| sender.send_timeout(parts(&[&n.to_le_bytes(), &[0; 700]]), SOON).unwrap());
            }));
            threads.push(thread::spawn(move || {
                for n in 0..COUNT {
                    let message = socket.recv_timeout(SOON).unwrap();
                    assert_eq!(message[0].as_bytes(), n.to_le_bytes());
                }
            }));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

#[test]
fn a_socket_moves_from_thread_to_thread() {
    for endpoint in endpoints("moves") {
        let context = Context::new();
        let (rep, req) = join(&context, SocketType::Rep, SocketType::Req, &endpoint);
        let mut ends = (rep, req);
        for n in 0..200 {
            ends = thread::spawn(move || {
                let (rep, req) = ends;
                req.send(numbered(n)).unwrap();
                (rep, req)
            })
            .join()
            .unwrap();
            ends = thread::spawn(move || {
                let (rep, req) = ends;
                rep.send(rep.recv_timeout(SOON).unwrap()).unwrap();
                (rep, req)
            })
            .join()
            .unwrap();
            assert_eq!(number(&ends.1.recv_timeout(SOON).unwrap()), n);
        }
    }
}

#[test]
fn parts_may_come_from_different_threads() {
    for endpoint in endpoints("parts") {
        let context = Context::new();
        let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
        for n in 0..100_u8 {
            for part in 0..4_u8 {
                let push = push.clone();
                thread::spawn(move || push.send_part(vec![n, part], part < 3, false).unwrap())
                    .join()
                    .unwrap();
            }
            for part in 0..4_u8 {
                let pull = pull.clone();
                let (frame, more) = thread::spawn(move || pull.recv_part(false).unwrap()).join().unwrap();
                assert_eq!((frame.as_bytes(), more), (&[n, part][..], part < 3));
            }
        }
    }
}

#[test]
fn closing_ends_the_calls_of_other_threads() {
    for endpoint in endpoints("closing") {
        for pause in [0, 1, 2] {
            let context = Context::new();
            let (pull, push) = join(&context, SocketType::Pull, SocketType::Push, &endpoint);
            let (ends, ended) = mpsc::channel();
            for _ in 0..3 {
                let (pull, ends) = (pull.clone(), ends.clone());
                thread::spawn(move || ends.send(pull.recv().unwrap_err().kind()).unwrap());
            }
            assert!(ended.recv_timeout(MOMENT * pause / 4).is_err());
            pull.close();
            for _ in 0..3 {
                assert_eq!(ended.recv_timeout(SOON).unwrap(), ErrorKind::Closed);
            }
            drop((pull, push));
            context.term();
        }
    }
}

/// Pairs of sockets, all threads at once, each thread on a socket of its own.
#[test]
fn many_contexts_and_threads_at_once() {
    let barrier = Arc::new(Barrier::new(8));
    let done = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..8)
        .map(|index| {
            let (barrier, done) = (Arc::clone(&barrier), Arc::clone(&done));
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..5 {
                    let context = Context::new();
                    let endpoint = &endpoints("at-once")[index % 3];
                    let (rep, req) = join(&context, SocketType::Rep, SocketType::Req, endpoint);
                    echo(&rep, &req, 50);
                    drop((rep, req));
                    context.term();
                }
                done.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(done.load(Ordering::Relaxed), 8);
}

fn echo(rep: &Socket, req: &Socket, rounds: u64) {
    for n in 0..rounds {
        req.send(numbered(n)).unwrap();
        rep.send(rep.recv_timeout(SOON).unwrap()).unwrap();
        assert_eq!(number(&req.recv_timeout(SOON).unwrap()), n);
    }
}

/// Threads that bind, connect, send and close on shared sockets while others receive.
#[test]
fn endpoints_come_and_go_under_way() {
    let context = Context::new();
    let pull = context.socket(SocketType::Pull).unwrap();
    let at = pull.bind("tcp://127.0.0.1:*").unwrap();
    pull.bind("inproc://under-way").unwrap();
    let counts: Arc<Mutex<HashMap<u64, u64>>> = Arc::default();
    let receivers: Vec<_> = (0..2)
        .map(|_| {
            let (pull, counts) = (pull.clone(), Arc::clone(&counts));
            thread::spawn(move || {
                while let Ok(message) = pull.recv() {
                    let (sender, _) = read_stamp(&message);
                    *counts.lock().unwrap().entry(sender).or_default() += 1;
                }
            })
        })
        .collect();
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let (context, at) = (context.clone(), at.clone());
            thread::spawn(move || {
                for round in 0..25 {
                    let push = context.socket(SocketType::Push).unwrap();
                    push.connect(if round % 2 == 0 { &at } else { "inproc://under-way" }).unwrap();
                    (0..40).for_each(|n| push.send(stamped(sender, n)).unwrap());
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let begin = std::time::Instant::now();
    while counts.lock().unwrap().values().sum::<u64>() < 4000 {
        assert!(begin.elapsed() < SOON, "{:?}", counts.lock().unwrap());
        thread::yield_now();
    }
    pull.close();
    receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    assert!(counts.lock().unwrap().values().all(|count| *count == 1000));
}

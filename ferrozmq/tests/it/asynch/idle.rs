//! What futures cost that wait for something that does not come.

use super::many_threads;
use crate::child::{child, run_child};
use ferrozmq::{Context, Dealer, Pull, Push, Router};
use std::time::Duration;

/// Changes of threads in this process so far.
fn switches() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let statuses = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok());
    let count = |status: String| {
        let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
        lines.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum::<u64>()
    };
    statuses.map(count).sum()
}

#[test]
fn idle_sockets_cost_no_wake_ups() {
    if !child() {
        return run_child("asynch::idle::idle_sockets_cost_no_wake_ups");
    }
    many_threads(async {
        let context = Context::new();
        let (mut kept, mut peers) = (Vec::new(), Vec::new());
        for endpoint in ["tcp://127.0.0.1:*", "ipc://*", "inproc://idle"] {
            for n in 0..10 {
                let (pull, push) = (Pull::new(&context).unwrap(), Push::new(&context).unwrap());
                let at = pull.bind(&endpoint.replace("idle", &format!("idle{n}"))).unwrap();
                push.connect(&at).unwrap();
                // They have talked before, so that whatever was quick to answer has been looked for.
                for _ in 0..20 {
                    push.send_async("hello").await.unwrap();
                    pull.recv_async().await.unwrap();
                }
                kept.push(tokio::spawn(async move { pull.recv_async().await.map(drop) }));
                let (router, dealer) = (Router::new(&context).unwrap(), Dealer::new(&context).unwrap());
                kept.push(tokio::spawn(async move { router.recv_async().await.map(drop) }));
                kept.push(tokio::spawn(async move {
                    dealer.send_async("nobody").await.map_err(ferrozmq::Error::from)
                }));
                peers.push(push);
            }
        }
        // not settling: the subject is what happens in a second in which nothing happens; the first lets leases run out.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let before = switches();
        // not settling: as above.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let changed = switches() - before;
        assert!(changed < 20, "{changed} changes of threads in a second of nothing");
        assert!(kept.iter().all(|task| !task.is_finished()));
        println!("{changed} changes of threads");
        context.shutdown();
        for task in kept {
            assert!(task.await.unwrap().unwrap_err().is_terminated());
        }
    });
}

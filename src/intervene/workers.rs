//! Threads that compute rows, each some of them, while the thread that they are for gets what they find as it comes.

use super::sweep::Consume;
use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Nobody waits for results any more.
pub(super) struct NotWanted;

/// Hands on the numbers of some rows and what was made of them.
pub(super) type Deliver<'d, R> = dyn Fn(&[usize], R) -> Result<(), NotWanted> + 'd;

/// What a thread does, by its number, until all is done or nobody waits.
pub(super) type RowsWork<'w, R> = dyn Fn(usize, &Deliver<R>) -> Result<(), NotWanted> + Sync + 'w;

/// Results that come sooner than this after the last that were handed on wait for the next: whoever gets them is woken each time.
const TOGETHER: Duration = Duration::from_millis(4);

/// Calls `work` on as many threads with the number of each; `consume` gets what they deliver, in any order.
///
/// # Errors
/// What `consume` returns; whoever delivers after that is told so.
pub(super) fn run<R: Send, E>(workers: usize, work: &RowsWork<R>, consume: &mut Consume<E, R>) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(2 * workers);
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                let sender = sender.clone();
                scope.spawn(move || {
                    let held = RefCell::new((Instant::now(), Vec::new()));
                    let deliver = |numbers: &[usize], result| {
                        let (since, results) = &mut *held.borrow_mut();
                        results.push((numbers.to_vec(), result));
                        if since.elapsed() < TOGETHER {
                            return Ok(());
                        }
                        *since = Instant::now();
                        sender.send(std::mem::take(results)).map_err(|_| NotWanted)
                    };
                    if work(worker, &deliver).is_ok() {
                        // That nobody waits any more is nobody's fault.
                        let _ = sender.send(held.into_inner().1);
                    }
                })
            })
            .collect();
        drop(sender);
        let consumed = receiver.into_iter().flatten().try_for_each(|(numbers, result)| consume(&numbers, result));
        // A panic goes on with what it said, which the scope would not hand on.
        threads.into_iter().try_for_each(|thread| thread.join()).unwrap_or_else(|panic| resume_unwind(panic));
        consumed
    })
}

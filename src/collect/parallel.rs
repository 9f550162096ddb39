//! Many small questions, a few at a time.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// So many at a time: enough to hide waiting, too few to trouble a server.
const AT_ONCE: usize = 4;

/// The answers to all questions, in their order.
pub(super) fn each<T: Sync, R: Send>(questions: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(questions.len()) {
            scope.spawn(|| {
                while let Some((at, question)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    questions.get(at).map(|question| (at, question))
                } {
                    let answer = ask(question);
                    // A panic of another worker is passed on when the scope ends.
                    if let Ok(mut answers) = answers.lock() {
                        answers.push((at, answer));
                    }
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_default();
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let questions: Vec<u64> = (0..50).collect();
        let answers = each(&questions, |question| {
            thread::sleep(std::time::Duration::from_millis(question % 3));
            question * 2
        });
        assert_eq!(answers, questions.iter().map(|question| question * 2).collect::<Vec<_>>());
        assert_eq!(each(&[] as &[u64], |question| *question), [0_u64; 0]);
    }
}

//! Running stages on two threads: each as soon as what it needs is done, one at a time in a lane.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Something to do, and what must be done before it.
pub(crate) trait Task: Sync {
    /// Its name, by which others need it.
    fn name(&self) -> &'static str;
    /// The names that must have succeeded first (those that are not in the list are taken as done).
    fn needs(&self) -> &'static [&'static str];
    /// Tasks of one lane never run together; cargo, for one, holds a lock.
    fn lane(&self) -> &'static str;
    /// Does it. True when it succeeded.
    fn perform(&self) -> bool;
}

/// Runs all tasks, in list order where nothing else decides, and returns the names of those that could not
/// start because something they need failed.
pub(crate) fn run_all<T: Task>(tasks: &[T]) -> Vec<&'static str> {
    let board = Board {
        states: Mutex::new(tasks.iter().map(|t| (t.name(), State::Waiting)).collect()),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(task) = board.take(tasks) {
                    board.put(task.name(), task.perform())
                }
            });
        }
    });
    let states = board.lock();
    tasks.iter().map(T::name).filter(|name| states.get(name) == Some(&State::Unreachable)).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Succeeded,
    Failed,
    Unreachable,
}

struct Board {
    states: Mutex<BTreeMap<&'static str, State>>,
    changed: Condvar,
}

type States<'a> = MutexGuard<'a, BTreeMap<&'static str, State>>;

impl Board {
    fn lock(&self) -> States<'_> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a task that may start and takes it; `None` once nothing is left to start.
    fn take<'t, T: Task>(&self, tasks: &'t [T]) -> Option<&'t T> {
        let mut states = self.lock();
        loop {
            give_up_unreachable(&mut states, tasks);
            if !states.values().any(|s| *s == State::Waiting) {
                return None;
            }
            if let Some(task) = tasks.iter().find(|t| may_start(&states, tasks, *t)) {
                states.insert(task.name(), State::Running);
                return Some(task);
            }
            states = self.changed.wait(states).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put(&self, name: &'static str, succeeded: bool) {
        self.lock().insert(name, if succeeded { State::Succeeded } else { State::Failed });
        self.changed.notify_all();
    }
}

fn may_start<T: Task>(states: &BTreeMap<&str, State>, tasks: &[T], task: &T) -> bool {
    let state = |name: &str| states.get(name).copied().unwrap_or(State::Succeeded);
    state(task.name()) == State::Waiting
        && task.needs().iter().all(|need| state(need) == State::Succeeded)
        && !tasks.iter().any(|other| other.lane() == task.lane() && state(other.name()) == State::Running)
}

fn give_up_unreachable<T: Task>(states: &mut BTreeMap<&'static str, State>, tasks: &[T]) {
    loop {
        let lost = |name: &&str| matches!(states.get(*name), Some(State::Failed | State::Unreachable));
        let hopeless = tasks
            .iter()
            .find(|t| states.get(t.name()) == Some(&State::Waiting) && t.needs().iter().any(lost));
        match hopeless.map(T::name) {
            Some(name) => states.insert(name, State::Unreachable),
            None => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake<'a> {
        name: &'static str,
        needs: &'static [&'static str],
        lane: &'static str,
        succeeds: bool,
        order: &'a Mutex<Vec<&'static str>>,
    }

    impl Task for Fake<'_> {
        fn name(&self) -> &'static str {
            self.name
        }
        fn needs(&self) -> &'static [&'static str] {
            self.needs
        }
        fn lane(&self) -> &'static str {
            self.lane
        }
        fn perform(&self) -> bool {
            self.order.lock().unwrap().push(self.name);
            self.succeeds
        }
    }

    #[test]
    fn needs_come_first_and_a_failure_stops_only_what_needs_it() {
        let order = Mutex::new(Vec::new());
        let fake = |name, needs, succeeds| Fake { name, needs, lane: "one", succeeds, order: &order };
        let tasks = [
            fake("last", &["middle"], true),
            fake("middle", &["first", "not in the list"], true),
            fake("first", &[], true),
            fake("broken", &[], false),
            fake("lost", &["broken"], true),
            fake("lost too", &["lost"], true),
        ];
        assert_eq!(run_all(&tasks), ["lost", "lost too"]);
        assert_eq!(*order.lock().unwrap(), ["first", "middle", "last", "broken"]);
    }

    #[test]
    fn two_lanes_run_side_by_side() {
        struct Meet<'a>(&'static str, &'a std::sync::Barrier);
        impl Task for Meet<'_> {
            fn name(&self) -> &'static str {
                self.0
            }
            fn needs(&self) -> &'static [&'static str] {
                &[]
            }
            fn lane(&self) -> &'static str {
                self.0
            }
            fn perform(&self) -> bool {
                self.1.wait();
                true
            }
        }
        let barrier = std::sync::Barrier::new(2);
        assert!(run_all(&[Meet("left", &barrier), Meet("right", &barrier)]).is_empty());
    }
}

//! What `VecDeque` has itself since Rust 1.93; goes when that is the oldest one that we build with.

use std::collections::VecDeque;

/// The first item, taken out if it passes.
pub fn pop_front_if<T>(queue: &mut VecDeque<T>, passes: impl FnOnce(&T) -> bool) -> Option<T> {
    queue
        .front()
        .is_some_and(passes)
        .then(|| queue.pop_front())?
}

/// The last item, taken out if it passes.
pub fn pop_back_if<T>(queue: &mut VecDeque<T>, passes: impl FnOnce(&T) -> bool) -> Option<T> {
    queue.back().is_some_and(passes).then(|| queue.pop_back())?
}

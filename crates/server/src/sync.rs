//! The locks and flags that connections, the replica and the disk hand things over with.
//!
//! With the feature `shuttle`, which is for tests of this crate only, they are a model checker's
//! instead: each use of one is then a place where another thread may go on (see `model`).

#[cfg(not(feature = "shuttle"))]
pub use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(not(feature = "shuttle"))]
pub use std::sync::atomic::AtomicBool;

#[cfg(feature = "shuttle")]
pub use checked::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(feature = "shuttle")]
pub use shuttle::sync::atomic::AtomicBool;

/// shuttle's locks with parking_lot's faces: no poison, and a wait that leaves the guard.
#[cfg(feature = "shuttle")]
mod checked {
    use std::ops::{Deref, DerefMut};
    use std::time::Duration;

    use shuttle::sync;
    pub use sync::{RwLockReadGuard, RwLockWriteGuard};

    #[derive(Debug, Default)]
    pub struct Mutex<T>(sync::Mutex<T>);

    /// Empty only while its condition is waited for.
    #[derive(Debug)]
    pub struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

    const NO_POISON: &str = "a panic ends the model";

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Mutex(sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().expect(NO_POISON)))
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("held")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("held")
        }
    }

    #[derive(Debug, Default)]
    pub struct RwLock<T>(sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect(NO_POISON)
        }

        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect(NO_POISON)
        }
    }

    impl<T> From<T> for RwLock<T> {
        fn from(value: T) -> Self {
            RwLock(sync::RwLock::new(value))
        }
    }

    #[derive(Debug)]
    pub struct Condvar(sync::Condvar);

    impl Condvar {
        pub fn new() -> Self {
            Condvar(sync::Condvar::new())
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.0.take().expect("held");
            guard.0 = Some(self.0.wait(held).expect(NO_POISON));
        }

        /// The model has no time: patience never ends.
        pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, patience: Duration) {
            if patience > Duration::ZERO {
                self.wait(guard);
            }
        }
    }
}

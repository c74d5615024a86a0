//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The limits; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdmissionLimits {
    /// From one address (`maxClientCnxns`).
    pub per_address: u32,
    /// In all (`maxCnxns`).
    pub total: u32,
}

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `maxClientCnxns`.
    #[error("too many connections from {address} (maxClientCnxns={limit})")]
    PerAddress {
        /// Whose.
        address: IpAddr,
        /// The limit.
        limit: u32,
    },
    /// `maxCnxns`.
    #[error("too many connections (maxCnxns={limit})")]
    Total {
        /// The limit.
        limit: u32,
    },
}

#[derive(Debug, Default)]
struct Counts {
    /// Changed under the lock alone; who only looks needs none.
    total: AtomicU32,
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// Counts the connections that are open.
#[derive(Clone, Debug)]
pub struct Admissions {
    limits: AdmissionLimits,
    counts: Arc<Counts>,
}

/// A connection that was let in; it is counted until this is dropped.
#[derive(Debug)]
pub struct Admission {
    address: IpAddr,
    admissions: Admissions,
}

impl Admissions {
    /// None so far.
    pub fn new(limits: AdmissionLimits) -> Self {
        Admissions {
            limits,
            counts: Arc::default(),
        }
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        let by_address = self.counts.by_address.lock();
        by_address.unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, unless a limit is reached.
    pub fn admit(&self, address: IpAddr) -> Result<Admission, Refusal> {
        let AdmissionLimits { per_address, total } = self.limits;
        let mut by_address = self.by_address();
        if total > 0 && self.open() >= total {
            return Err(Refusal::Total { limit: total });
        }
        let of_address = by_address.entry(address).or_default();
        if per_address > 0 && *of_address >= per_address {
            return Err(Refusal::PerAddress {
                address,
                limit: per_address,
            });
        }
        *of_address += 1;
        self.counts.total.fetch_add(1, Relaxed);
        Ok(Admission {
            address,
            admissions: self.clone(),
        })
    }

    /// How many are open.
    pub fn open(&self) -> u32 {
        self.counts.total.load(Relaxed)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut by_address = self.admissions.by_address();
        self.admissions.counts.total.fetch_sub(1, Relaxed);
        if let Some(of_address) = by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn one_address_cannot_have_more_than_its_share() {
        let admissions = Admissions::new(AdmissionLimits {
            per_address: 2,
            total: 0,
        });
        let first = admissions.admit(address(1)).unwrap();
        let _second = admissions.admit(address(1)).unwrap();
        let refusal = Refusal::PerAddress {
            address: address(1),
            limit: 2,
        };
        assert_eq!(admissions.admit(address(1)).unwrap_err(), refusal);
        let _other = admissions.admit(address(2)).unwrap();
        drop(first);
        assert!(admissions.admit(address(1)).is_ok());
    }

    #[test]
    fn the_total_is_limited_and_given_back() {
        let admissions = Admissions::new(AdmissionLimits {
            per_address: 0,
            total: 1,
        });
        let only = admissions.admit(address(1)).unwrap();
        assert_eq!(
            admissions.admit(address(2)).unwrap_err(),
            Refusal::Total { limit: 1 }
        );
        drop(only);
        assert_eq!(admissions.open(), 0);
        assert!(admissions.by_address().is_empty());
    }
}

//! Client sockets: where to listen, whom to let in, and where a frame ends.
//!
//! Owns bound sockets, the limits on connections, and the cutting of a byte stream into frames.
//! Must not know what a frame contains.

mod accept;
mod admission;
mod bind;
mod frames;
pub mod tls;

pub use accept::{AcceptTrouble, Accepted, accept_loop};
pub use admission::{Admission, AdmissionLimits, Admissions, Refusal};
pub use bind::{BindError, ListenOn, bind, java_host_address};
pub use frames::{FrameError, FrameReader};

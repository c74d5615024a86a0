//! Jute, ZooKeeper's serialisation: bytes to primitive values and records, and back.
//!
//! Owns the wire form of the primitive types, vectors and records, and the limits that Apache's
//! `BinaryInputArchive` puts on lengths. Must not know ZooKeeper: which records exist, and what
//! a field means, is the business of `proto`.
//!
//! All numbers are big-endian. A `ustring` or `buffer` is an int length and that many bytes; a
//! vector an int count and that many items; −1 in place of the length or count is Java's `null`.

mod decode;
mod encode;
mod text;

pub use decode::{Decode, Error, Input, Limits};
pub use encode::Encode;
pub use text::{cesu8_len, decode_cesu8, decode_java_utf8, put_cesu8};

use std::borrow::Cow;

/// A jute `ustring`: text or null. Borrowed from the input when its bytes are valid UTF-8.
pub type Ustring<'a> = Option<Cow<'a, str>>;

/// A jute `buffer`: bytes or null.
pub type Buffer<'a> = Option<&'a [u8]>;

/// A jute `vector<T>`: items or null.
pub type Vector<T> = Option<Vec<T>>;

/// The name that zookeeper.jute gives a type. Only tests and error texts use it.
pub trait JuteType {
    /// For example `int`, `vector<ACL>` or `Stat`.
    fn jute_type() -> String;
}

macro_rules! primitive_names {
    ($($rust:ty => $jute:literal),* $(,)?) => {
        $(impl JuteType for $rust {
            fn jute_type() -> String { $jute.to_owned() }
        })*
    };
}

primitive_names! {
    bool => "boolean",
    i32 => "int",
    i64 => "long",
    Ustring<'_> => "ustring",
    Buffer<'_> => "buffer",
}

impl<T: JuteType> JuteType for Vector<T> {
    fn jute_type() -> String {
        format!("vector<{}>", T::jute_type())
    }
}

/// Declares jute records: the fields, in wire order, once.
///
/// Each record becomes a struct with public fields that implements [`Encode`], [`Decode`] and
/// [`JuteType`], with a constant `FIELDS` for tests against zookeeper.jute.
#[macro_export]
macro_rules! records {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$lt:lifetime>)? { $($field:ident : $ty:ty),* $(,)? }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
            // Field names are zookeeper.jute's own; what is odd about one stands at its record.
            #[allow(missing_docs)]
            pub struct $name $(<$lt>)? { $(pub $field: $ty),* }

            impl $(<$lt>)? $name $(<$lt>)? {
                /// Field names in wire order with their jute types.
                pub fn fields() -> Vec<(&'static str, String)> {
                    vec![$((stringify!($field), <$ty as $crate::JuteType>::jute_type())),*]
                }
            }

            impl $(<$lt>)? $crate::JuteType for $name $(<$lt>)? {
                fn jute_type() -> String { stringify!($name).to_owned() }
            }

            impl $(<$lt>)? $crate::Encode for $name $(<$lt>)? {
                #[allow(unused_variables)]
                fn encode(&self, out: &mut $crate::bytes::BytesMut) {
                    $($crate::Encode::encode(&self.$field, out);)*
                }
            }

            $crate::records!(@decode [$($lt)?] $name { $($field),* });
        )*
    };
    (@decode [] $name:ident { $($field:ident),* }) => {
        impl<'de> $crate::Decode<'de> for $name {
            #[allow(unused_variables)]
            fn decode(input: &mut $crate::Input<'de>) -> Result<Self, $crate::Error> {
                Ok($name { $($field: $crate::Decode::decode(input)?),* })
            }
        }
    };
    (@decode [$lt:lifetime] $name:ident { $($field:ident),* }) => {
        impl<$lt> $crate::Decode<$lt> for $name<$lt> {
            fn decode(input: &mut $crate::Input<$lt>) -> Result<Self, $crate::Error> {
                Ok($name { $($field: $crate::Decode::decode(input)?),* })
            }
        }
    };
}

#[doc(hidden)]
pub use bytes;

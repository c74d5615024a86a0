//! The first frame of a connection, in its two forms.
//!
//! Clients before read-only mode leave the last byte of the connect request out, and their
//! response then has none either (`compat/ProtocolManager.java`).

use bytes::BytesMut;
use jute::{Decode, Encode, Error, Input};

use crate::records::{ConnectRequest, ConnectResponse};

/// A connect request, and whether its read-only byte was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The request; `read_only` is false when the byte was not there.
    pub request: ConnectRequest<'a>,
    /// Does the client know of read-only mode?
    pub has_read_only: bool,
}

impl<'a> Connect<'a> {
    /// Reads either form.
    pub fn decode(frame: &'a [u8]) -> Result<Self, Error> {
        let mut input = Input::new(frame);
        let mut request = ConnectRequest {
            protocol_version: input.read()?,
            last_zxid_seen: input.read()?,
            time_out: input.read()?,
            session_id: input.read()?,
            passwd: input.read()?,
            read_only: false,
        };
        let has_read_only = !input.is_empty();
        if has_read_only {
            request.read_only = bool::decode(&mut input)?;
        }
        Ok(Connect {
            request,
            has_read_only,
        })
    }
}

/// Writes the response in the form that the client's request had.
pub fn encode_response(response: &ConnectResponse<'_>, has_read_only: bool, out: &mut BytesMut) {
    response.encode(out);
    if !has_read_only {
        out.truncate(out.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SessionId, Zxid};

    #[test]
    fn both_forms_of_the_connect_request_are_read() {
        let request = ConnectRequest {
            last_zxid_seen: Zxid(7),
            time_out: 30_000,
            session_id: SessionId(0x1234),
            passwd: Some(&[0; 16]),
            read_only: true,
            ..ConnectRequest::default()
        };
        let mut frame = BytesMut::new();
        request.encode(&mut frame);
        assert_eq!(frame.len(), 45);
        let long = Connect::decode(&frame).unwrap();
        assert_eq!(
            long,
            Connect {
                request: request.clone(),
                has_read_only: true
            }
        );
        let short = Connect::decode(&frame[..44]).unwrap();
        assert_eq!(
            (short.request.read_only, short.has_read_only),
            (false, false)
        );
    }

    #[test]
    fn the_response_has_the_form_of_the_request() {
        let response = ConnectResponse {
            passwd: Some(&[0; 16]),
            ..ConnectResponse::default()
        };
        for (has_read_only, bytes) in [(true, 37), (false, 36)] {
            let mut out = BytesMut::new();
            encode_response(&response, has_read_only, &mut out);
            assert_eq!(out.len(), bytes);
        }
    }
}

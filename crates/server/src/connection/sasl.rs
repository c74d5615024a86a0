//! A client's login by SASL. Its steps are answered at once, ahead of all that waits, with zxid 0.
//!
//! Apache: `ZooKeeperServer.processSasl`.

use ::sasl::{Evaluated, Refused};
use proto::records::{GetSASLRequest, ReplyHeader, SetSASLResponse};
use proto::{Decode, Encode, ErrorCode, Input as Bits, Zxid};

use super::Connection;
use super::order::HEADER_BYTES;
use super::request::Violation;
use crate::sasl::ClientLogins;
use crate::shared::Shared;

impl Connection {
    /// A step of the login. A server that lets nobody log in answers any token with none.
    pub(super) fn log_in(&self, server: &Shared, xid: i32, body: &[u8]) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(body.len() + HEADER_BYTES, error);
        let request = GetSASLRequest::decode(&mut Bits::with_limits(body, server.limits));
        let token = request.map_err(malformed)?.token.unwrap_or_default();
        let Some(logins) = &server.security.clients else {
            self.send_token(xid, ErrorCode::OK, None);
            return Ok(());
        };
        match self.evaluate(logins, token) {
            Ok(Evaluated::Challenge(token)) => self.send_token(xid, ErrorCode::OK, Some(&token)),
            Ok(Evaluated::Done { token, proven }) => {
                let ids = logins.ids(&proven)?;
                tracing::info!(remote = %self.remote, session = %self.session_id(), "logged in by SASL as {:?}", proven.user);
                self.add_identities(ids);
                self.send_token(xid, ErrorCode::OK, token.as_deref());
            }
            Err(Refused::EmptyName) => return Err(Violation::EmptyName),
            Err(refused) => self.refuse_login(server, logins, xid, &refused),
        }
        Ok(())
    }

    fn evaluate(&self, logins: &ClientLogins, token: &[u8]) -> Result<Evaluated, Refused> {
        let mut login = self.login.lock();
        let login = login.get_or_insert_with(|| Box::new(logins.exchange()));
        login.evaluate(token, |user| logins.password_of(user))
    }

    fn refuse_login(&self, server: &Shared, logins: &ClientLogins, xid: i32, refused: &Refused) {
        tracing::warn!(remote = %self.remote, session = %self.session_id(), "login by SASL refused: {refused}");
        let is_required = server.access.auth.enforces("sasl");
        if logins.keeps_failed() && !is_required {
            return self.send_token(xid, ErrorCode::OK, None);
        }
        let error = match is_required {
            true => ErrorCode::SESSION_CLOSED_REQUIRE_SASL_AUTH,
            false => ErrorCode::AUTH_FAILED,
        };
        self.send_token(xid, error, None);
        self.close_after_replies();
    }

    fn send_token(&self, xid: i32, err: ErrorCode, token: Option<&[u8]>) {
        self.send(|out| {
            let zxid = Zxid::ZERO;
            ReplyHeader { xid, zxid, err }.encode(out);
            SetSASLResponse { token }.encode(out);
        });
    }
}

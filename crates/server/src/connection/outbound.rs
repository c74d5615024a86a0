//! What is queued for a client.

use bytes::BytesMut;
use proto::frame;

use super::figures::Figures;

#[derive(Debug, Default)]
pub(super) struct Outbound {
    bytes: BytesMut,
    closing: bool,
    /// Of the requests that are answered here.
    pub figures: Figures,
}

impl Outbound {
    /// Adds a frame; says whether nothing was queued before, and the frame's size.
    pub fn push(&mut self, fill: impl FnOnce(&mut BytesMut)) -> (bool, usize) {
        let before = self.bytes.len();
        if self.closing {
            return (false, 0);
        }
        let size = frame::put(&mut self.bytes, fill);
        (before == 0, size)
    }

    /// No frame is taken any more; the connection ends when those that are queued have gone.
    pub fn close(&mut self) {
        self.closing = true;
    }

    pub fn is_closing(&self) -> bool {
        self.closing
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Takes all that is queued.
    pub fn take(&mut self) -> BytesMut {
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    #[test]
    fn only_the_first_frame_finds_nothing_queued() {
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(|out| out.put_slice(b"ab")), (true, 2));
        assert_eq!(outbound.push(|_| {}), (false, 0));
    }

    #[test]
    fn nothing_follows_a_close() {
        let mut outbound = Outbound::default();
        outbound.close();
        outbound.push(|out| out.put_slice(b"ab"));
        assert_eq!(outbound.len(), 0);
    }
}

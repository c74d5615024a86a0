//! What is queued for a client.

use bytes::{BufMut, BytesMut};

#[derive(Debug, Default)]
pub(super) struct Outbound {
    bytes: BytesMut,
    closing: bool,
}

impl Outbound {
    /// Adds a frame; says whether nothing was queued before, and the frame's size.
    pub fn push(&mut self, fill: impl FnOnce(&mut BytesMut)) -> (bool, usize) {
        let before = self.bytes.len();
        if self.closing {
            return (false, 0);
        }
        self.bytes.put_i32(0);
        fill(&mut self.bytes);
        let size = self.bytes.len() - before - 4;
        let length = i32::try_from(size).expect("replies stay below 2 GiB");
        self.bytes[before..before + 4].copy_from_slice(&length.to_be_bytes());
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
    use super::*;

    #[test]
    fn a_frame_begins_with_its_length() {
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(|out| out.put_slice(b"ab")), (true, 2));
        assert_eq!(outbound.push(|_| {}), (false, 0));
        assert_eq!(outbound.take()[..], [0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0]);
    }

    #[test]
    fn nothing_follows_a_close() {
        let mut outbound = Outbound::default();
        outbound.close();
        outbound.push(|out| out.put_slice(b"ab"));
        assert_eq!(outbound.len(), 0);
    }
}

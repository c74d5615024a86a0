//! Bytes on their way to a socket: many small ones together, large ones where they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// What is written next, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    pieces: VecDeque<Bytes>,
    tail: BytesMut,
    bytes: usize,
}

impl Outgoing {
    /// Where small things are appended.
    pub(super) fn small(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Appends without a copy.
    pub(super) fn large(&mut self, piece: Bytes) {
        self.seal();
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let piece = self.tail.split().freeze();
            self.bytes += piece.len();
            self.pieces.push_back(piece);
        }
    }
}

/// The first pieces are read first; the tail is read like a piece.
impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.bytes + self.tail.len()
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&self.tail, |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let tail = [&self.tail[..]];
        let chunks = self.pieces.iter().map(|piece| &piece[..]).chain(tail);
        let filled = slices
            .iter_mut()
            .zip(chunks.filter(|chunk| !chunk.is_empty()));
        filled
            .map(|(slice, chunk)| *slice = IoSlice::new(chunk))
            .count()
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let Some(piece) = self.pieces.front_mut() else {
                return self.tail.advance(count);
            };
            let step = count.min(piece.len());
            piece.advance(step);
            self.bytes -= step;
            count -= step;
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed() -> Outgoing {
        let mut out = Outgoing::default();
        out.small().extend_from_slice(b"one ");
        out.small().extend_from_slice(b"two ");
        out.large(Bytes::from_static(b"three "));
        out.large(Bytes::from_static(b"four "));
        out.small().extend_from_slice(b"five");
        out
    }

    #[test]
    fn bytes_leave_in_their_order_however_many_at_a_time() {
        let whole = b"one two three four five";
        for step in 1..=whole.len() {
            let (mut out, mut left) = (mixed(), Vec::new());
            while out.has_remaining() {
                assert_eq!(out.remaining(), whole.len() - left.len());
                let mut slices = [IoSlice::new(&[]); 8];
                let filled = out.chunks_vectored(&mut slices);
                let flat: Vec<u8> = slices[..filled]
                    .iter()
                    .flat_map(|slice| slice.to_vec())
                    .collect();
                assert_eq!(flat, &whole[left.len()..]);
                let step = step.min(flat.len());
                left.extend_from_slice(&flat[..step]);
                out.advance(step);
            }
            assert_eq!(left, whole);
        }
    }

    #[test]
    fn fewer_slices_than_pieces_are_a_beginning() {
        let out = mixed();
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(out.chunks_vectored(&mut slices), 2);
        assert_eq!(
            (&*slices[0], &*slices[1]),
            (&b"one two "[..], &b"three "[..])
        );
    }
}
